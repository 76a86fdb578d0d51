import type { RequestListener } from 'node:http';
import { brotliCompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { request } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { startTestEdge } from './test-edge.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

const TEXT = 'a text that is worth compressing. '.repeat(100);
/** An app that compresses where it is asked to. */
const compressing =
  (headers: Record<string, string>): RequestListener =>
  (incoming, response) => {
    const isCoded = incoming.headers['accept-encoding'] === 'gzip';
    response.writeHead(200, { etag: '"e"', ...headers, ...(isCoded ? { 'content-encoding': 'gzip' } : {}) });
    response.end(isCoded ? gzipSync(TEXT) : TEXT);
  };
const start = (app: RequestListener) => startTestEdge(app, ending);
const FRESH = { 'cache-control': 'max-age=60', vary: 'accept-encoding' };
const GZIP = { 'accept-encoding': 'gzip, deflate' };

async function raw(url: string, headers: Record<string, string>) {
  const answer = await request(url, { headers });
  return { headers: answer.headers, bytes: Buffer.from(await answer.body.arrayBuffer()) };
}

describe('what the cloud compressed', () => {
  test('is stored so, once, for all who accept that however they say it', async () => {
    const edge = await start(compressing(FRESH));
    for (const codings of ['gzip, deflate, br', 'gzip', 'br;q=1.0, gzip;q=0.5']) {
      const { headers, bytes } = await raw(`${edge.url}/a`, { 'accept-encoding': codings });
      expect(headers).toMatchObject({ 'content-encoding': 'gzip', etag: '"e"', vary: 'accept-encoding' });
      expect(String(gunzipSync(bytes))).toBe(TEXT);
    }
    expect(edge.seen.length).toBe(1);
    expect(edge.seen[0]?.headers['accept-encoding']).toBe('gzip');
  });

  test('is decoded for those who do not, under a tag of its own', async () => {
    const edge = await start(compressing(FRESH));
    await edge.get('/a', GZIP);
    const decoded = await edge.get('/a');
    expect(decoded).toMatchObject({ status: 200, text: TEXT, source: 'cache' });
    expect(decoded.headers['content-encoding']).toBeUndefined();
    const tag = String(decoded.headers['etag']);
    expect(tag).not.toBe('"e"');
    expect(await edge.get('/a', { 'if-none-match': tag })).toMatchObject({ status: 304, headers: { etag: tag } });
    expect((await edge.get('/a', { 'if-none-match': '"e"' })).text).toBe(TEXT);
    expect((await edge.get('/a', { ...GZIP, 'if-none-match': tag })).status).toBe(200);
    expect((await edge.get('/a', { ...GZIP, 'if-none-match': '"e"' })).status).toBe(304);
    expect(await edge.get('/a', {}, 'HEAD')).toMatchObject({ status: 200, text: '', headers: { etag: tag } });
    // A range of what is not there as such: all of it.
    expect(await edge.get('/a', { range: 'bytes=0-3' })).toMatchObject({ status: 200, text: TEXT });
    expect(edge.seen.length).toBe(1);
  });

  test('is decoded for those who asked along with somebody who accepts it', async () => {
    const edge = await start((incoming, response) => setTimeout(() => compressing(FRESH)(incoming, response), 50));
    const [coded, plain] = await Promise.all([raw(`${edge.url}/a`, GZIP), edge.get('/a')]);
    expect(coded.headers['content-encoding'] === 'gzip' ? String(gunzipSync(coded.bytes)) : String(coded.bytes)).toBe(
      TEXT,
    );
    expect(plain.text).toBe(TEXT);
    expect(edge.seen.length).toBe(1);
  });

  test('keeps its tag through a validation', async () => {
    const app: RequestListener = (incoming, response) => {
      if (incoming.headers['if-none-match'] === '"e"') response.writeHead(304, { etag: '"e"', ...FRESH }).end();
      else compressing(FRESH)(incoming, response);
    };
    const edge = await start(app);
    await edge.get('/a', GZIP);
    edge.advance(61_000);
    expect(await edge.get('/a')).toMatchObject({ text: TEXT, how: expect.stringContaining('fwd-status=304') });
    expect(edge.seen.length).toBe(2);
  });

  test('is left as it is where the origin forbids to transform it', async () => {
    const edge = await start(compressing({ ...FRESH, 'cache-control': 'max-age=60, no-transform' }));
    await edge.get('/a', GZIP);
    expect(await edge.get('/a')).toMatchObject({ text: TEXT, headers: { etag: '"e"' } });
    expect(edge.seen.map(({ headers }) => headers['accept-encoding'])).toEqual(['gzip', 'identity']);
  });

  test('also where the origin forgot to say that it varies, or chose another coding', async () => {
    const edge = await start((_incoming, response) =>
      response
        .writeHead(200, { 'cache-control': 'max-age=60', 'content-encoding': 'br' })
        .end(brotliCompressSync(TEXT)),
    );
    expect(await edge.get('/a')).toMatchObject({ text: TEXT, headers: { vary: 'accept-encoding' } });
    expect((await raw(`${edge.url}/a`, { 'accept-encoding': 'br' })).headers['content-encoding']).toBe('br');
    expect(edge.seen.length).toBe(1);
  });

  test('that is damaged breaks off for those who need it decoded', async () => {
    const edge = await start((_incoming, response) =>
      response
        .writeHead(200, { 'cache-control': 'max-age=60', 'content-encoding': 'gzip' })
        .end(gzipSync(TEXT).subarray(0, 50)),
    );
    await expect(edge.get('/a')).rejects.toThrow('other side closed');
  });
});
