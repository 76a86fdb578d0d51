/** Why a request would be answered as it would: a dry run, which asks no cloud and changes nothing that is cached. */
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Back } from '@larder/sync/client';
import { LarderError } from '@larder/sync/errors';
import type { App, User } from '@larder/sync/profile';
import * as z from 'zod';
import type { Cache } from '../cache/cache.ts';
import type { Stored } from '../cache/response.ts';
import { termsOf } from '../cache/rules.ts';
import type { Rules } from '../cache/rules.ts';
import type { Rule } from '../config-rules.ts';
import type { Establish } from '../establish.ts';
import type { Exchange } from '../exchange.ts';
import type { Link } from '../link/link.ts';
import { createBypass } from '../read/bypass.ts';
import type { Bypass } from '../read/bypass.ts';
import { readingOf, ruledRequestOf } from '../read/reading.ts';
import type { Reader } from '../read.ts';
import type { Reading } from '../read/reading.ts';
import { askReplica, mustAskReplica, prefersReplica } from '../read/replica.ts';
import { parseTarget } from '../target.ts';
import { ladderOf, LINKS } from './ladder.ts';
import type { LinkCase, Rung, Situation } from './ladder.ts';

/** The body of `POST /_edge/explain`: a request that might come. */
export const Question = z.strictObject({
  method: z.enum(['GET', 'HEAD'], { error: 'must be GET or HEAD: nothing else is cached' }).default('GET'),
  path: z.string().max(8192),
  headers: z.record(z.string().toLowerCase(), z.string()).default({}),
});
export type Question = z.output<typeof Question>;

/** What is stored, as far as it decides. Times left are seconds, negative where they have passed; null: never in force. */
export interface Kept {
  status: number;
  bytes: number;
  storedAt: string;
  age: number;
  fresh: number;
  staleWhileRevalidate: number | null;
  staleIfError: number | null;
  staleIfOffline: number | null;
  /** Whose: a scope; empty for nobody's in particular. `shared`: all may have it. */
  scope: string;
  shared: boolean;
  vary: readonly string[];
  etag: string | null;
  tags: readonly string[];
  cacheTags: readonly string[];
  /** Of its tags, when it was fetched. */
  sequence: number;
}

export interface Explanation {
  /** When it was asked, by the edge's clock. */
  at: string;
  method: string;
  /** The key: path and query, without what the rules take off; and whose eyes it is for. */
  key: { uri: string; scope: string };
  /** Who the profile says it is; null: nobody it knows. */
  user: User | null;
  /** The profile's route; null where it lists none. `covered`: the replica can answer it. */
  route: { name: string; covered: boolean; replicaFirst: boolean } | null;
  /** The operator's rules that apply, and what counts in the end: theirs before the profile's. */
  rules: readonly Rule[];
  terms: ReturnType<typeof termsOf>;
  tags: readonly string[];
  /** The latest change of those tags, and whether a write that touches them is waiting. */
  generation: number;
  pending: boolean;
  stored: { memory: Kept | null; disk: Kept | null; others: boolean };
  /** What the replica would say now. */
  replica: { status: number; asOf: string; sequence: number } | null;
  link: { state: string; held: boolean };
  /** Who would answer now, and why. */
  decision: Rung;
  /** What would be tried, in turn, under each state of the link. */
  ladder: Record<LinkCase, Rung[]>;
}

export interface ExplainDeps {
  app: Pick<App, 'reads'> | null;
  establish: Establish;
  rules: Rules;
  cache: Pick<Cache, 'peek' | 'has'>;
  /** Null without a profile. */
  back: Back | null;
  link: Pick<Link, 'state' | 'held'>;
  cloud: Parameters<typeof createBypass>[0]['cloud'];
  /** ms since 1970. */
  clock(): number;
  reader: Pick<Reader, 'standings'>;
  /** Replica-first routes are the cloud's while the feed is further behind than this, ms. */
  replicaLag: number;
}

/**
 * Makes what explains. Only a token whose signing key is not known here may still cause one fetch of the app's keys, as
 * the request itself would.
 */
