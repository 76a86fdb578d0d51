import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BackStatus } from '@larder/sync/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { summaryOf } from '../cli/status.ts';
import type { Passage } from '../link/link.ts';
import { createLog } from '../log.ts';
import { sendProblem } from '../respond.ts';
import { createConsole } from './console.ts';
import { createMetrics } from './metrics.ts';
import type { Status, StatusSources } from './status.ts';

const START = Date.parse('2026-11-21T06:00:00Z');
const lost: Passage = { at: START, state: 'offline', fault: 'refused', after: 90_000 };

const back: BackStatus = {
  queue: {
    length: 3,
    oldest: new Date(START).toISOString(),
    states: { queued: 2, sending: 0, unknown: 1 },
    inbox: 1,
  },
  replica: {
    complete: true,
    resources: { products: { complete: true, documents: 120, asOf: null } },
    feed: { live: false, asOf: new Date(START).toISOString(), epoch: 'e1' },
  },
};

const sources = (): StatusSources => ({
  name: 'edge-1',
  store: 'S001',
  cloud: new URL('http://127.0.0.1:4000'),
  profile: { name: 'inventory', release: 1 },
  link: { state: 'offline', since: START, held: true, timeline: [lost] },
  back: () => back,
  cache: () => ({ memory: { responses: 2, bytes: 2048 }, disk: { responses: 5, bytes: 5_000_000, faults: 0 } }),
  reads: () => ({ hit: 8, stored: 2 }),
});

let server: Server;
let url: string;
let healthy: boolean;
let held: string[];

beforeEach(async () => {
  healthy = true;
  held = [];
  const metrics = createMetrics(sources());
  metrics.observe('read', 200, 0.001);
  const console = createConsole({
    sources: sources(),
    metrics,
    healthy: () => healthy,
    link: { hold: (by) => void held.push(`hold ${by}`), release: (by) => void held.push(`release ${by}`) },
    token: 'the-token',
    log: createLog('test', 'silent'),
  });
  server = createServer((request, response) => {
    console(request, response, { path: request.url ?? '', search: '' }).catch((error: unknown) =>
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
  ['another token', () => setLink('{"hold":true}', 'Bearer another'), 401],
  ['a body of another shape', () => setLink('{"hold":"yes"}'), 400],
  ['no JSON', () => setLink('hold'), 400],
  ['a body beyond all size', () => setLink(`{"hold":true,"x":"${'a'.repeat(5000)}"}`), 413],
  ['a page that is not there', () => fetch(`${url}/_edge/none`), 404],
  ['a method that is not there', () => fetch(`${url}/_edge/health`, { method: 'DELETE' }), 404],
])('refused: %s', async (_name, ask, status) => {
  const answer = await ask();
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(held).toEqual([]);
});
