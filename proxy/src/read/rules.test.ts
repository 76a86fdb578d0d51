import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import type { Rule } from '../config-rules.ts';
import { startTestEdge } from './test-edge.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

const start = (app: RequestListener, ...rules: Rule[]) => startTestEdge(app, ending, { rules });
/** An app that counts its answers, under these headers. */
const counting = (headers: Record<string, string | string[]>): RequestListener => {
  let count = 0;
  return (_request, response) => response.writeHead(200, headers).end(`answer ${++count}`);
};
const NEVER = { 'cache-control': 'no-store, private, max-age=0' };

describe('an operator rule', () => {
  test('makes fresh what an app says is not to be kept', async () => {
    const edge = await start(counting(NEVER), { match: '/a', ttl: 10, staleWhileRevalidate: 5 });
    await edge.get('/a');
    edge.advance(9000);
    expect(await edge.get('/a')).toMatchObject({ text: 'answer 1', source: 'cache' });
    edge.advance(3000);
    expect((await edge.get('/a')).how).toMatch(/^hit; ttl=-/);
    expect((await edge.get('/b')).source).toBe('cloud');
    expect((await edge.get('/b')).source).toBe('cloud');
  });

  test('without a ttl leaves freshness to the app, and adds to it', async () => {
    let isWell = true;
    const app: RequestListener = (_request, response) =>
      response.writeHead(isWell ? 200 : 503, { 'cache-control': isWell ? 'max-age=5, must-revalidate' : '' }).end('x');
    const edge = await start(app, { match: '/a', staleIfError: 60 });
    await edge.get('/a');
    edge.advance(6000);
    isWell = false;
    expect(await edge.get('/a')).toMatchObject({ status: 200, how: 'fwd=stale; detail=error' });
    const strict = await start(counting(NEVER), { match: '/a', staleIfError: 60 });
    await strict.get('/a');
    expect((await strict.get('/a')).text).toBe('answer 2');
  });

  test('I8: shares between scopes only where it says public', async () => {
    const rules: Rule[] = [
      { match: '/all', ttl: 60, scope: 'public' },
      { match: '/own', ttl: 60 },
      { match: '/narrow', scope: 'user' },
    ];
    const edge = await start(counting({ 'cache-control': 'public, max-age=60', 'set-cookie': 'a=1' }), ...rules);
    const textsAt = async (path: string) => {
      const asked: string[] = [];
      for (const authorization of ['anna', 'ben', 'anna']) asked.push((await edge.get(path, { authorization })).text);
      return asked;
    };
    expect(await textsAt('/all')).toEqual(['answer 1', 'answer 1', 'answer 1']);
    expect(await edge.get('/all')).toMatchObject({
      text: 'answer 1',
      headers: { 'cache-control': 'public, max-age=60' },
    });
    expect((await edge.get('/all')).headers['set-cookie']).toBeUndefined();
    expect(await textsAt('/narrow')).toEqual(['answer 2', 'answer 3', 'answer 2']);
    expect((await edge.get('/narrow')).text).toBe('answer 4');
    // The app's own word still counts where the rule says nothing of scopes.
    expect(await textsAt('/own')).toEqual(['answer 5', 'answer 5', 'answer 5']);
  });

  test('I8: public shares also what the app calls private; user keeps it apart', async () => {
    const edge = await start(counting(NEVER), { match: '/all', ttl: 60, scope: 'public' }, { match: '/own', ttl: 60 });
    for (const authorization of ['anna', 'ben'])
      expect((await edge.get('/all', { authorization })).text).toBe('answer 1');
    expect((await edge.get('/own', { authorization: 'anna' })).text).toBe('answer 2');
    expect((await edge.get('/own', { authorization: 'ben' })).text).toBe('answer 3');
  });

  test('drops tracking parameters: one answer, and what is dropped cannot poison it', async () => {
    const app: RequestListener = (request, response) =>
      response.writeHead(200, { 'cache-control': 'max-age=60' }).end(request.url);
    const edge = await start(app, { match: '/*', dropQuery: ['utm_*'] });
    expect((await edge.get('/a?utm_source=<script>&x=1')).text).toBe('/a?x=1');
    expect(await edge.get('/a?x=1')).toMatchObject({ text: '/a?x=1', source: 'cache' });
    expect(edge.seen.length).toBe(1);
  });

  test('I8: keeps a key in the URL apart, sends it on, and stores it nowhere', async () => {
    const app: RequestListener = (request, response) =>
      response.writeHead(200, { 'cache-control': 'max-age=60' }).end(request.url);
    const edge = await start(app, { match: '/*', secretQuery: ['key'] });
    for (const key of ['one', 'two', 'one']) expect((await edge.get(`/a?key=${key}`)).text).toBe(`/a?key=${key}`);
    expect(edge.seen.length).toBe(2);
    expect((await edge.get('/a')).text).toBe('/a');
    edge.advance(61_000);
    // Validated under its own key, too.
    expect((await edge.get('/a?key=two')).text).toBe('/a?key=two');
  });
});

describe("an origin's tags", () => {
  test.each([
    ['stored', 'max-age=60'],
    ['passed through', 'no-store'],
  ])('end here, the answer %s', async (_name, control) => {
    const edge = await start(counting({ 'cache-control': control, 'cache-tag': 'red', 'surrogate-key': 'blue' }));
    for (const _ of [1, 2]) {
      const { headers } = await edge.get('/a');
      expect([headers['cache-tag'], headers['surrogate-key']]).toEqual([undefined, undefined]);
    }
  });

  test('are known to a purge, also after a 304 that repeats none', async () => {
    const app: RequestListener = (request, response) => {
      const isValid = request.headers['if-none-match'] === '"e"';
      const headers = { etag: '"e"', 'cache-control': 'max-age=10' };
      if (isValid) response.writeHead(304, headers).end();
      else response.writeHead(200, { ...headers, 'surrogate-key': 'red' }).end('x');
    };
    const edge = await start(app);
    await edge.get('/a');
    edge.advance(11_000);
    expect((await edge.get('/a')).how).toContain('fwd-status=304');
    expect(await edge.cache.purge({ by: 'tag', value: 'red', soft: null })).toBe(1);
    expect((await edge.get('/a')).how).toMatch(/^fwd=uri-miss/);
  });

  test('more of them than are kept: the answer is not stored, for a purge would miss it', async () => {
    const many = Array.from({ length: 129 }, (_one, at) => `t${at}`).join(',');
    const edge = await start(counting({ 'cache-control': 'max-age=60', 'cache-tag': many }));
    await edge.get('/a');
    expect((await edge.get('/a')).text).toBe('answer 2');
  });
});
