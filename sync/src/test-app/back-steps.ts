/** The steps at which sync's own tests kill a back (crash-steps.test.ts); the others have a day of a real edge. */
import type { Step } from '../crash-point.ts';

export const BACK_STEPS = [
  'schema',
  'tables',
  'restart',
  'import',
  'imported',
  'left',
  'mended',
  'audited',
  'counted',
  'signed-in',
  'state',
] as const satisfies readonly Step[];
export type BackStep = (typeof BACK_STEPS)[number];
