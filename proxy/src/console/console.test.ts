import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BackStatus } from '@larder/sync/client';
import { request as send } from 'undici';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Purge } from '../cache/cache.ts';
import { summaryOf } from '../cli/status.ts';
import type { Passage } from '../link/link.ts';
import { createLog } from '../log.ts';
import { sendProblem } from '../respond.ts';
import { compileRules } from '../cache/rules.ts';
import { parseTarget } from '../target.ts';
import { createConsole } from './console.ts';
import { LarderError } from '@larder/sync/errors';
import { createPurge } from './purge.ts';
import { createMetrics } from './metrics.ts';
import type { Status, StatusSources } from './status.ts';

const START = Date.parse('2026-11-21T06:00:00Z');
const lost: Passage = { at: START, state: 'offline', fault: 'refused', after: 90_000 };

const back: BackStatus = {
  box: { standing: 'current', current: null, since: null, authorised: null },
  clock: { skew: 0 },
  queue: {
    length: 3,
    oldest: new Date(START).toISOString(),
    states: { queued: 2, sending: 0, unknown: 1 },
    stalled: null,
    inbox: 1,
    inboxKinds: { refused: 0, conflict: 1, orphaned: 0, 'key-mismatch': 0, unknown: 0 },
    inboxOldest: new Date(START).toISOString(),
  },
  replica: {
    complete: true,
    resources: { products: { complete: true, rebuilding: false, documents: 120, asOf: null } },
    feed: { live: false, asOf: new Date(START).toISOString(), epoch: 'e1' },
    audit: {
      run: 1,
      running: null,
      last: { at: new Date(START).toISOString(), ms: 900, checked: 120, drifted: 2, unconfirmed: 1, resources: {} },
      failed: null,
    },
  },
};

const sources = (): StatusSources => ({
  name: 'edge-1',
  store: 'S001',
  cloud: new URL('http://127.0.0.1:4000'),
  profile: { name: 'inventory', release: 1 },
  link: { state: 'offline', since: START, held: true, timeline: [lost] },
  back: () => back,
  people: () => null,
  cache: () => ({ memory: { responses: 2, bytes: 2048 }, disk: { responses: 5, bytes: 5_000_000, faults: 0 } }),
  fastPath: () => null,
  certificate: () => null,
  reads: () => ({ hit: 8, stored: 2 }),
});

let server: Server;
let url: string;
let healthy: boolean;
let held: string[];
/** What the cache was told, and what the log says of it. */
let purges: Purge[];
/** The disk takes nothing. */
let failing: boolean;
let logged: string[];
const cache = {
  purge: async (purge: Purge) => {
    purges.push(purge);
    if (failing) throw new LarderError('LARDER_PURGE_UNWRITTEN');
    return 3;
  },
};

