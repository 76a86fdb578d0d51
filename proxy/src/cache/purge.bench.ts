/**
 * How long a purge and an unlisted write take with many entries cached, in memory and on disk, and how long the longest
 * stall is for hits meanwhile.
 * Run: `node proxy/src/cache/purge.bench.ts [entries] [rounds]`
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createCache } from './cache.ts';
import type { Cache } from './cache.ts';
import { sampleResponse } from './test-sample.ts';

const entries = Number(process.argv[2] ?? 50_000);
const rounds = Number(process.argv[3] ?? 9);

/** Each carries five tags of the origin and two of the profile; a group is 20 of them. */
async function fill(cache: Cache): Promise<void> {
  for (let i = 0; i < entries; i++) {
    const uri = `/group${Math.floor(i / 20)}/item${i}?page=1`;
    const cacheTags = ['all', `group-${Math.floor(i / 20)}`, `item-${i}`, `colour-${i % 7}`, `size-${i % 5}`];
    const lease = cache.lease(uri, []);
    cache.put(lease, sampleResponse(uri, uri, { tags: ['items', `items/${i}`], cacheTags, freshUntil: 1e15 }));
    cache.release(lease);
    // What waits for the disk is bounded.
    if (i % 1000 === 0) await cache.invalidate(['/nothing']);
    if (i % 1000 === 0) await nextTurn();
  }
}

/** Milliseconds: until it is promised, and the longest that nothing else got its turn. */
async function timed(work: () => Promise<unknown>): Promise<{ all: number; stall: number }> {
  const over = new AbortController();
  let stall = 0;
  const began = performance.now();
  let last = began;
  const done = work().then(() => over.abort());
  while (!over.signal.aborted) {
    await nextTurn();
    stall = Math.max(stall, performance.now() - last);
    last = performance.now();
  }
  await done;
  return { all: performance.now() - began, stall };
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const directory = await mkdtemp(join(tmpdir(), 'larder-purge-bench-'));
const disk = { directory, bytes: 4e9 };
const cache = await createCache({ tags: null, memoryBytes: 1e9, disk, version: '1' });
await fill(cache);
console.log(`${JSON.stringify(cache.figures())}`);

const soft = Date.now();
const cases: [string, (round: number) => Promise<unknown>][] = [
  ['nothing', () => Promise.resolve()],
  ['purge by a tag of none', () => cache.purge({ by: 'tag', value: 'none', soft: null })],
  ['purge by a tag of one', (i) => cache.purge({ by: 'tag', value: `item-${i * 31}`, soft: null })],
  ['purge by a tag of 20', (i) => cache.purge({ by: 'tag', value: `group-${100 + i}`, soft: null })],
  ['soft purge by a tag of 20', (i) => cache.purge({ by: 'tag', value: `group-${200 + i}`, soft })],
  ['purge by a prefix of 20', (i) => cache.purge({ by: 'prefix', value: `/group${300 + i}/`, soft: null })],
  ['unlisted write, one tag', (i) => cache.invalidate([`/group400/item${i}`], [`items/${8100 + i}`])],
  ['soft purge by a tag of a seventh', (i) => cache.purge({ by: 'tag', value: `colour-${i % 7}`, soft: soft + i })],
  ['soft purge of all', (i) => cache.purge({ by: 'prefix', value: '/', soft: soft + 100 + i })],
  ['purge of all', () => cache.purge({ by: 'tag', value: 'all', soft: null })],
];
for (const [name, work] of cases) {
  const times = [];
  for (let i = 0; i < (name === 'purge of all' ? 1 : rounds); i++) times.push(await timed(() => work(i)));
  const all = median(times.map((time) => time.all)).toFixed(1);
  const stall = median(times.map((time) => time.stall)).toFixed(1);
  console.log(`${name.padEnd(34)} ${all.padStart(8)} ms   longest stall ${stall.padStart(8)} ms`);
}
await cache.close();
await rm(directory, { recursive: true, force: true });
