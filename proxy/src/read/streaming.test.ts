import { mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import type { RequestListener, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { startTestEdge } from './test-edge.ts';
import type { TestEdge } from './test-edge.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

const MB = 1024 * 1024;
const LIMIT = 8 * MB;

/** An app that answers on demand; with a disk tier behind memory where a directory is given. */
async function start(disk?: string) {
  const waiting: ServerResponse[] = [];
  const broken = { is: false };
  const app: RequestListener = (_request, response) => {
    if (broken.is) response.destroy();
    else waiting.push(response);
  };
  const config = { maxObjectBytes: LIMIT };
  const edge = await startTestEdge(app, ending, disk === undefined ? { config } : { config, disk });
  return { ...edge, waiting, broken };
}

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'larder-streaming-'));
  ending.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A client that takes an answer piece by piece. */
async function reader(url: string) {
  const { headers, body, statusCode } = await request(url);
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  return {
    status: statusCode,
    headers,
    /** Reads until there are so many bytes. */
    async take(length: number): Promise<string> {
      let text = '';
      while (text.length < length) {
        const { value, done } = await chunks.next();
        if (done === true) throw new Error(`ended after ${text.length}`);
        text += String(value);
      }
      return text;
    },
    async rest(): Promise<string> {
      let text = '';
      for await (const chunk of chunks) text += String(chunk);
      return text;
    },
    leave: () => body.destroy(),
  };
}

const asked = (edge: { waiting: ServerResponse[] }, count: number) =>
  vi.waitFor(() => expect(edge.waiting.length).toBe(count));
const begin = (response: ServerResponse | undefined, text: string, headers: Record<string, string> = {}) => {
  response?.writeHead(200, { 'cache-control': 'max-age=60', etag: '"e"', ...headers }).write(text);
};
const inMemory = (edge: TestEdge) => edge.cache.figures().memory.responses;

describe.each([
  ['of known length', { 'content-length': '10' }],
  ['of unknown length', {}],
])('a body %s', (_name, length) => {
  test('reaches the first who asks as it comes, and is stored when it is whole', async () => {
    const edge = await start();
    const reading = reader(`${edge.url}/a`);
    await asked(edge, 1);
    begin(edge.waiting[0], 'first', length);
    const first = await reading;
    expect(await first.take(5)).toBe('first');
    expect(inMemory(edge)).toBe(0);
    edge.waiting[0]?.end(' last');
    expect(await first.rest()).toBe(' last');
    expect(await edge.get('/a')).toMatchObject({ text: 'first last', source: 'cache' });
  });

  test('is stored for the others when the first who asked has left', async () => {
    const edge = await start();
    const reading = reader(`${edge.url}/a`);
    await asked(edge, 1);
    const second = edge.get('/a');
    begin(edge.waiting[0], 'first', length);
    const first = await reading;
    await first.take(5);
    first.leave();
    edge.waiting[0]?.end(' last');
    expect((await second).text).toBe('first last');
    expect(await edge.get('/a')).toMatchObject({ text: 'first last', source: 'cache' });
    expect(edge.seen.length).toBe(1);
  });

  test('that breaks off breaks off for everybody, and is never stored', async () => {
    const edge = await start();
    const reading = reader(`${edge.url}/a`);
    await asked(edge, 1);
    begin(edge.waiting[0], 'first', length);
    const first = await reading;
    await first.take(5);
    const second = edge.get('/a').then(
      ({ status }) => status,
      () => 'broken off',
    );
    edge.broken.is = true;
    edge.waiting[0]?.destroy();
    await expect(first.rest()).rejects.toThrow('other side closed');
    expect(['broken off', 502]).toContain(await second);
    expect(inMemory(edge)).toBe(0);
  });
});

test('who asks while a body is coming joins it, if it is fresh for them', async () => {
  const edge = await start();
  const reading = reader(`${edge.url}/a`);
  await asked(edge, 1);
  begin(edge.waiting[0], 'first', { 'content-length': '10', vary: 'foo' });
  const first = await reading;
  const second = await reader(`${edge.url}/a`);
  expect(await second.take(5)).toBe('first');
  expect(second.headers['cache-status']).toContain('collapsed');
  const demanding = edge.get('/a', { 'cache-control': 'no-cache' });
  const other = edge.get('/a', { foo: '1' });
  await asked(edge, 3);
  for (const response of edge.waiting.slice(1)) response.end('other');
  expect([(await demanding).text, (await other).text]).toEqual(['other', 'other']);
  edge.waiting[0]?.end(' last');
  expect([await first.rest(), await second.rest()]).toEqual(['first last', ' last']);
});

test('what turns out to be larger than the limit passes to the first, and the others ask for themselves', async () => {
  const edge = await start();
  const large = 'x'.repeat(LIMIT);
  const all = Promise.all([1, 2, 3].map(() => edge.get('/a')));
  await asked(edge, 1);
  begin(edge.waiting[0], large);
  edge.waiting[0]?.end('y');
  await asked(edge, 3);
  for (const response of edge.waiting.slice(1)) response.end(`${large}y`);
  for (const { text } of await all) expect(text.length).toBe(LIMIT + 1);
  expect(inMemory(edge)).toBe(0);
});

