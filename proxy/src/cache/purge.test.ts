import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createCache } from './cache.ts';
import type { Cache, Purge } from './cache.ts';
import { sampleResponse } from './test-sample.ts';
import { softened } from './soften.ts';
import type { StoredResponse } from './response.ts';

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

async function open(directory: string): Promise<Cache> {
  const cache = await createCache({ tags: null, memoryBytes: 1e6, disk: { directory, bytes: 1e7 }, version: '1' });
  ending.push(() => cache.close().catch(() => undefined));
  return cache;
}

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'larder-purge-'));
  ending.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

const request = (uri: string, scope = '') => ({ method: 'GET', uri, headers: {}, scope });
const put = (cache: Cache, uri: string, part: Partial<StoredResponse> = {}) => {
  const lease = cache.lease(uri, []);
  expect(cache.put(lease, sampleResponse(uri, uri, { tags: [], sequence: 0, ...part }))).toBe(true);
  cache.release(lease);
};
const find = async (cache: Cache, uri: string, scope = '') =>
  cache.find(request(uri, scope)) ?? (await cache.findOnDisk(request(uri, scope)));

const cases: [string, Pick<Purge, 'by' | 'value'>, string[]][] = [
  ['one URI with its query', { by: 'url', value: '/a?x=1' }, ['/a?x=1']],
  ['all that begin so', { by: 'prefix', value: '/a' }, ['/a', '/a/b', '/a?x=1']],
  ["all that carry the origin's tag", { by: 'tag', value: 'red' }, ['/a/b', '/c']],
  ['nothing, where nothing is meant', { by: 'tag', value: 'blue' }, []],
];
const ALL = ['/a', '/a/b', '/a?x=1', '/c'];
const fill = (cache: Cache) => {
  for (const uri of ALL) {
    const cacheTags = ['/a/b', '/c'].includes(uri) ? ['red'] : [];
    put(cache, uri, { cacheTags, freshUntil: 1000, staleIfErrorUntil: 1500, staleIfOfflineUntil: 3000 });
  }
  put(cache, '/c', { cacheTags: ['red'], scope: 'anna' });
};

describe('I10: a purge', () => {
  test.each(cases)('hard: %s: is gone in both tiers and after a restart', async (_name, what, gone) => {
    const directory = await newDirectory();
    const cache = await open(directory);
    fill(cache);
    const count = await cache.purge({ ...what, soft: null });
    // Counted once each, though most are in both tiers.
    expect(count).toBe(gone.includes('/c') ? gone.length + 1 : gone.length);
    for (const uri of ALL) expect((await find(cache, uri)) === null).toBe(gone.includes(uri));
    await cache.close();
    const again = await open(directory);
    for (const uri of ALL) expect((await find(again, uri)) === null).toBe(gone.includes(uri));
  });

  test.each(cases)('soft: %s: is stale in both tiers and after a restart', async (_name, what, stale) => {
    const directory = await newDirectory();
    const cache = await open(directory);
    fill(cache);
    await cache.purge({ ...what, soft: 400 });
    // Once more, later: the stale windows do not grow by it.
    await cache.purge({ ...what, soft: 500 });
    const check = async (tested: Cache) => {
      for (const uri of ALL)
        expect(await find(tested, uri)).toMatchObject(
          stale.includes(uri)
            ? { freshUntil: 400, staleIfErrorUntil: 900, staleIfOfflineUntil: 2400 }
            : { freshUntil: 1000, staleIfErrorUntil: 1500, staleIfOfflineUntil: 3000 },
        );
    };
    await check(cache);
    await cache.close();
    await check(await open(directory));
  });

  test.each(cases.slice(0, 3))('%s: voids what is being fetched, hard or soft', async (_name, what, gone) => {
    const cache = await open(await newDirectory());
    for (const soft of [null, 5]) {
      const lease = cache.lease(gone[0] ?? '', []);
      await cache.purge({ ...what, soft });
      const late = sampleResponse(lease.uri, 'late', { tags: [], sequence: 0, cacheTags: ['red'] });
      expect(cache.put(lease, late)).toBe(false);
      cache.release(lease);
    }
  });

  test('soft, of what still waits to be written: stale after a restart', async () => {
    const directory = await newDirectory();
    const cache = await open(directory);
    put(cache, '/a', { freshUntil: 1000 });
    await cache.purge({ by: 'url', value: '/a', soft: 400 });
    await cache.close();
    expect((await find(await open(directory), '/a'))?.freshUntil).toBe(400);
  });

  test('soft, and stored anew: fresh as the origin now says', async () => {
    const directory = await newDirectory();
    const cache = await open(directory);
    put(cache, '/a', { freshUntil: 1000 });
    await cache.purge({ by: 'url', value: '/a', soft: 400 });
    put(cache, '/a', { freshUntil: 2000 });
    await cache.close();
    expect((await find(await open(directory), '/a'))?.freshUntil).toBe(2000);
  });
});

test('what was never in force, or is stale already, is not touched by softening', () => {
  const stored = sampleResponse('/a', '', { freshUntil: 1000, staleWhileRevalidateUntil: 0, staleIfErrorUntil: 0 });
  expect(softened(stored, 400)).toMatchObject({ staleWhileRevalidateUntil: 0, staleIfErrorUntil: 0 });
  expect(softened(stored, 1000)).toBe(stored);
});

test('a peek takes nothing into memory', async () => {
  const directory = await newDirectory();
  const first = await open(directory);
  put(first, '/a');
  await first.close();
  const cache = await open(directory);
  expect(await cache.peek(request('/a'))).toMatchObject({ memory: null, disk: { uri: '/a' } });
  expect(cache.figures().memory.responses).toBe(0);
});
