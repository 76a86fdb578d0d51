/**
 * How long the queue takes to drain through both threads into a cloud that answers at once, by its length: per entry it
 * should be the same. The cloud shares this machine, and its work is in the figures.
 * Run: `node sync/src/replay.bench.ts [entries …]`; with `--cpu-prof`, each thread leaves a profile.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startBack, type Back } from './client.ts';
import { TestCloud } from './test-app/cloud.ts';

const given = process.argv.slice(2).map(Number);
const lengths = given.length > 0 ? given : [1000, 10_000];
const ARTICLES = 1000;
const LONG = 600_000;
/** It is looked this often whether a condition holds, ms. */
const LOOK = 20;

const open = (data: string, cloud: URL) =>
  startBack({
    data,
    profile: join(import.meta.dirname, 'test-app/profile.ts'),
    cloud,
    store: 'S1',
    credential: 'Bearer edge',
    sealKey: new Uint8Array(32),
    maxQueue: Infinity,
    maxQueueBytes: Infinity,
    minFreeBytes: 0,
    stallAfter: LONG,
    keepSettled: LONG,
    connectTimeout: 10_000,
    answerTimeout: 60_000,
    auditSchedule: null,
  });

async function order(back: Back, n: number): Promise<void> {
  const body = JSON.stringify({ id: `o${n}`, article: `a${n % ARTICLES}`, qty: 1 });
  const headers = { authorization: 'Bearer ann', 'content-type': 'application/json', 'idempotency-key': `k${n}` };
  const user = { id: 'ann', store: 'S1' };
  const call = { method: 'POST', path: '/orders', search: '', headers, body, claims: { sub: 'ann' }, user };
  await back.accept(call, { patience: 0 });
}

/** Drains a queue of this length; the base contains it all at the end. */
async function drain(entries: number): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), 'larder-bench-'));
  const cloud = new TestCloud();
  const origin = await cloud.listen();
  cloud.setArticles(
    Array.from({ length: ARTICLES }, (_, n) => ({ id: `a${n}`, fields: { name: `article ${n}`, qty: entries } })),
  );
  const back = await open(data, origin);
  back.link('online', false);
  while (!back.status.replica.complete || !back.status.replica.feed.live) await pause(LOOK);
  back.link('offline', false);
  await Promise.all(Array.from({ length: entries }, (_, n) => order(back, n)));
  const [started, cpu] = [performance.now(), process.cpuUsage()];
  back.link('online', false);
  while (back.status.queue.length > 0 || back.tags.pending(['orders'])) await pause(LOOK);
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  const each = (value: number) => (value / entries).toFixed(2);
  process.stdout.write(
    `${String(entries).padStart(7)} entries: ${(ms / 1000).toFixed(1)} s, ${each(ms)} ms for each; processor time ${each((user + system) / 1000)} ms for each\n`,
  );
  await back.stop();
  await cloud.close();
  rmSync(data, { recursive: true });
}

for (const entries of lengths) await drain(entries);
