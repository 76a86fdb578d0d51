/**
 * What read.ts would do for a request, step by step, under each state of the link; nothing is done. explain.test.ts
 * holds both against one another.
 */
import type { LinkState } from '@larder/sync/link';
import { decide, mayServeStale, onlyIfCached } from '../cache/policy.ts';
import type { CacheRequest, Stored } from '../cache/response.ts';

export type Source = 'replica' | 'memory' | 'disk' | 'cloud' | 'stale' | 'error';

/** One rung: who answers, if what was tried before did not; and why there, or when. */
export interface Rung {
  from: Source;
  why: string;
}

/** The link as the operator may find it; `held` whatever its state. */
export const LINKS = ['online', 'doubtful', 'offline', 'held'] as const;
export type LinkCase = (typeof LINKS)[number];

/** All that the order depends on. */
export interface Situation {
  request: CacheRequest;
  stored: Stored | null;
  tier: 'memory' | 'disk';
  /** Could the replica answer this now? */
  replica: boolean;
  /** Why the replica goes before everything else; null where it does not. */
  replicaFirst: string | null;
  /** Why the cache can neither answer nor learn from it; null where it can. */
  bypass: string | null;
  /** The client sets a condition that only the origin can judge. */
  precondition: boolean;
  /** Something else is stored under its URI. */
  others: boolean;
  /** ms since 1970. */
  now: number;
}

/** The rungs in the order in which they are tried; the last one surely answers, or is where it ends. */
export function ladderOf(situation: Situation, link: LinkCase): Rung[] {
  const state: LinkState = link === 'held' ? 'online' : link;
  if (situation.replicaFirst !== null && situation.replica) return [{ from: 'replica', why: situation.replicaFirst }];
  const hit = hitOf(situation, state);
  if (hit !== null) return [hit];
  if (link === 'offline' || link === 'held') {
    const here = lowerRung(situation, 'unreachable', link === 'held' ? 'the link is held' : 'the link is down');
    if (here !== null) return [here];
  }
  if (onlyIfCached(situation.request))
    return [{ from: 'error', why: '504: the client wants only what is here (only-if-cached)' }];
  if (link === 'held') return [{ from: 'error', why: '503: the operator holds the link, and nothing here can answer' }];
  return [{ from: 'cloud', why: whyAsked(situation, state) }, ...fallbacks(situation)];
}

function hitOf({ request, stored, tier, precondition, now }: Situation, state: LinkState): Rung | null {
  if (stored === null || precondition) return null;
  const { type } = decide(request, stored, now, state);
  if (type === 'fresh') return { from: tier, why: `fresh for another ${secondsUntil(stored.freshUntil, now)} s` };
  if (type !== 'stale-while-revalidate') return null;
  return { from: tier, why: 'stale, and given at once while a new one is fetched' };
}

/** What happens if the cloud does not answer well; a rung that answers is tried before an error. */
function fallbacks(situation: Situation): Rung[] {
  const cases = [
    ['slow', 'if the cloud is slower than usual on this route'],
    ['failed', 'if the cloud answers 500, 502, 503 or 504'],
    ['unreachable', 'if the cloud cannot be reached'],
  ] as const;
  const rungs: Rung[] = [];
  for (const [need, when] of cases) {
    const rung = lowerRung(situation, need, when);
    if (rung !== null) rungs.push(rung);
    else if (need === 'unreachable') rungs.push({ from: 'error', why: `${when}: nothing here can answer` });
  }
  return rungs;
}

/** The ladder's lower part: the replica, else a stale answer where the rules let it. */
function lowerRung(situation: Situation, need: 'slow' | 'failed' | 'unreachable', when: string): Rung | null {
  const { stored, precondition, replica, now } = situation;
  if (replica) return { from: 'replica', why: when };
  if (stored === null || precondition || !mayServeStale(stored, now, need)) return null;
  return { from: 'stale', why: when };
}

function whyAsked({ request, stored, bypass, others, now }: Situation, state: LinkState): string {
  if (bypass !== null) return `the cache is bypassed: ${bypass}`;
  const decision = decide(request, stored, now, state);
  if (decision.type === 'revalidate' && decision.reason === 'request')
    return 'the client wants it fresher than what is stored';
  if (decision.type !== 'miss') return 'what is stored is stale, and is validated';
  return others ? 'what is stored is for another scope or variant' : 'nothing is stored';
}

const secondsUntil = (limit: number, now: number) => Math.floor((limit - now) / 1000);
