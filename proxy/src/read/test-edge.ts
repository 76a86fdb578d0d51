/** For tests: a real app, a real pool of connections to it, a real front door; only the back is played. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Back, ReplicaAnswer } from '@larder/sync/client';
import type { Read, User } from '@larder/sync/profile';
import { request } from 'undici';
import { createCache } from '../cache/cache.ts';
import type { Cache } from '../cache/cache.ts';
import { compileRules } from '../cache/rules.ts';
import type { Rule } from '../config-rules.ts';
import { createCloud } from '../cloud.ts';
import type { Exchange } from '../exchange.ts';
import { NOBODY } from '../identity/identity.ts';
import { createReader } from '../read.ts';
import type { Reader, ReaderDeps } from '../read.ts';
import { sendProblem } from '../respond.ts';

/** What a test plays of the back; everything else of it would throw. */
export interface PlayedBack {
  read?(path: string): Promise<ReplicaAnswer | null> | ReplicaAnswer | null;
  checked: boolean;
  pending: boolean;
  generation: number;
  waiting: number;
  live: boolean;
  /** How far the feed is behind, ms. */
  lag: number;
}

export interface TestEdge {
  /** What the reader was made of. */
  parts: ReaderDeps;
  cache: Cache;
  reader: Reader;
  link: { state: 'online' | 'doubtful' | 'offline'; held: boolean; slow(): void };
  back: PlayedBack;
  /** Moves the edge's clock on, ms. */
  advance(ms: number): void;
  /** Requests that reached the app. */
  seen: IncomingMessage[];
  get(path: string, headers?: Record<string, string>, method?: 'GET' | 'HEAD'): Promise<TestAnswer>;
  url: string;
  /** Ends the app: what is asked of it from now on is refused. */
  endApp(): Promise<void>;
}

export interface TestAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** `Larder-Source`, and what follows `larder; ` in Cache-Status. */
  source: unknown;
  how: string;
}

export interface TestEdgeOptions {
  /** What a profile says of every route; null: no profile. */
  read?: Read<User>;
  rules?: readonly Rule[];
  /** Directory of the disk tier; without one, memory only. */
  disk?: string;
  config?: Partial<ReaderDeps['config']>;
}

/** `ending` collects what must be ended after the test, in this order. */
export async function startTestEdge(
  app: RequestListener,
  ending: (() => unknown)[],
  { read, rules, disk, config }: TestEdgeOptions = {},
): Promise<TestEdge> {
  const seen: IncomingMessage[] = [];
  let offset = 0;
  const now = () => Date.now() + offset;
  const origin = createServer((incoming, outgoing) => {
    seen.push(incoming);
    // The app's clock goes with the edge's: an answer would otherwise look older than it is.
    outgoing.setHeader('date', new Date(now()).toUTCString());
    app(incoming, outgoing);
  });
  const back: PlayedBack = { checked: true, pending: false, generation: 0, waiting: 0, live: false, lag: 0 };
  const played = read === undefined ? null : playBack(back, now);
  const cloud = createCloud({
    origin: new URL(await listen(origin)),
    report: () => undefined,
    connectTimeout: 2000,
    headersTimeout: 30_000,
    bodyTimeout: 5000,
    connections: 64,
  });
  const cache = await openCache(played, disk);
  const link: TestEdge['link'] = { state: 'online', held: false, slow() {} };
  const parts: ReaderDeps = {
    cache,
    cloud,
    back: played,
    rules: compileRules(rules ?? [], (secret) => createHash('sha256').update(secret).digest('hex')),
    link,
    identity: NOBODY,
    clock: now,
    config: { patienceCeiling: 200, hardTimeout: 5000, maxObjectBytes: 100_000, replicaLag: 10_000, ...config },
  };
  const reader = createReader(parts);
  const front = createServer(answerBy(reader, read ?? null));
  const url = await listen(front);
  ending.push(
    () => end(front),
    () => cloud.close(),
    () => (origin.listening ? end(origin) : undefined),
    () => cache.close(),
  );
  return {
    parts,
    cache,
    reader,
    link,
    back,
    seen,
    url,
    advance: (ms) => (offset += ms),
    get: (path, headers = {}, method = 'GET') => get(url + path, headers, method),
    endApp: () => end(origin),
  };
}

const openCache = (back: Back | null, directory: string | undefined): Promise<Cache> =>
  createCache({
    tags: back?.tags ?? null,
    memoryBytes: 1e7,
    disk: directory === undefined ? null : { directory, bytes: 1e8 },
    version: '1',
  });

const answerBy =
  (reader: Reader, read: Read<User> | null): RequestListener =>
  (incoming, outgoing) => {
    const exchange = { ...exchangeOf(incoming, read), response: outgoing };
    reader.read(exchange).catch((error: unknown) => sendProblem(outgoing, error));
  };

async function end(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
}

async function listen(server: Server): Promise<string> {
  // A thousand clients at once must all find room before the first is taken.
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function get(url: string, headers: Record<string, string>, method: 'GET' | 'HEAD'): Promise<TestAnswer> {
  const answer = await request(url, { headers, method });
  const text = await answer.body.text();
  const how = String(answer.headers['cache-status'] ?? '').replace(/^.*larder; /, '');
  return { status: answer.statusCode, headers: answer.headers, text, source: answer.headers['larder-source'], how };
}

/** The credential itself stands for its scope, and for a user who has been verified. */
function exchangeOf(incoming: IncomingMessage, read: Read<User> | null): Omit<Exchange, 'response'> {
  const [path = '', query] = (incoming.url ?? '').split('?');
  return {
    request: incoming,
    method: incoming.method ?? 'GET',
    path,
    search: query === undefined ? '' : `?${query}`,
    caller: null,
    claims: null,
    user: incoming.headers.authorization === undefined ? null : { id: incoming.headers.authorization, store: null },
    params: {},
    read,
    write: null,
    scope: incoming.headers.authorization ?? incoming.headers.cookie ?? '',
  };
}

function playBack(played: PlayedBack, now: () => number): Back {
  const parts = {
    get checked() {
      return played.checked;
    },
    read: async ({ path }: { path: string }) => (await played.read?.(path)) ?? null,
    tags: { pending: () => played.pending, generation: () => played.generation },
    get status() {
      return {
        queue: { length: played.waiting },
        replica: { feed: { live: played.live, asOf: new Date(now() - played.lag).toISOString() } },
      };
    },
  };
  // What a read needs of the back; a test that needs more fails at once.
  return parts as unknown as Back;
}