export function createExplain(deps: ExplainDeps): (question: Question) => Promise<Explanation> {
  const { app, rules, cache, back, link, clock } = deps;
  const bypass = createBypass({ cloud: deps.cloud, hardTimeout: 0 });
  return async (question) => {
    const exchange = await exchangeOf(question, deps.establish);
    const ruled = ruledRequestOf(exchange, rules);
    const { memory, disk } = await cache.peek(ruled.request);
    const reading = readingOf(exchange, memory ?? disk, ruled, back);
    const replica = await askReplica(back, reading);
    const now = clock();
    const others = memory === null && disk === null && cache.has(ruled.request.uri);
    const situation: Situation = {
      request: ruled.request,
      stored: memory ?? disk,
      tier: memory === null ? 'disk' : 'memory',
      replica: replica !== null,
      replicaFirst: whyReplicaFirst(deps, reading),
      bypass: whyBypassed(bypass, exchange),
      precondition: bypass.hasPrecondition(exchange),
      others,
      now,
    };
    const ladder = Object.fromEntries(LINKS.map((one) => [one, ladderOf(situation, one)])) as Explanation['ladder'];
    return {
      at: iso(now),
      method: exchange.method,
      key: { uri: ruled.request.uri, scope: ruled.request.scope },
      user: exchange.user,
      route: routeOf(app, reading),
      rules: ruled.ruling?.rules ?? [],
      terms: termsOf(ruled.ruling, exchange.read?.cache),
      tags: reading.tags,
      generation: reading.since,
      pending: back?.tags.pending(reading.tags) ?? false,
      stored: { memory: keptOf(memory, now), disk: keptOf(disk, now), others },
      replica:
        replica === null
          ? null
          : { status: replica.answer.status, asOf: iso(replica.asOf), sequence: replica.sequence },
      link: { state: link.state, held: link.held },
      decision: ladder[link.held ? 'held' : link.state][0] ?? { from: 'error', why: 'nothing can answer' },
      ladder,
    };
  };
}

/** A request that comes from nowhere, established as if it had come in by the door. */
async function exchangeOf({ method, path, headers }: Question, establish: Establish): Promise<Exchange> {
  const target = parseTarget(path);
  if (target === null) throw new LarderError('LARDER_BAD_REQUEST', 'The path could be read in two ways, or is none.');
  const request = new IncomingMessage(new Socket());
  request.method = method;
  request.url = path;
  request.headers = headers;
  return establish(request, new ServerResponse(request), target);
}

function routeOf(app: ExplainDeps['app'], { exchange, covered }: Reading): Explanation['route'] {
  const { read } = exchange;
  const name = Object.entries(app?.reads ?? {}).find(([, value]) => value === read)?.[0];
  if (read === null || name === undefined) return null;
  return { name, covered, replicaFirst: read.replicaFirst === true };
}

function whyReplicaFirst({ back, clock, reader, replicaLag }: ExplainDeps, reading: Reading): string | null {
  if (mustAskReplica(back, reading)) return 'a write is waiting that touches it';
  if (!prefersReplica(back, reading, { now: clock(), mostLag: replicaLag })) return null;
  if (reader.standings.of(reading.exchange) === 'unproved') return null;
  return 'the profile wants the replica first, and the feed is live';
}

function whyBypassed(bypass: Bypass, exchange: Exchange): string | null {
  if (!bypass.isNeeded(exchange)) return null;
  if (bypass.hasPrecondition(exchange)) return 'the client sets a condition for the origin to judge';
  const { range } = exchange.request.headers;
  if (range !== undefined) return 'a range is asked for, and no whole answer is stored';
  return exchange.method === 'HEAD'
    ? 'HEAD, and no answer is stored'
    : 'the client wants nothing of it kept (no-store)';
}

function keptOf(stored: Stored | null, now: number): Kept | null {
  if (stored === null) return null;
  const left = (limit: number) => Math.floor((limit - now) / 1000);
  const leftOf = (limit: number) => (limit === 0 ? null : left(limit));
  const { status, scope, shared, vary, etag, tags, cacheTags, sequence } = stored;
  return {
    status,
    bytes: stored.body.length,
    storedAt: iso(stored.storedAt),
    age: Math.max(0, Math.floor((now - stored.birth) / 1000)),
    fresh: left(stored.freshUntil),
    staleWhileRevalidate: leftOf(stored.staleWhileRevalidateUntil),
    staleIfError: leftOf(stored.staleIfErrorUntil),
    staleIfOffline: leftOf(stored.staleIfOfflineUntil),
    scope,
    shared,
    vary,
    etag,
    tags,
    cacheTags,
    sequence,
  };
}

const iso = (ms: number) => new Date(ms).toISOString();
