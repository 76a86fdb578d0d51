import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { createCache } from './cache.ts';
import type { Cache, Lease } from './cache.ts';
import type { CacheRequest } from './response.ts';
import { sampleResponse } from './test-sample.ts';

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

/** Tags as the back keeps them: durable, whatever becomes of the cache. */
class TestTags {
  readonly waiting = new Set<string>();
  readonly #bumped = new Map<string, number>();
  #sequence = 0;
  bump(tag: string): void {
    this.#bumped.set(tag, ++this.#sequence);
  }
  generation(tags: readonly string[]): number {
    return Math.max(0, ...tags.map((tag) => this.#bumped.get(tag) ?? 0));
  }
  pending(tags: readonly string[]): boolean {
    return tags.some((tag) => this.waiting.has(tag));
  }
}

async function open(tags: TestTags, directory: string | null = null): Promise<Cache> {
  const disk = directory === null ? null : { directory, bytes: 1e7 };
  const cache = await createCache({ tags, memoryBytes: 1e6, disk, version: '1' });
  ending.push(() => cache.close().catch(() => undefined));
  return cache;
}

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'larder-cache-'));
  ending.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

const request = (uri: string): CacheRequest => ({ method: 'GET', uri, headers: {}, scope: '' });
const response = ({ uri, tags, sequence }: Lease, body = 'x') => sampleResponse(uri, body, { tags, sequence });
const putNow = (cache: Cache, uri: string, tags: string[] = []) => {
  const lease = cache.lease(uri, tags);
  const stored = cache.put(lease, response(lease, uri));
  cache.release(lease);
  return stored;
};
const found = async (cache: Cache, uri: string) =>
  (cache.find(request(uri)) ?? (await cache.findOnDisk(request(uri))))?.body.toString() ?? null;

describe('I10: invalidation', () => {
  test('by tag: what was stored before a bump is not found, in any tier or after a restart', async () => {
    const tags = new TestTags();
    const directory = await newDirectory();
    const cache = await open(tags, directory);
    putNow(cache, '/products', ['products']);
    putNow(cache, '/stores', ['stores']);
    await cache.close();
    tags.bump('products');
    const again = await open(tags, directory);
    expect(await found(again, '/products')).toBeNull();
    expect(await found(again, '/stores')).toBe('/stores');
    putNow(again, '/products', ['products']);
    expect(again.find(request('/products'))?.sequence).toBe(1);
  });

  test('by path, with every query: gone for good in every tier', async () => {
    const directory = await newDirectory();
    const cache = await open(new TestTags(), directory);
    for (const uri of ['/a', '/a?page=2', '/a?page=3', '/ab', '/b']) putNow(cache, uri);
    await cache.invalidate(['/a']);
    for (const uri of ['/a', '/a?page=2', '/a?page=3']) expect(await found(cache, uri)).toBeNull();
    for (const uri of ['/ab', '/b']) expect(await found(cache, uri)).toBe(uri);
    await cache.close();
    const again = await open(new TestTags(), directory);
    expect([await found(again, '/a'), await found(again, '/a?page=2')]).toEqual([null, null]);
  });

  test("by the profile's tags", async () => {
    const cache = await open(new TestTags());
    putNow(cache, '/products/2', ['products/2']);
    putNow(cache, '/stores', ['stores', 'products/2']);
    putNow(cache, '/users', ['users']);
    const underWay = cache.lease('/elsewhere', ['products/2']);
    await cache.invalidate([], ['products/2']);
    expect(cache.holds(underWay)).toBe(false);
    expect(cache.find(request('/users'))).not.toBeNull();
    expect(cache.figures().memory.responses).toBe(1);
  });

  test('what is read from disk while it is being invalidated is not given out', async () => {
    const directory = await newDirectory();
    const first = await open(new TestTags(), directory);
    putNow(first, '/a');
    await first.close();
    const cache = await open(new TestTags(), directory);
    const reading = cache.findOnDisk(request('/a'));
    const invalidating = cache.invalidate(['/a']);
    expect(await reading).toBeNull();
    await invalidating;
    expect(cache.find(request('/a'))).toBeNull();
  });

  test('nothing is stored that a waiting write touches', async () => {
    const tags = new TestTags();
    const cache = await open(tags);
    tags.waiting.add('products');
    expect(putNow(cache, '/products', ['products'])).toBe(false);
  });

  test('a fill begun before an invalidation is never stored after it, whatever happens in between', async () => {
    const uri = fc.constantFrom('/a', '/b');
    const tag = fc.constantFrom('t', 'u');
    const step = fc.oneof(
      fc.record({ type: fc.constant('begin' as const), uri, tags: fc.uniqueArray(tag) }),
      fc.record({ type: fc.constant('end' as const), index: fc.nat() }),
      fc.record({ type: fc.constant('bump' as const), tag }),
      fc.record({ type: fc.constant('invalidate' as const), uri }),
      fc.record({ type: fc.constant('purge' as const), tag }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const tags = new TestTags();
        const cache = await createCache({ tags, memoryBytes: 1e6, disk: null, version: '1' });
        let wrong = 0;
        /** Fills under way, and whether something they saw has changed since. */
        const fills: { lease: Lease; isDead: boolean }[] = [];
        const kept: { lease: Lease; isDead: boolean }[] = [];
        const kill = (isHit: (lease: Lease) => boolean) => {
          for (const one of [...fills, ...kept]) if (isHit(one.lease)) one.isDead = true;
        };
        for (const one of steps) {
          if (one.type === 'begin') fills.push({ lease: cache.lease(one.uri, one.tags), isDead: false });
          else if (one.type === 'end' && fills.length > 0) {
            const [fill] = fills.splice(one.index % fills.length, 1);
            if (fill === undefined) continue;
            const stored = cache.put(fill.lease, response(fill.lease, String(kept.length)));
            wrong += stored === fill.isDead ? 1 : 0;
            cache.release(fill.lease);
            if (!fill.isDead) kept.push(fill);
          } else if (one.type === 'bump') {
            tags.bump(one.tag);
            kill((lease) => lease.tags.includes(one.tag));
          } else if (one.type === 'purge') {
            await cache.purge({ by: 'tag', value: one.tag, soft: null });
            // What an answer under way will be tagged with, nobody knows yet.
            for (const fill of fills) fill.isDead = true;
            kill((lease) => lease.tags.includes(one.tag));
          } else if (one.type === 'invalidate') {
            await cache.invalidate([one.uri]);
            kill((lease) => lease.uri === one.uri);
          }
          const given = ['/a', '/b'].map((at) => cache.find(request(at))).filter((hit) => hit !== null);
          expect(given.filter((hit) => kept[Number(hit.body)]?.isDead !== false)).toEqual([]);
        }
        expect(wrong).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
