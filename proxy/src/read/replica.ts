/** Asks the replica, and takes nothing from it that is older than what this read must show. */
import type { Back, ReplicaAnswer } from '@larder/sync/client';
import type { Reading } from './reading.ts';

/** A snapshot that began before the bump is followed by one that did not. */
const ATTEMPTS = 3;

/** The replica's answer; null where the route is not covered, or the replica cannot answer. */
export async function askReplica(back: Back | null, reading: Reading): Promise<ReplicaAnswer | null> {
  if (back === null || !reading.covered) return null;
  const { request, path, search, claims, user } = reading.exchange;
  // I6: whatever was acknowledged before now must be in it.
  const needed = back.tags.generation(reading.tags);
  const headers = request.headers as Record<string, string>;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const answer = await back.read({ method: 'GET', path, search, headers, body: null, claims, user });
    if (answer === null || answer.sequence >= needed) return answer;
  }
  return null;
}

/** I6: a waiting write touches what this route shows, and only the replica shows it. */
export const mustAskReplica = (back: Back | null, { covered, tags }: Reading): boolean =>
  covered && back?.tags.pending(tags) === true;

/** The profile wants the replica even while the link is up, and the feed keeps it close. */
export const prefersReplica = (back: Back | null, { covered, exchange }: Reading): boolean =>
  covered && exchange.read?.replicaFirst === true && back?.status.replica.feed.live === true;

/** I6: a write was acknowledged while the cloud's answer was under way, which therefore may not show it. */
export const wasOvertaken = (back: Back | null, reading: Reading): boolean =>
  reading.covered &&
  back !== null &&
  (back.tags.generation(reading.tags) !== reading.since || back.tags.pending(reading.tags));

/** How many changes wait that an answer of the cache or the cloud may not show. */
export function pendingFor(back: Back | null, reading: Reading): number {
  if (back === null || (reading.covered && !back.tags.pending(reading.tags))) return 0;
  return back.status.queue.length;
}
