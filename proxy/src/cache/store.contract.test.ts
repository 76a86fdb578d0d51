import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { openDiskStore } from './disk.ts';
import { Kept } from './kept.ts';
import { createMemoryStore } from './memory.ts';
import type { Named } from './named.ts';
import type { CacheRequest, StoredResponse } from './response.ts';
import { sampleResponse } from './test-sample.ts';
import type { Store } from './store.ts';
import { sweep } from './sweep.ts';
import { selectionOf } from './vary.ts';

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

async function openDisk(maxBytes: number): Promise<Store> {
  const directory = await mkdtemp(join(tmpdir(), 'larder-store-'));
  ending.push(() => rm(directory, { recursive: true, force: true }));
  return openDiskStore({ directory, maxBytes, version: '1' });
}

const tiers: [string, (maxBytes: number) => Promise<Store>][] = [
  ['memory', (maxBytes) => Promise.resolve(createMemoryStore(maxBytes))],
  ['disk', openDisk],
];

const request = (uri: string, headers: Record<string, string> = {}, scope = ''): CacheRequest => ({
  method: 'GET',
  uri,
  headers,
  scope,
});

const variant = (uri: string, foo: string): StoredResponse =>
  sampleResponse(uri, foo, { vary: ['foo'], selection: selectionOf(['foo'], { foo }) });

describe.each(tiers)('the %s tier', (_name, open) => {
  const opened = async (maxBytes = 1e6) => {
    const store = await open(maxBytes);
    ending.push(() => store.close());
    const bodyOf = async (wanted: CacheRequest) => (await store.find(wanted))?.body.toString() ?? null;
    return { store, bodyOf };
  };

  test('gives back what was put, unchanged', async () => {
    const { store } = await opened();
    const one = sampleResponse('/a?x=1', 'b\u{1f600}dy');
    store.put(one);
    expect(await store.find(request('/a?x=1'))).toEqual(one);
    const flat = new Kept({ ...one, uri: '/b' });
    flat.text();
    store.put({ ...one, uri: '/b' }, flat);
    expect(await store.find(request('/b'))).toEqual({ ...one, uri: '/b' });
    expect(await store.find(request('/a'))).toBeNull();
    expect([store.has('/a?x=1'), store.has('/a')]).toEqual([true, false]);
  });

  test('keeps variants apart, and replaces only the same one', async () => {
    const { store, bodyOf } = await opened();
    for (const foo of ['1', '2']) store.put(variant('/a', foo));
    store.put({ ...variant('/a', '1'), body: Buffer.from('new') });
    expect(await bodyOf(request('/a', { foo: '1' }))).toBe('new');
    expect(await bodyOf(request('/a', { foo: '2' }))).toBe('2');
    expect(await bodyOf(request('/a'))).toBeNull();
    expect(store.figures.responses).toBe(2);
  });

  test('I8: keeps scopes apart, and prefers what is one’s own', async () => {
    const { store, bodyOf } = await opened();
    store.put(sampleResponse('/a', 'anna', { scope: 'anna' }));
    expect(await bodyOf(request('/a', {}, 'ben'))).toBeNull();
    expect(await bodyOf(request('/a'))).toBeNull();
    store.put(sampleResponse('/a', 'all', { shared: true }));
    expect(await bodyOf(request('/a', {}, 'ben'))).toBe('all');
    expect(await bodyOf(request('/a', {}, 'anna'))).toBe('anna');
  });

  test('drops a path for everybody, one variant, or what a sweep names', async () => {
    const { store, bodyOf } = await opened();
    for (const uri of ['/a', '/a?x=1', '/b', '/c']) store.put(sampleResponse(uri, uri));
    store.put(sampleResponse('/a', 'anna', { scope: 'anna' }));
    store.put(variant('/d', '1'));
    store.put(variant('/d', '2'));
    const drop = (by: Named['by'], value: string) => sweep([store], [{ by, value }], null);
    expect(await drop('path', '/a')).toBe(3);
    expect(await drop('path', '/nothing')).toBe(0);
    store.drop(variant('/d', '1'));
    expect(await drop('url', '/b')).toBe(1);
    expect(await bodyOf(request('/a'))).toBeNull();
    expect(await bodyOf(request('/a?x=1'))).toBeNull();
    expect(await bodyOf(request('/a', {}, 'anna'))).toBeNull();
    expect(await bodyOf(request('/b'))).toBeNull();
    expect(await bodyOf(request('/c'))).toBe('/c');
    expect(await bodyOf(request('/d', { foo: '1' }))).toBeNull();
    expect(await bodyOf(request('/d', { foo: '2' }))).toBe('2');
  });

  test('I11: never holds more than its bytes; the least recently used goes first', async () => {
    const { store, bodyOf } = await opened(50_000);
    const large = 'x'.repeat(10_000);
    for (let i = 0; i < 100; i++) {
      store.put(sampleResponse(`/${i}`, large));
      expect(await bodyOf(request('/0'))).toBe(large);
      expect(store.figures.bytes).toBeLessThanOrEqual(50_000);
    }
    expect(await bodyOf(request('/1'))).toBeNull();
    expect(await bodyOf(request('/99'))).toBe(large);
  });

  test('I11: a crowd of variants drops the oldest, and what is too large is not kept', async () => {
    const { store, bodyOf } = await opened(1e6);
    for (let i = 0; i < 300; i++) store.put(variant('/a', String(i)));
    expect(store.figures.responses).toBe(256);
    expect(await bodyOf(request('/a', { foo: '0' }))).toBeNull();
    expect(await bodyOf(request('/a', { foo: '299' }))).toBe('299');
    store.put(sampleResponse('/large', 'x'.repeat(1_100_000)));
    expect(await bodyOf(request('/large'))).toBeNull();
    expect(store.figures.responses).toBe(256);
  });
});
