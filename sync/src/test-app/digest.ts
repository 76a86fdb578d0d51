/** The test app's hash of documents. */
import { createHash } from 'node:crypto';
import type { Doc } from '../profile.ts';

export const hashOf = (docs: Iterable<Doc>): string =>
  createHash('sha256')
    .update(JSON.stringify([...docs].map((doc) => Object.entries(doc).sort(([a], [b]) => (a < b ? -1 : 1)))))
    .digest('hex');
