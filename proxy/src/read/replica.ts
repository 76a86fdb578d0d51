/** Asks the replica, and takes nothing from it that is older than what this read must show. */
import type { Back, ReplicaAnswer } from '@larder/sync/client';
import { parseDirectives } from '../cache/directives.ts';
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

/** I6: a waiting write, or one that a restored cloud may have lost, touches this route, and only the replica shows it. */
export const mustAskReplica = (back: Back | null, { covered, tags }: Reading): boolean =>
  covered && back !== null && (!back.checked || back.tags.pending(tags));

/**
 * The profile wants the replica even while the link is up, the feed keeps it close (`mostLag`, ms), and the caller does
 * not ask for more than that. A feed that falls behind, and one that breaks off, give the route back to the cloud.
 */
export function prefersReplica(
  back: Back | null,
  { covered, exchange, request }: Reading,
  { now, mostLag }: { now: number; mostLag: number },
): boolean {
  if (!covered || back === null || exchange.read?.replicaFirst !== true) return false;
  const { live, asOf } = back.status.replica.feed;
  return live && asOf !== null && now - Date.parse(asOf) <= mostLag && !wantsOrigin(request);
}

/** Reload in a browser: no stored answer will do (RFC 9111 §5.2.1.4). */
function wantsOrigin({ headers }: Reading['request']): boolean {
  if (headers['cache-control'] === undefined) return headers['pragma'] === 'no-cache';
  const directives = parseDirectives(headers['cache-control']);
  return directives.has('no-cache') || directives.get('max-age') === '0';
}

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
