/** The same without idempotency keys. */
import { defineApp } from '../profile.ts';
import boxes from './boxes-profile.ts';
import keyless from './keyless.ts';

export default defineApp({ ...keyless, ...(boxes.boxes && { boxes: boxes.boxes }) });
