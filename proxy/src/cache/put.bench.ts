/**
 * What it costs to store responses of 3 KB in memory and on disk: processor time of all threads, the collector's pauses, and
 * what each entry takes in the heap beside its body.
 * Run: `node --expose-gc proxy/src/cache/put.bench.ts [entries]`
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { createCache } from './cache.ts';
import { store } from './policy.ts';
import type { CacheRequest } from './response.ts';

const entries = Number(process.argv[2] ?? 20_000);
const BODY = 3072;
const NO_TAGS: readonly string[] = [];

const scavenges: number[] = [];
const observer = new PerformanceObserver((list) => {
  for (const entry of list.getEntries() as unknown as { detail: { kind: number }; duration: number }[])
    if (entry.detail.kind === constants.NODE_PERFORMANCE_GC_MINOR) scavenges.push(entry.duration);
});

const directory = await mkdtemp(join(tmpdir(), 'larder-put-bench-'));
const cache = await createCache({
  tags: null,
  memoryBytes: 1e9,
  disk: { directory, bytes: 4e9 },
  version: '1',
});

/** A text as a parser gives it: of its own, and of nothing else. */
const text = (value: string) => Buffer.from(value, 'latin1').toString('latin1');

function put(name: string): void {
  const request: CacheRequest = { method: 'GET', uri: text(`/${BODY}/${name}`), headers: {}, scope: '' };
  const headers = {
    'content-type': text('application/octet-stream'),
    'cache-control': text('max-age=3600'),
    etag: text(`"e-${name}"`),
    date: text(new Date().toUTCString()),
    'content-length': text(String(BODY)),
    via: '1.1 larder',
  };
  const now = Date.now();
  const times = { requested: now, received: now };
  const response = { status: 200, headers };
  const lease = cache.lease(request.uri, NO_TAGS);
  const metadata = store({ request, response, rule: null, times, tags: NO_TAGS, sequence: lease.sequence });
  if (metadata === null) throw new Error('It is not stored.');
  cache.put(lease, { ...metadata, body: Buffer.from(new ArrayBuffer(BODY)) });
  cache.release(lease);
}

async function fill(count: number, mark: string): Promise<void> {
  for (let i = 0; i < count; i++) {
    put(`${mark}-${i}`);
    if (i % 32 === 0) await nextTurn();
  }
}

/** Bytes in the heap once all is written and nothing is left to collect. */
async function settled(): Promise<number> {
  await sleep(500);
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

await fill(3000, 'warm');
const before = await settled();
observer.observe({ entryTypes: ['gc'] });
const began = process.cpuUsage();
await fill(entries, 'new');
const { user, system } = process.cpuUsage(began);
await sleep(100);
observer.disconnect();
const after = await settled();

const pause = scavenges.reduce((sum, one) => sum + one, 0);
console.log(`processor time  ${((user + system) / entries).toFixed(1)} µs per entry`);
console.log(`scavenges       ${((pause * 1000) / entries).toFixed(1)} µs per entry, ${scavenges.length} of them`);
console.log(`longest         ${Math.max(...scavenges).toFixed(1)} ms`);
console.log(`heap            ${((after - before) / entries).toFixed(0)} bytes per entry`);
await cache.close();
await rm(directory, { recursive: true, force: true });
