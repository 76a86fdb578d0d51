import fc from 'fast-check';
import type { IncomingMessage, RequestListener } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { startTestEdge } from './test-edge.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

const TEXT = '0123456789';
const start = (app: RequestListener) => startTestEdge(app, ending);

/** An app that answers ranges `bytes=a-b`, under these headers. */
const ranged =
  (headers: Record<string, string>, text: (request: IncomingMessage) => string = () => TEXT): RequestListener =>
  (request, response) => {
    const body = text(request);
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    if (from === undefined || to === undefined) {
      response.writeHead(200, headers).end(body);
      return;
    }
    const part = body.slice(Number(from), Number(to) + 1);
    const place = `bytes ${from}-${Number(from) + part.length - 1}/${body.length}`;
    response.writeHead(206, { ...headers, 'content-range': place, 'content-length': part.length }).end(part);
  };
const FRESH = { 'cache-control': 'max-age=60', etag: '"e"' };
const range = (from: number, to: number | '') => ({ range: `bytes=${from}-${to}` });

describe('a part', () => {
  test('answers the ranges that lie in it, and no other', async () => {
    const edge = await start(ranged(FRESH));
    expect(await edge.get('/a', range(2, 6))).toMatchObject({
      status: 206,
      text: '23456',
      source: 'cloud',
      headers: { 'content-range': 'bytes 2-6/10' },
    });
    expect(await edge.get('/a', range(3, 4))).toMatchObject({
      status: 206,
      text: '34',
      source: 'cache',
      headers: { 'content-range': 'bytes 3-4/10', 'content-length': '2' },
    });
    expect((await edge.get('/a', range(6, 7))).source).toBe('cloud');
    expect(await edge.get('/a')).toMatchObject({ status: 200, text: TEXT, source: 'cloud' });
  });

  test.each([
    ['a strong tag', '"e"', 200, 'cache'],
    ['a weak tag', 'W/"e"', 200, 'cloud'],
  ])('with %s and its like make a whole, or do not', async (_name, etag, status, source) => {
    const edge = await start(ranged({ ...FRESH, etag }));
    await edge.get('/a', range(4, 9));
    await edge.get('/a', range(0, 4));
    expect(await edge.get('/a')).toMatchObject({ status, text: TEXT, source });
  });

  test('of what has changed meanwhile is not put together with an older one', async () => {
    let text = TEXT;
    const edge = await start((request, response) =>
      ranged({ ...FRESH, etag: `"${text}"` }, () => text)(request, response),
    );
    await edge.get('/a', range(0, 4));
    text = 'abcdefghij';
    await edge.get('/a', range(5, 9));
    expect(await edge.get('/a')).toMatchObject({ text, source: 'cloud' });
  });

  test('becomes stale, and goes with what is invalidated', async () => {
    const edge = await start(ranged(FRESH));
    await edge.get('/a', range(0, 4));
    await edge.cache.invalidate(['/a']);
    expect((await edge.get('/a', range(0, 4))).source).toBe('cloud');
    edge.advance(61_000);
    expect((await edge.get('/a', range(0, 4))).source).toBe('cloud');
  });

  test('I8: is for the eyes of the one who asked', async () => {
    const edge = await start(ranged(FRESH, ({ headers }) => `${headers.authorization ?? 'nobody'}'s own`));
    for (const authorization of ['anna', 'bert', 'anna'])
      expect((await edge.get('/a', { ...range(0, 3), authorization })).text).toBe(authorization);
    expect((await edge.get('/a', range(0, 3))).text).toBe('nobo');
  });

  test('whose length is not what its place says passes unstored', async () => {
    const edge = await start((_request, response) =>
      response.writeHead(206, { ...FRESH, 'content-range': 'bytes 0-5/10', 'content-length': 5 }).end('01234'),
    );
    for (const _ of [1, 2])
      expect(await edge.get('/a', range(0, 5))).toMatchObject({ status: 206, text: '01234', source: 'cloud' });
  });

  test('of a whole that the app gives instead is stored as a whole', async () => {
    const edge = await start((_request, response) => response.writeHead(200, FRESH).end(TEXT));
    expect(await edge.get('/a', range(0, 1))).toMatchObject({ status: 206, text: '01', source: 'cloud' });
    expect(await edge.get('/a')).toMatchObject({ text: TEXT, source: 'cache' });
  });
});

test('whatever ranges are asked for in whatever order, each answer is what the app would say', async () => {
  const edge = await start(ranged(FRESH));
  const one = fc.tuple(fc.nat(9), fc.nat(9)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 8 }), async (ranges) => {
      const path = `/${run++}`;
      for (const [from, to] of ranges)
        expect(await edge.get(path, range(from, to))).toMatchObject({ status: 206, text: TEXT.slice(from, to + 1) });
      expect((await edge.get(path)).text).toBe(TEXT);
    }),
    { numRuns: 50 },
  );
});
