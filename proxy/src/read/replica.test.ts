import type { RequestListener, ServerResponse } from 'node:http';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { ReplicaAnswer } from '@larder/sync/client';
import type { Read, User } from '@larder/sync/profile';
import { startTestEdge } from './test-edge.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

const covered: Read<User> = { tags: () => ['products'], cache: { ttl: 10, staleIfError: 60 }, answer: () => null };
const start = (app: RequestListener, read: Read<User> = covered, config: { hardTimeout?: number } = {}) =>
  startTestEdge(app, ending, { read, config });
const AS_OF = Date.UTC(2026, 10, 21);
const replica = (body: string, sequence = 0): ReplicaAnswer => ({
  answer: { status: 200, headers: { 'content-type': 'application/json', etag: '"r"' }, body },
  asOf: AS_OF,
  sequence,
});
const cloudSays =
  (body: string): RequestListener =>
  (_request, response) =>
    response.writeHead(200, { etag: '"c"' }).end(body);

describe('a covered route', () => {
  test('I6: is the replica’s while a waiting write touches it, whatever the link and the cache', async () => {
    const edge = await start(cloudSays('cloud'));
    expect(await edge.get('/products')).toMatchObject({ text: 'cloud', source: 'cloud' });
    edge.back.pending = true;
    edge.back.generation = 1;
    edge.back.read = () => replica('replica', 1);
    expect(await edge.get('/products')).toMatchObject({
      text: 'replica',
      source: 'replica',
      how: 'detail=replica',
      headers: { 'larder-as-of': '2026-11-21T00:00:00.000Z', 'content-length': '7' },
    });
    expect(await edge.get('/products', { 'if-none-match': '"r"' })).toMatchObject({ status: 304, text: '' });
    expect(await edge.get('/products', {}, 'HEAD')).toMatchObject({ status: 200, text: '' });
    expect(edge.seen.length).toBe(1);
  });

  test('is the replica’s where the cloud begins an answer and does not go on', async () => {
    const edge = await start((_request, response) => {
      response.writeHead(200, { 'content-length': '5' }).write('cl');
    });
    edge.back.read = () => replica('replica');
    expect(await edge.get('/products')).toMatchObject({ text: 'replica', source: 'replica' });
  });

  test('I6: is the replica’s until the cloud has shown that it is the one it was', async () => {
    const edge = await start(cloudSays('cloud'));
    edge.back.checked = false;
    edge.back.read = () => replica('replica');
    expect(await edge.get('/products')).toMatchObject({ text: 'replica', source: 'replica' });
    edge.back.checked = true;
    expect(await edge.get('/products')).toMatchObject({ text: 'cloud', source: 'cloud' });
  });

  test('I6: a snapshot from before the write is not taken', async () => {
    const edge = await start(cloudSays('cloud'));
    edge.back.pending = true;
    edge.back.generation = 5;
    let sequence = 3;
    edge.back.read = () => replica(`at ${++sequence}`, sequence);
    expect((await edge.get('/products')).text).toBe('at 5');
  });

  test('I6: the ETag of an answer that shows waiting writes does not reach the cloud, which is asked under its own', async () => {
    const edge = await start(cloudSays('cloud'));
    const asked = () => edge.seen.map(({ headers }) => headers['if-none-match']);
    await edge.get('/products');
    edge.back.pending = true;
    edge.back.read = () => replica('replica', edge.back.generation);
    const shown = await edge.get('/products');
    expect(shown).toMatchObject({ source: 'replica', headers: { etag: '"r"' } });
    Object.assign(edge.back, { pending: false, generation: edge.back.generation + 1 });
    edge.advance(20_000);
    for (const path of ['/products', '/products?never=asked'])
      expect(await edge.get(path, { 'if-none-match': '"r"' })).toMatchObject({ status: 200, text: 'cloud' });
    edge.advance(20_000);
    expect((await edge.get('/products', { 'if-none-match': '"r"' })).text).toBe('cloud');
    expect(asked()).toHaveLength(4);
    expect(asked()).not.toContain('"r"');
    // What the cache holds of the cloud is asked about under the cloud's.
    expect(asked().at(-1)).toBe('"c"');
  });

  test('I6, I10: snapshots that stay older than the write are neither given nor stored', async () => {
    const edge = await start(cloudSays('cloud'));
    Object.assign(edge.back, { pending: true, generation: 5, waiting: 1 });
    let asked = 0;
    edge.back.read = () => replica(`attempt ${++asked}`, 4);
    expect(await edge.get('/products')).toMatchObject({ text: 'cloud', source: 'cloud' });
    expect(asked).toBeGreaterThan(1);
    expect(edge.cache.figures().memory.responses).toBe(0);
    // One that is as young as the write is given, and still not stored: the next one may be younger.
    edge.back.read = () => replica('young', 5);
    expect(await edge.get('/products')).toMatchObject({ text: 'young', source: 'replica' });
    expect(edge.cache.figures().memory.responses).toBe(0);
  });

  test('I6, I10: an answer that a write overtook is neither given out nor stored, and nobody joins it', async () => {
    const waiting: ServerResponse[] = [];
    const edge = await start((_request, response) => void waiting.push(response));
    edge.back.read = () => (edge.back.generation === 0 ? null : replica('replica', edge.back.generation));
    const early = edge.get('/products');
    await vi.waitFor(() => expect(waiting.length).toBe(1));
    edge.back.generation = 1;
    const late = edge.get('/products');
    await vi.waitFor(() => expect(waiting.length).toBe(2));
    for (const response of waiting) response.writeHead(200, { 'cache-control': 'max-age=60' }).end('cloud');
    expect((await early).text).toBe('replica');
    expect(['cloud', 'replica']).toContain((await late).text);
    expect(edge.cache.figures().memory.responses).toBe(1);
    edge.back.generation = 2;
    waiting.length = 0;
    const next = edge.get('/products');
    await vi.waitFor(() => expect(waiting.length).toBe(1));
    waiting[0]?.end('newest');
    expect((await next).text).toBe('newest');
  });

  test('I9: that the replica cannot answer yet says what was waiting when the cloud was asked', async () => {
    const edge = await start((_request, response) => {
      // Settled while the answer, which was made before that, is under way.
      Object.assign(edge.back, { pending: false, waiting: 0 });
      response.writeHead(200).end('cloud');
    });
    Object.assign(edge.back, { pending: true, waiting: 2 });
    expect(await edge.get('/products')).toMatchObject({ text: 'cloud', headers: { 'larder-pending': '2' } });
    expect((await edge.get('/products?again')).headers['larder-pending']).toBeUndefined();
  });

  test('is the replica’s when the cloud cannot be reached, fails, or is slow', async () => {
    let app: RequestListener = (_request, response) => response.writeHead(503).end();
    const edge = await start((request, response) => app(request, response));
    edge.back.read = (path) => replica(`replica of ${path}`);
    expect(await edge.get('/never-asked-before')).toMatchObject({ text: 'replica of /never-asked-before' });
    app = () => undefined;
    expect((await edge.get('/slow')).source).toBe('replica');
    await edge.endApp();
    expect((await edge.get('/gone')).source).toBe('replica');
    edge.link.state = 'offline';
    expect((await edge.get('/offline')).source).toBe('replica');
  });

  test('I9: falls to the next rung where the replica cannot answer', async () => {
    const edge = await start(cloudSays('cloud'));
    await edge.get('/products');
    edge.advance(20_000);
    await edge.endApp();
    expect(await edge.get('/products')).toMatchObject({ text: 'cloud', source: 'cache' });
    expect((await edge.get('/other')).status).toBe(503);
  });

  describe('that is replica-first', () => {
    const first = { ...covered, replicaFirst: true };
    const anna = { authorization: 'anna' };

    /** The cloud has accepted Anna on this route, and the feed is live. */
    async function startProved(app: RequestListener = cloudSays('cloud')) {
      const edge = await start(app, first);
      edge.back.read = () => replica('replica');
      edge.back.live = true;
      expect((await edge.get('/products', anna)).text).toBe('cloud');
      return edge;
    }

    test('is the replica’s even while the link is up', async () => {
      const edge = await startProved();
      // What is fresh in memory costs even less.
      expect(await edge.get('/products', anna)).toMatchObject({ text: 'cloud', source: 'cache' });
      expect(await edge.get('/products?never=asked', anna)).toMatchObject({
        text: 'replica',
        source: 'replica',
        headers: { 'larder-as-of': '2026-11-21T00:00:00.000Z' },
      });
      edge.advance(20_000);
      expect((await edge.get('/products', anna)).text).toBe('replica');
    });

    test('is the cloud’s while the feed is not live, or behind its limit', async () => {
      const edge = await startProved();
      edge.back.lag = 11_000;
      expect((await edge.get('/products?a', anna)).text).toBe('cloud');
      edge.back.lag = 9_000;
      expect((await edge.get('/products?b', anna)).text).toBe('replica');
      edge.back.live = false;
      expect((await edge.get('/products?c', anna)).text).toBe('cloud');
    });

    test('is the cloud’s for someone who reloads', async () => {
      const edge = await startProved();
      for (const control of ['no-cache', 'max-age=0'])
        expect((await edge.get('/products?a', { ...anna, 'cache-control': control })).text).toBe('cloud');
    });

    test('I8: is the cloud’s for a credential that it has not accepted within a minute', async () => {
      const edge = await startProved();
      expect((await edge.get('/products?a', { authorization: 'bert' })).text).toBe('cloud');
      edge.advance(61_000);
      expect((await edge.get('/products?b', anna)).text).toBe('cloud');
      expect((await edge.get('/products?c', anna)).text).toBe('replica');
    });

    test('I8: is no longer given to somebody whom the cloud refuses, however much they read', async () => {
      let revoked = false;
      const edge = await startProved((_request, response) => response.writeHead(revoked ? 401 : 200).end('cloud'));
      revoked = true;
      edge.advance(31_000);
      expect((await edge.get('/products?a', anna)).text).toBe('replica');
      await vi.waitFor(async () => expect((await edge.get('/products?b', anna)).status).toBe(401));
    });

    test('stays with the replica while the cloud goes on accepting the credential', async () => {
      const edge = await startProved();
      for (let minute = 0; minute < 3; minute += 1) {
        const asked = edge.seen.length;
        edge.advance(31_000);
        expect((await edge.get(`/products?a=${minute}`, anna)).text).toBe('replica');
        await vi.waitFor(() => expect(edge.seen.length).toBe(asked + 1));
        await vi.waitFor(() => expect(edge.cache.has(`/products?a=${minute}`)).toBe(true));
      }
    });
  });

  test('I8: is nobody’s whom the edge cannot verify while the cloud is away, and they hear so at once', async () => {
    const edge = await start(() => undefined);
    edge.link.state = 'offline';
    const stranger = await edge.get('/products');
    expect(stranger.status).toBe(401);
    expect(JSON.parse(stranger.text)).toMatchObject({ code: 'LARDER_UNAUTHENTICATED' });
    edge.link.state = 'online';
    edge.link.held = true;
    expect((await edge.get('/products')).status).toBe(401);
    expect(edge.seen.length).toBe(0);
  });

  test('is tried for a short while where nothing here has it and the link is down', { timeout: 20_000 }, async () => {
    const edge = await start(() => undefined, covered, { hardTimeout: 60_000 });
    edge.link.state = 'offline';
    const answer = await edge.get('/products', { authorization: 'anna' });
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'LARDER_OFFLINE' });
    expect(edge.seen.length).toBe(1);
  });
});

describe('a route that the replica does not cover', () => {
  const listed: Read<User> = { tags: () => ['products'], cache: { ttl: 10 } };

  test('I13: says how many changes wait that it may not show, and is not stored while they do', async () => {
    const edge = await start(cloudSays('cloud'), listed);
    edge.back.waiting = 3;
    edge.back.pending = true;
    for (const _ of [1, 2])
      expect(await edge.get('/report')).toMatchObject({ source: 'cloud', headers: { 'larder-pending': '3' } });
    edge.back.pending = false;
    edge.back.waiting = 0;
    await edge.get('/report');
    const hit = await edge.get('/report');
    expect(hit.source).toBe('cache');
    expect(hit.headers['larder-pending']).toBeUndefined();
  });

  test("obeys the profile's rule, and a bump of its tags", async () => {
    const edge = await start((_request, response) =>
      response.writeHead(200, { 'cache-control': 'no-cache, no-store' }).end(`answer ${edge.seen.length}`),
    );
    expect((await edge.get('/report')).text).toBe('answer 1');
    expect((await edge.get('/report')).text).toBe('answer 1');
    edge.back.generation = 1;
    expect((await edge.get('/report')).text).toBe('answer 2');
  });
});
