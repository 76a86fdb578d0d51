/** Many documents in a few bytes: equal digests, equal documents, wherever they were put together. */
import { createHash } from 'node:crypto';
import type { Doc } from '@larder/sync/profile';
import { canonical } from './etag.ts';

/** Of documents in the order of their ids; says how many there are, too. */
export function digestOf(docs: Iterable<Doc>): string {
  const hash = createHash('sha256');
  let count = 0;
  for (const doc of docs) {
    hash.update(canonical(doc)).update('\n');
    count += 1;
  }
  return `${count}-${hash.digest('base64url')}`;
}
