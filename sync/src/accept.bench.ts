/**
 * Durable writes while cut off: how long each of many writers who ask at once waits for its answer, through both
 * threads, beside what one fsync takes on the same disk.
 * Run: `node sync/src/accept.bench.ts [writes] [writers]`; with `--cpu-prof`, each thread leaves a profile.
 */
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBack, type Back } from './client.ts';

const [writes = 10_000, writers = 100] = process.argv.slice(2).map(Number);
const ARTICLES = 10_000;
const FSYNCS = 200;
const PAGE = 4096;
const DAY = 24 * 3600 * 1000;

const data = mkdtempSync(join(tmpdir(), 'larder-bench-'));

function measureFsync(): number[] {
  const file = openSync(join(data, 'fsync'), 'w');
  const page = Buffer.alloc(PAGE, 1);
  const times = Array.from({ length: FSYNCS }, () => {
    writeSync(file, page);
    const started = performance.now();
    fsyncSync(file);
    return performance.now() - started;
  });
  closeSync(file);
  return times;
}

async function measureAccept(back: Back): Promise<number[]> {
  const times: number[] = [];
  let next = 0;
  const writer = async () => {
    while (next < writes) {
      const n = next++;
      const body = JSON.stringify({ article: `a${(n * 7919) % ARTICLES}`, qty: 1, till: '1' });
      const headers = {
        authorization: 'Bearer ann',
        'content-type': 'application/json',
        'idempotency-key': `key-${n}`,
      };
      const user = { id: 'ann', store: 'S1' };
      const call = { method: 'POST', path: '/orders', search: '', headers, body, claims: { sub: 'ann' }, user };
      const started = performance.now();
      await back.accept(call, { patience: 0 });
      times.push(performance.now() - started);
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  return times;
}

function print(what: string, times: number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1);
  process.stdout.write(`${what.padEnd(44)} p50 ${at(0.5).padStart(7)} ms   p99 ${at(0.99).padStart(7)} ms\n`);
}

const fsyncs = measureFsync();
const back = await startBack({
  data,
  profile: join(import.meta.dirname, 'test-app/profile.ts'),
  cloud: new URL('http://127.0.0.1:9'),
  store: 'S1',
  credential: null,
  sealKey: new Uint8Array(32),
  maxQueue: Infinity,
  maxQueueBytes: Infinity,
  minFreeBytes: 0,
  stallAfter: DAY,
  keepSettled: DAY,
  connectTimeout: 500,
  answerTimeout: 1500,
  auditSchedule: null,
});
const started = { at: performance.now(), cpu: process.cpuUsage() };
const accepted = await measureAccept(back);
const seconds = (performance.now() - started.at) / 1000;
const { user, system } = process.cpuUsage(started.cpu);
await back.stop();
rmSync(data, { recursive: true });
print('fsync of this disk', fsyncs);
print(`accept, ${writers} writers`, accepted);
const microseconds = Math.round((user + system) / writes);
process.stdout.write(
  `${Math.round(writes / seconds)} writes a second; ${microseconds} µs of processor time for each\n`,
);