beforeEach(async () => {
  healthy = true;
  held = [];
  purges = [];
  failing = false;
  logged = [];
  const log = createLog('test', 'info', { write: (line: string) => void logged.push(line) });
  const metrics = createMetrics(sources());
  metrics.observe('read', 200, 0.001);
  const console = createConsole({
    sources: sources(),
    metrics,
    healthy: () => healthy,
    audit: async () => ({ run: 1 }),
    box: async (order, by) => ({ standing: 'fork', current: null, since: null, authorised: { by, at: order } }),
    link: { hold: (by) => void held.push(`hold ${by}`), release: (by) => void held.push(`release ${by}`) },
    purge: createPurge({ cache, rules: compileRules([], String), clock: () => START, log, count: metrics.purged }),
    people: {},
    explain: () => Promise.reject(new Error('not asked here')),
    inbox: () => Promise.reject(new Error('not asked here')),
    token: 'the-token',
    log,
  });
  server = createServer((request, response) => {
    console(request, response, parseTarget(request.url ?? '') ?? { path: '/', search: '' }).catch((error: unknown) =>
      sendProblem(response, error),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const setLink = (body: string, authorization = 'Bearer the-token') =>
  fetch(`${url}/_edge/link`, { method: 'POST', body, headers: { authorization } });

test('health speaks of this process alone', async () => {
  expect(await (await fetch(`${url}/_edge/health`)).json()).toEqual({ status: 'ok' });
  healthy = false;
  const answer = await fetch(`${url}/_edge/health`);
  expect(answer.status).toBe(503);
  expect(answer.headers.get('cache-control')).toBe('no-store');
});

test('the operator lets a box go that is not the current one, and nobody else does', async () => {
  const order = (path: string, authorization: string) =>
    fetch(`${url}/_edge/box/${path}`, { method: 'POST', body: '{}', headers: { authorization } });
  for (const action of ['authorise', 'take-over']) {
    expect((await order(action, 'Bearer wrong')).status).toBe(403);
    const answer = await order(action, 'Bearer the-token');
    expect(await answer.json()).toMatchObject({ authorised: { by: 'operator at 127.0.0.1', at: action } });
  }
});

test('status shows link, queue, replica and cache, in counts and times', async () => {
  const status = (await (await fetch(`${url}/_edge/status`)).json()) as Status;
  expect(status).toMatchObject({
    name: 'edge-1',
    store: 'S001',
    link: {
      state: 'offline',
      since: '2026-11-21T06:00:00.000Z',
      held: true,
      fault: 'refused',
      timeline: [{ at: '2026-11-21T06:00:00.000Z', state: 'offline', fault: 'refused', seconds: 90 }],
    },
    queue: { length: 3, inbox: 1 },
    replica: { complete: true, resources: { products: { documents: 120 } } },
    cache: { memory: { responses: 2 }, reads: { hit: 8 } },
  });
});

test('status can be read by a person', async () => {
  const summary = summaryOf((await (await fetch(`${url}/_edge/status`)).json()) as Status);
  expect(summary).toMatch(/^edge-1, larder \d+\.\d+\.\d+, store S001$/m);
  expect(summary).toMatch(/link +held; offline \(refused\) since 2026-11-21T06:00:00.000Z$/m);
  expect(summary).toMatch(/waiting +3, the oldest since 2026-11-21T06:00:00.000Z$/m);
  expect(summary).toMatch(/inbox +1 need a person$/m);
  expect(summary).toMatch(/replica +complete, 120 documents, feed not live, as of 2026/m);
  expect(summary).toMatch(/cache +memory 2 answers, 2 KiB; disk 5 answers, 4.8 MiB$/m);
});

test('metrics are what Prometheus reads', async () => {
  const answer = await fetch(`${url}/metrics`);
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = (await answer.text()).split('\n');
  const labels = 'edge="edge-1",store="S001"';
  expect(lines).toEqual(
    expect.arrayContaining([
      `larder_link_state{state="offline",${labels}} 1`,
      `larder_link_state{state="online",${labels}} 0`,
      `larder_link_held{${labels}} 1`,
      `larder_requests_total{handler="read",status="2xx",${labels}} 1`,
      `larder_reads_total{outcome="hit",${labels}} 8`,
      `larder_cache_bytes{tier="disk",${labels}} 5000000`,
      `larder_queue_length{${labels}} 3`,
      `larder_inbox_length{${labels}} 1`,
      `larder_replica_documents{resource="products",${labels}} 120`,
    ]),
  );
  expect(lines.find((line) => line.startsWith('larder_queue_oldest_seconds'))).toMatch(/ \d+(\.\d+)?(e\+\d+)?$/);
});

test('the link is held and released by whoever has the token', async () => {
  const answer = await setLink('{"hold":true}');
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ state: 'offline' });
  await setLink('{"hold":false}');
  expect(held).toEqual(['hold operator at 127.0.0.1', 'release operator at 127.0.0.1']);
});

test.each([
  ['no token', () => fetch(`${url}/_edge/link`, { method: 'POST', body: '{"hold":true}' }), 401],
  ['another token', () => setLink('{"hold":true}', 'Bearer another'), 403],
  ['a body of another shape', () => setLink('{"hold":"yes"}'), 400],
  ['no JSON', () => setLink('hold'), 400],
  ['a body beyond all size', () => setLink(`{"hold":true,"x":"${'a'.repeat(70_000)}"}`), 413],
  ['a page that is not there', () => fetch(`${url}/_edge/none`), 404],
  ['a method that is not there', () => fetch(`${url}/_edge/health`, { method: 'DELETE' }), 404],
])('refused: %s', async (_name, ask, status) => {
  const answer = await ask();
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(held).toEqual([]);
});

const ask = (method: string, path: string, options: { body?: string; headers?: Record<string, string> } = {}) =>
  send(url + path, {
    method: method as 'POST',
    body: options.body ?? null,
    headers: { authorization: 'Bearer the-token', ...options.headers },
  });
const purge = (order: unknown) => ask('POST', '/_edge/purge', { body: JSON.stringify(order) });

test.each<[unknown, Purge]>([
  [{ url: '/a?x=1' }, { by: 'url', value: '/a?x=1', soft: null }],
  [{ url: 'https://store.test/a?x=1' }, { by: 'url', value: '/a?x=1', soft: null }],
  [
    { prefix: '/a', soft: false },
    { by: 'prefix', value: '/a', soft: null },
  ],
  [
    { tag: 'red', soft: true },
    { by: 'tag', value: 'red', soft: START },
  ],
])('the order %j purges, and the log says who, what and how many', async (order, expected) => {
  const answer = await purge(order);
  expect(await answer.body.json()).toMatchObject({ by: expected.by, value: expected.value, responses: 3 });
  expect(purges).toEqual([expected]);
  const line = JSON.parse(logged.at(-1) ?? '') as Record<string, unknown>;
  expect(line).toMatchObject({ msg: 'purged', who: 'operator at 127.0.0.1', by: expected.by, responses: 3 });
  expect(line['value']).not.toContain('?');
});

test('purges are counted by what they name and how', async () => {
  for (const order of [{ url: '/a' }, { url: '/b' }, { tag: 'red', soft: true }]) await purge(order);
  const text = await (await ask('GET', '/metrics')).body.text();
  const counted = [...text.matchAll(/^larder_purges_total\{by="(\w+)",how="(\w+)".*\} (\d+)$/gm)];
  expect(counted.map(([, ...part]) => part.join(' ')).toSorted()).toEqual([
    'prefix hard 0',
    'prefix soft 0',
    'tag hard 0',
    'tag soft 1',
    'url hard 2',
    'url soft 0',
  ]);
});

test('a purge that the disk does not take says so, to whoever asked and in the log', async () => {
  failing = true;
  const answer = await purge({ url: '/a' });
  expect(answer.statusCode).toBe(507);
  expect(await answer.body.json()).toMatchObject({ code: 'LARDER_PURGE_UNWRITTEN' });
  expect(logged.map((line) => JSON.parse(line) as object)).toMatchObject([
    { msg: 'purged, but not on disk', by: 'url' },
  ]);
});

test('PURGE asks for its own URL, hard or soft', async () => {
  expect((await ask('PURGE', '/a?x=1')).statusCode).toBe(200);
  expect((await ask('PURGE', '/a', { headers: { 'larder-purge': 'soft' } })).statusCode).toBe(200);
  expect(purges).toEqual([
    { by: 'url', value: '/a?x=1', soft: null },
    { by: 'url', value: '/a', soft: START },
  ]);
});

test.each<[string, () => ReturnType<typeof ask>, number]>([
  ['PURGE with another token', () => ask('PURGE', '/a', { headers: { authorization: 'Bearer of-a-user' } }), 403],
  ['PURGE in an unknown way', () => ask('PURGE', '/a', { headers: { 'larder-purge': 'gently' } }), 400],
  ['an order without a name', () => purge({ soft: true }), 400],
  ['an order with two', () => purge({ url: '/a', tag: 'red' }), 400],
  ['an order of another shape', () => purge({ tag: 'red', sotf: true }), 400],
  ['a URL that is none', () => purge({ url: 'a' }), 400],
])('no purge: %s', async (_name, run, status) => {
  expect((await run()).statusCode).toBe(status);
  expect(purges).toEqual([]);
});

test('no purge without a credential, and the log says who tried', async () => {
  const answer = await send(`${url}/a?key=hush`, { method: 'PURGE' as 'GET' });
  expect(answer.statusCode).toBe(401);
  expect(answer.headers['www-authenticate']).toBe('Bearer');
  expect(logged.join()).toContain('refused');
  expect(logged.join()).not.toContain('hush');
});