describe('a large body', () => {
  const large = Array.from({ length: 3 * MB }, (_one, at) => String.fromCharCode(97 + (at % 23))).join('');
  const files = async (directory: string) => (await readdir(join(directory, 'bodies'))).length;

  async function stored(directory: string, headers: Record<string, string> = {}) {
    const edge = await start(directory);
    const first = edge.get('/a');
    await asked(edge, 1);
    begin(edge.waiting[0], large, headers);
    edge.waiting[0]?.end();
    expect((await first).text).toBe(large);
    await vi.waitFor(() => expect(edge.cache.figures().disk?.responses).toBe(1));
    return edge;
  }

  test('is a file, and holds no memory', async () => {
    const directory = await newDirectory();
    const edge = await stored(directory);
    expect(inMemory(edge)).toBe(0);
    expect(await files(directory)).toBe(1);
    expect(await edge.get('/a')).toMatchObject({ text: large, source: 'cache', headers: { etag: '"e"' } });
    expect(await edge.get('/a', {}, 'HEAD')).toMatchObject({ text: '', headers: { 'content-length': String(3 * MB) } });
    expect((await edge.get('/a', { 'if-none-match': '"e"' })).status).toBe(304);
    for (const [range, text] of [
      ['bytes=0-0', large.slice(0, 1)],
      ['bytes=65535-65536', large.slice(65_535, 65_537)],
      ['bytes=-5', large.slice(-5)],
      [`bytes=100000-${2 * MB}`, large.slice(100_000, 2 * MB + 1)],
    ] as const)
      expect(await edge.get('/a', { range })).toMatchObject({ status: 206, text });
    expect(edge.seen.length).toBe(1);
  });

  test('keeps its file through a validation, and loses it with its entry', async () => {
    const directory = await newDirectory();
    const edge = await stored(directory);
    edge.advance(61_000);
    const validated = edge.get('/a');
    await asked(edge, 2);
    edge.waiting[1]?.writeHead(304, { etag: '"e"', 'cache-control': 'max-age=60' }).end();
    expect(await validated).toMatchObject({ text: large, how: expect.stringContaining('fwd-status=304') });
    expect(await edge.get('/a')).toMatchObject({ text: large, source: 'cache' });
    expect(await files(directory)).toBe(1);
    await edge.cache.invalidate(['/a']);
    await vi.waitFor(async () => expect(await files(directory)).toBe(0));
  });

  test('I10: is not kept where its address was invalidated meanwhile', async () => {
    const directory = await newDirectory();
    const edge = await start(directory);
    const first = edge.get('/a');
    await asked(edge, 1);
    begin(edge.waiting[0], large);
    await vi.waitFor(async () => expect(await files(directory)).toBe(1));
    await edge.cache.invalidate(['/a']);
    edge.waiting[0]?.end();
    expect((await first).text).toBe(large);
    await vi.waitFor(async () => expect(await files(directory)).toBe(0));
    expect(edge.cache.figures().disk?.responses).toBe(0);
  });

  test('that was corrupted on disk is never given out whole, and is then a miss', async () => {
    const directory = await newDirectory();
    const edge = await stored(directory);
    const [name = ''] = await readdir(join(directory, 'bodies'));
    await writeFile(join(directory, 'bodies', name), `${large.slice(0, -1)}!`);
    await expect(edge.get('/a')).rejects.toThrow('other side closed');
    const next = edge.get('/a');
    await asked(edge, 2);
    edge.waiting[1]?.end('new');
    expect((await next).text).toBe('new');
  });

  test('that is torn or gone is a miss', async () => {
    const directory = await newDirectory();
    const edge = await stored(directory);
    const [name = ''] = await readdir(join(directory, 'bodies'));
    await truncate(join(directory, 'bodies', name), 100);
    const next = edge.get('/a');
    await asked(edge, 2);
    edge.waiting[1]?.end('new');
    expect((await next).text).toBe('new');
  });

  test('is found again after a restart, and files that nobody knows are removed', async () => {
    const directory = await newDirectory();
    const edge = await stored(directory);
    for (const end of ending.splice(1)) await end();
    await writeFile(join(directory, 'bodies', 'unknown'), 'x');
    const again = await start(directory);
    expect(await again.get('/a')).toMatchObject({ text: large, source: 'cache' });
    expect(await files(directory)).toBe(1);
    expect([edge.seen.length, again.seen.length]).toEqual([1, 0]);
  });

  test('passes unstored where there is no disk', async () => {
    const edge = await start();
    const first = edge.get('/a');
    await asked(edge, 1);
    begin(edge.waiting[0], large);
    edge.waiting[0]?.end();
    expect((await first).text).toBe(large);
    expect(inMemory(edge)).toBe(0);
  });

  test('a reader who does not read holds up nobody else', async () => {
    const edge = await start(await newDirectory());
    const reading = reader(`${edge.url}/a`);
    await asked(edge, 1);
    begin(edge.waiting[0], large, { 'content-length': String(large.length) });
    const idle = await reading;
    await idle.take(1);
    const second = edge.get('/a');
    edge.waiting[0]?.end();
    expect((await second).text).toBe(large);
    await vi.waitFor(() => expect(edge.cache.figures().disk?.responses).toBe(1));
    expect((await edge.get('/a')).source).toBe('cache');
    idle.leave();
  });
});
