import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Accept } from './accept.ts';
import { Cloud } from './cloud.ts';
import { Credentials } from './credentials.ts';
import { Replay } from './replay.ts';
import { Store } from './store.ts';
import { TestCloud } from './test-app/cloud.ts';
import { until } from './test-app/edge.ts';
import { callOf } from './test-app/model-edge.ts';
import profile from './test-app/profile.ts';

/** No delay of our own goes beyond this, ms. */
const CEILING = 30_000;
const ATTEMPTS = 14;
const REFUSING = new URL('http://127.0.0.1:1');

const app = new TestCloud();
let origin: URL;
let data: string;
let store: Store;
const ending: (() => unknown)[] = [];

beforeEach(async () => {
  origin = await app.listen();
  data = mkdtempSync(join(tmpdir(), 'larder-delays-'));
  store = new Store(data, profile, 'S1', () => undefined);
});

afterEach(async () => {
  for (const end of ending.splice(0)) await end();
  store.close();
  rmSync(data, { recursive: true });
  await app.close();
});

/** The delays after each of so many attempts that fail, by a clock that this test moves and with this luck; ms. */
async function delaysOf(to: URL, luck: number): Promise<number[]> {
  let uptime = 0;
  const credentials = new Credentials(store.db, new Uint8Array(32), 'Bearer edge');
  const open = { admit: () => undefined };
  const accept = new Accept({
    store,
    credentials,
    limits: open,
    current: () => undefined,
    now: Date.now,
    complete: () => true,
  });
  accept.all([callOf('POST', '/orders', { article: 'a', qty: 1 }, `k-${luck}`, 'ann')]);
  const cloud = new Cloud({
    origin: to,
    app: profile,
    connectTimeout: 5000,
    answerTimeout: 5000,
    connections: 1,
    report: () => undefined,
    dated: () => undefined,
  });
  const replay = new Replay({
    store,
    cloud,
    credentials,
    concurrency: 1,
    now: Date.now,
    uptime: () => uptime,
    random: () => luck,
    settled: () => undefined,
    barrier: () => null,
    stallAfter: Infinity,
    stalled: () => undefined,
    alarm: () => undefined,
  });
  ending.push(
    () => cloud.close(),
    () => replay.stop(),
  );
  replay.link('online', false);
  const row = store.db.prepare('SELECT state, attempts, not_before FROM entry');
  const delays: number[] = [];
  while (delays.length < ATTEMPTS) {
    const isBack = () => row.get()?.['state'] !== 'sending' && Number(row.get()?.['attempts']) > delays.length;
    await until('the attempt has failed', isBack);
    const due = Number(row.get()?.['not_before']);
    delays.push(due - uptime);
    uptime = due;
    replay.kick();
  }
  return delays;
}

test.each(['an app that fails', 'a connection that is refused'])(
  'I5: after %s, delays double to a ceiling of 30 s and never pass it',
  async (what) => {
    app.mood = 'crash';
    const delays = await delaysOf(what === 'an app that fails' ? origin : REFUSING, 1);
    for (const [at, delay] of delays.entries())
      expect(delay).toBe(at === 0 ? delays[0] : Math.min(CEILING, 2 * (delays[at - 1] ?? 0)));
    expect(delays.at(-1)).toBe(CEILING);
    expect(delays[0]).toBeLessThan(1000);
  },
);

test.each([0.01, 0.25, 0.5])('I5: with full jitter: at luck %d, that share of the whole delay', async (luck) => {
  app.mood = 'crash';
  const delays = await delaysOf(origin, luck);
  expect(Math.max(...delays)).toBe(CEILING * luck);
  expect(delays.at(-1)).toBe(CEILING * luck);
});
