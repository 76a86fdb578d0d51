import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, assert, expect, test } from 'vitest';
import { createCache } from './cache.ts';
import type { Cache, Purge } from './cache.ts';
import { names } from './named.ts';
import type { StoredResponse } from './response.ts';
import { softened } from './soften.ts';
import { sampleResponse } from './test-sample.ts';

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'larder-sweep-'));
  ending.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function open(directory: string, memoryBytes: number): Promise<Cache> {
  const cache = await createCache({ tags: null, memoryBytes, disk: { directory, bytes: 1e8 }, version: '1' });
  ending.push(() => cache.close().catch(() => undefined));
  return cache;
}

function put(cache: Cache, response: StoredResponse): void {
  const lease = cache.lease(response.uri, []);
  expect(cache.put(lease, response)).toBe(true);
  cache.release(lease);
}

const uris = ['/', '/a', '/a?x=1', '/a?x=2', '/a/b', '/ab', '/c?x=1'];
const scopes = ['', 'anna'];
const tags = ['red', 'blue', 'green', 'none'];
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('put' as const),
      uri: fc.constantFrom(...uris),
      scope: fc.constantFrom(...scopes),
      tags: fc.uniqueArray(fc.constantFrom('red', 'blue'), { maxLength: 2 }),
      cacheTags: fc.uniqueArray(fc.constantFrom('red', 'green'), { maxLength: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('purge' as const),
      by: fc.constantFrom('url' as const, 'prefix' as const, 'tag' as const),
      at: fc.nat(),
      soft: fc.constantFrom(null, 400, 500),
    }),
  },
  fc.record({
    type: fc.constant('write' as const),
    path: fc.constantFrom('/a', '/c'),
    tags: fc.uniqueArray(fc.constantFrom<string>('red', 'blue')),
  }),
  { weight: 1, arbitrary: fc.record({ type: fc.constant('restart' as const) }) },
);

test('I10: purges and unlisted writes do in both tiers, and over restarts, what a walk over all that is stored would', async () => {
  await fc.assert(
    // With memory for two or for all of them.
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.constantFrom(3000, 1e6), async (steps, memoryBytes) => {
      const directory = await newDirectory();
      let cache = await open(directory, memoryBytes);
      /** All that is stored, by what no request could tell apart. */
      const stored = new Map<string, StoredResponse>();
      const revise = (isMeant: (one: StoredResponse) => boolean, soft: number | null): number => {
        const meant = [...stored].filter(([, one]) => isMeant(one));
        for (const [key, one] of meant)
          if (soft === null) stored.delete(key);
          else stored.set(key, softened(one, soft));
        return meant.length;
      };
      for (const one of steps) {
        if (one.type === 'put') {
          const { uri, scope, tags: profileTags, cacheTags } = one;
          const part = { scope, tags: profileTags, cacheTags, sequence: 0, freshUntil: 1000, staleIfErrorUntil: 1500 };
          const response = sampleResponse(uri, String(stored.size), part);
          put(cache, response);
          stored.set(`${scope} ${uri}`, response);
        } else if (one.type === 'purge') {
          const values = one.by === 'tag' ? tags : uris;
          const purge: Purge = { by: one.by, value: values[one.at % values.length] ?? '', soft: one.soft };
          const count = revise((response) => names(purge, response), one.soft);
          assert.equal(await cache.purge(purge), count);
        } else if (one.type === 'write') {
          await cache.invalidate([one.path], one.tags);
          revise(({ uri, tags: of }) => uri.split('?')[0] === one.path || of.some((t) => one.tags.includes(t)), null);
        } else {
          await cache.close();
          cache = await open(directory, memoryBytes);
        }
        for (const uri of uris)
          for (const scope of scopes) {
            const { memory, disk } = await cache.peek({ method: 'GET', uri, headers: {}, scope });
            const expected = stored.get(`${scope} ${uri}`) ?? null;
            expect([disk, memory ?? expected]).toEqual([expected, expected]);
          }
      }
      await cache.close();
    }),
    { numRuns: 60 },
  );
});

test('I10: what is promoted while a purge is under way does not survive it', async () => {
  const directory = await newDirectory();
  const count = 2000;
  const filling = await open(directory, 1);
  for (let i = 0; i < count; i++)
    put(filling, sampleResponse(`/${i}`, '', { tags: [], sequence: 0, cacheTags: ['all'] }));
  await filling.close();
  const cache = await open(directory, 1e8);
  const ask = (i: number) => cache.findOnDisk({ method: 'GET', uri: `/${i}`, headers: {}, scope: '' });
  const find = (i: number) => cache.find({ method: 'GET', uri: `/${i}`, headers: {}, scope: '' });
  const turns = new AbortController();
  const purging = cache.purge({ by: 'tag', value: 'all', soft: null }).finally(() => turns.abort());
  const asked: Promise<unknown>[] = [];
  for (let at = 0; !turns.signal.aborted; at++) {
    for (let i = 0; i < 5; i++) asked.push(Promise.resolve(ask((at * 7919 + i * 199) % count)));
    await nextTurn();
  }
  expect(await purging).toBe(count);
  await Promise.all(asked);
  for (let i = 0; i < count; i++) expect(find(i)).toBeNull();
  expect(cache.figures()).toMatchObject({ memory: { responses: 0 }, disk: { responses: 0 } });
});
