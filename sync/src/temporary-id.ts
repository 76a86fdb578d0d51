/** Ids of documents whose own id the cloud has still to choose. */
import { createHash } from 'node:crypto';
import type { Entry } from './profile.ts';

/** What all of them begin with. */
export const TEMPORARY = 'tmp-';

/** Found in any text: of one length, so none begins another, and of characters that neither URL nor JSON escapes. */
export const TEMPORARY_ID = /tmp-[0-9a-f]{32}/g;

/** The id of the n-th document (from 1) that an entry makes. The same wherever and whenever it is computed. */
export function temporaryId(resource: string, { user, key }: Pick<Entry, 'user' | 'key'>, n = 1): string {
  const hash = createHash('sha256').update(JSON.stringify([resource, user.id, key, n]));
  return `${TEMPORARY}${hash.digest('hex').slice(0, 32)}`;
}
