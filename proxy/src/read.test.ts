import { connect } from 'node:net';
import { once } from 'node:events';
import type { RequestListener, ServerResponse } from 'node:http';
import { request as ask } from 'undici';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { startTestEdge } from './read/test-edge.ts';
import type { TestEdgeOptions } from './read/test-edge.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

const start = (app: RequestListener, options?: TestEdgeOptions) => startTestEdge(app, ending, options);
/** An app that counts its answers, under these headers. */
const counting = (headers: Record<string, string | string[]>, status = 200): RequestListener => {
  let count = 0;
  return (_request, response) => response.writeHead(status, headers).end(`answer ${++count}`);
};
const settled = <T>(value: () => T, expected: T) =>
  vi.waitFor(() => expect(value()).toBe(expected), { timeout: 30_000 });
/** Answers on demand. */
function held() {
  const waiting: ServerResponse[] = [];
  const app: RequestListener = (_request, response) => void waiting.push(response);
  return { app, waiting };
}

describe('a read without a profile', () => {
  test('is stored once and then answered here, and says so', async () => {
    const edge = await start(counting({ 'cache-control': 'max-age=60' }));
    const first = await edge.get('/a');
    expect(first).toMatchObject({ text: 'answer 1', source: 'cloud', how: 'fwd=uri-miss; stored' });
    edge.advance(5000);
    const second = await edge.get('/a');
    expect(second).toMatchObject({ text: 'answer 1', source: 'cache' });
    // A Date knows no parts of a second, and a busy machine takes its time.
    expect(Number(second.headers['age'])).toBeGreaterThanOrEqual(5);
    expect(second.how).toMatch(/^hit; ttl=[45]\d$/);
    expect(second.headers['larder-as-of']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(second.headers['date']).toBe(first.headers['date']);
    expect(edge.reader.counters).toMatchObject({ hit: 1, stored: 1 });
  });

  test('goes to the cloud each time where it must not be stored', async () => {
    const edge = await start(counting({ 'cache-control': 'no-store' }));
    expect((await edge.get('/a')).text).toBe('answer 1');
    expect(await edge.get('/a')).toMatchObject({ text: 'answer 2', how: 'fwd=uri-miss; detail=no-store' });
  });

  test('is validated when stale; a 304 makes it fresh again', async () => {
    const edge = await start((request, response) => {
      const status = request.headers['if-none-match'] === '"e"' ? 304 : 200;
      response
        .writeHead(status, { etag: '"e"', 'cache-control': 'max-age=10' })
        .end(status === 200 ? 'body' : undefined);
    });
    await edge.get('/a');
    edge.advance(11_000);
    expect(await edge.get('/a')).toMatchObject({ status: 200, text: 'body', how: 'fwd=stale; fwd-status=304; stored' });
    expect((await edge.get('/a')).source).toBe('cache');
    expect(edge.seen.length).toBe(2);
  });

  test('a 304 for something else is not believed', async () => {
    const edge = await start((request, response) => {
      if (request.headers['if-none-match'] !== undefined) response.writeHead(304, { etag: '"other"' }).end();
      else response.writeHead(200, { etag: '"e"', 'cache-control': 'max-age=0' }).end(`answer ${edge.seen.length}`);
    });
    await edge.get('/a');
    expect(await edge.get('/a')).toMatchObject({ status: 200, text: 'answer 3' });
  });

  test('a 304 that nobody asked for reaches nobody', async () => {
    const edge = await start((_request, response) => response.writeHead(304, { etag: '"e"' }).end());
    expect((await edge.get('/a')).status).toBe(502);
    expect((await edge.get('/a', { 'if-none-match': '"x"' })).status).toBe(502);
  });

  test('conditions and HEAD are met here; an unconditional client never gets a 304', async () => {
    const edge = await start(counting({ 'cache-control': 'max-age=60', etag: '"e"', 'content-type': 'text/x' }));
    expect((await edge.get('/a', { 'if-none-match': '"e"' })).status).toBe(304);
    const unmodified = await edge.get('/a', { 'if-none-match': 'W/"x", W/"e"' });
    expect(unmodified).toMatchObject({ status: 304, text: '', headers: { etag: '"e"' } });
    expect(unmodified.headers['content-type']).toBeUndefined();
    expect(await edge.get('/a', { 'if-none-match': '"x"' })).toMatchObject({ status: 200, text: 'answer 1' });
    expect(await edge.get('/a', {}, 'HEAD')).toMatchObject({
      status: 200,
      text: '',
      headers: { 'content-length': '8' },
    });
    expect(await edge.get('/a')).toMatchObject({ status: 200, text: 'answer 1' });
    expect(edge.seen.length).toBe(1);
  });

  test.each([
    ['bytes=0-2', 206, 'ans', 'bytes 0-2/8'],
    ['bytes=7-', 206, '1', 'bytes 7-7/8'],
    ['bytes=-3', 206, 'r 1', 'bytes 5-7/8'],
    ['bytes=0-99', 206, 'answer 1', 'bytes 0-7/8'],
    ['bytes=8-', 416, '', 'bytes */8'],
    ['bytes=2-1', 200, 'answer 1', undefined],
    ['bytes=0-0,2-2', 200, 'answer 1', undefined],
    ['lines=1-2', 200, 'answer 1', undefined],
  ])('the range %s of a stored answer is answered here with %d', async (range, status, text, place) => {
    const edge = await start(counting({ 'cache-control': 'max-age=60', etag: '"e"' }));
    await edge.get('/a');
    const part = await edge.get('/a', { range, 'if-range': '"e"' });
    expect(part).toMatchObject({ status, text });
    expect(part.headers['content-range']).toBe(place);
    expect((await edge.get('/a', { range, 'if-range': '"old"' })).status).toBe(200);
    expect(edge.seen.length).toBe(1);
  });

  test('variants are kept apart', async () => {
    const edge = await start((request, response) =>
      response.writeHead(200, { 'cache-control': 'max-age=60', vary: 'Foo' }).end(String(request.headers['foo'])),
    );
    for (const foo of ['1', '2', '1', '2']) expect((await edge.get('/a', { foo })).text).toBe(foo);
    expect(edge.seen.length).toBe(2);
  });

  test('only-if-cached never reaches the cloud', async () => {
    const edge = await start(counting({}));
    expect((await edge.get('/a', { 'cache-control': 'only-if-cached' })).status).toBe(504);
    expect(edge.seen.length).toBe(0);
  });
});

describe('I8: for whose eyes', () => {
  test('what one credential is answered, no other is', async () => {
    const edge = await start((request, response) =>
      response.writeHead(200, { 'cache-control': 'max-age=60' }).end(`for ${request.headers.authorization ?? 'all'}`),
    );
    for (const authorization of ['anna', 'ben', 'anna', 'ben'])
      expect((await edge.get('/a', { authorization })).text).toBe(`for ${authorization}`);
    expect((await edge.get('/a')).text).toBe('for all');
    expect(edge.seen.length).toBe(3);
  });

  test('what the origin shares, all are given', async () => {
    const edge = await start(counting({ 'cache-control': 'public, max-age=60' }));
    for (const authorization of ['anna', 'ben'])
      expect((await edge.get('/a', { authorization })).text).toBe('answer 1');
    expect((await edge.get('/a')).text).toBe('answer 1');
  });

  test('a cookie is set for the first who asks and for nobody after, nor for those who waited along', async () => {
    const { app, waiting } = held();
    const edge = await start(app);
    const all = Promise.all([1, 2, 3].map(() => edge.get('/a')));
    await settled(() => waiting.length, 1);
    waiting[0]?.writeHead(200, { 'cache-control': 'max-age=60', 'set-cookie': ['a=1', 'b=2'] }).end('x');
    const cookies = (await all).map(({ headers }) => headers['set-cookie']);
    expect(cookies.filter((one) => one !== undefined)).toEqual([['a=1', 'b=2']]);
    expect((await edge.get('/a')).headers['set-cookie']).toBeUndefined();
  });

  test('one who is shut out loses what was stored for them', async () => {
    let isAllowed = true;
    const edge = await start((_request, response) =>
      response.writeHead(isAllowed ? 200 : 401, { etag: '"e"' }).end('x'),
    );
    const headers = { authorization: 'anna' };
    await edge.get('/a', headers);
    isAllowed = false;
    expect((await edge.get('/a', headers)).status).toBe(401);
    edge.link.state = 'offline';
    await edge.endApp();
    expect((await edge.get('/a', headers)).status).toBe(503);
  });

  test('who sent it is not told the cloud where the answer may be shared', async () => {
    const edge = await start(counting({ 'cache-control': 'max-age=60' }));
    await edge.get('/a', { 'x-forwarded-host': 'evil.test', 'x-forwarded-for': '6.6.6.6' });
    expect(Object.keys(edge.seen[0]?.headers ?? {}).filter((name) => /forwarded/.test(name))).toEqual([]);
  });
});

describe('what comes before an answer', () => {
  test('is passed on to the one who asked first, and not stored', async () => {
    const edge = await start((_request, response) => {
      response.writeProcessing();
      response.writeEarlyHints({ link: '</a.css>; rel=preload', 'x-early': '1' });
      response.writeHead(200, { 'cache-control': 'max-age=60' }).end('x');
    });
    const interims = async (path: string, headers = {}) => {
      const seen: [number, unknown][] = [];
      const onInfo = ({ statusCode, headers: { link } }: { statusCode: number; headers: { link?: unknown } }) =>
        seen.push([statusCode, link]);
      const answer = await ask(edge.url + path, { headers, onInfo });
      expect([answer.statusCode, answer.headers['x-early'], await answer.body.text()]).toEqual([200, undefined, 'x']);
      return seen;
    };
    const both = [
      [102, undefined],
      [103, '</a.css>; rel=preload'],
    ];
    expect(await interims('/a')).toEqual(both);
    expect(await interims('/a')).toEqual([]);
    // What passes the cache by has them too.
    expect(await interims('/b', { 'cache-control': 'no-store' })).toEqual(both);
  });
});

describe('coalescing', () => {
  test('a thousand misses of one URL are one request to the cloud', async () => {
    const { app, waiting } = held();
    const edge = await start(app);
    const all = Promise.all(Array.from({ length: 1000 }, () => edge.get('/a')));
    await settled(() => waiting.length, 1);
    waiting[0]?.writeHead(200, { 'cache-control': 'max-age=60' }).end('x');
    const answers = await all;
    expect(answers.filter(({ text }) => text === 'x').length).toBe(1000);
    expect(answers.filter(({ how }) => /collapsed|hit/.test(how)).length).toBe(999);
    expect(edge.seen.length).toBe(1);
  });

  test('those who waited for what cannot be shared then all go at once, and for a minute nobody waits', async () => {
    const { app, waiting } = held();
    const edge = await start(app);
    const three = Promise.all([1, 2, 3].map(() => edge.get('/a')));
    await settled(() => waiting.length, 1);
    waiting[0]?.writeHead(200, { 'cache-control': 'no-store' }).end('first');
    await settled(() => waiting.length, 3);
    const more = Promise.all([edge.get('/a'), edge.get('/a')]);
    await settled(() => waiting.length, 5);
    for (const response of waiting.slice(1)) response.writeHead(200, { 'cache-control': 'no-store' }).end('alone');
    expect((await three).map(({ text }) => text).sort()).toEqual(['alone', 'alone', 'first']);
    await more;
  });

  test('different values of what the answer varies by do not wait for one another', async () => {
    const { app, waiting } = held();
    const edge = await start(app);
    const all = Promise.all(['1', '2'].map((foo) => edge.get('/a', { foo })));
    await settled(() => waiting.length, 1);
    const answer = (response: ServerResponse | undefined) =>
      response?.writeHead(200, { 'cache-control': 'max-age=0', vary: 'foo' }).end(String(response.req.headers['foo']));
    answer(waiting[0]);
    await settled(() => waiting.length, 2);
    answer(waiting[1]);
    expect((await all).map(({ text }) => text)).toEqual(['1', '2']);
    const again = Promise.all(['1', '2'].map((foo) => edge.get('/a', { foo })));
    await settled(() => waiting.length, 4);
    waiting.slice(2).forEach(answer);
    await again;
  });

  test('a client that leaves does not cancel what others wait for', async () => {
    const { app, waiting } = held();
    const edge = await start(app);
    const { hostname, port } = new URL(edge.url);
    const leaving = connect(Number(port), hostname);
    leaving.write('GET /a HTTP/1.1\r\nhost: x\r\n\r\n');
    await settled(() => waiting.length, 1);
    const staying = edge.get('/a');
    leaving.destroy();
    await once(leaving, 'close');
    waiting[0]?.writeHead(200, { 'cache-control': 'max-age=60' }).end('x');
    expect((await staying).text).toBe('x');
    expect(edge.seen.length).toBe(1);
  });

  test('twenty stale hits are one refresh, and nobody waits for it', async () => {
    const { app, waiting } = held();
    const edge = await start(app);
    const first = edge.get('/a');
    await settled(() => waiting.length, 1);
    waiting[0]?.writeHead(200, { 'cache-control': 'max-age=10, stale-while-revalidate=60' }).end('old');
    await first;
    edge.advance(11_000);
    const stale = await Promise.all(Array.from({ length: 20 }, () => edge.get('/a')));
    expect(new Set(stale.map(({ text }) => text))).toEqual(new Set(['old']));
    expect(stale[0]?.how).toMatch(/^hit; ttl=-\d+$/);
    await settled(() => waiting.length, 2);
    waiting[1]?.writeHead(200, { 'cache-control': 'max-age=10' }).end('new');
    await vi.waitFor(async () => expect((await edge.get('/a')).text).toBe('new'));
    expect(edge.seen.length).toBe(2);
  });
});

describe('bodies', () => {
  test('a larger object than the limit passes, whole and unstored', async () => {
    const large = 'x'.repeat(1_000_000);
    const edge = await start((_request, response) =>
      response.writeHead(200, { 'cache-control': 'max-age=60' }).end(large),
    );
    for (const _ of [1, 2]) expect(await edge.get('/a')).toMatchObject({ text: large, source: 'cloud' });
    expect(edge.cache.figures().memory.responses).toBe(0);
  });

  test('so does one whose length nobody knew before', async () => {
    const edge = await start((_request, response) => {
      response.writeHead(200, { 'cache-control': 'max-age=60' });
      for (let i = 0; i < 100; i++) response.write('x'.repeat(5000));
      response.end();
    });
    expect((await edge.get('/a')).text.length).toBe(500_000);
    expect(edge.cache.figures().memory.responses).toBe(0);
  });

  test('events come through as they are sent', async () => {
    const edge = await start((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: 1\n\n');
    });
    const answer = await fetch(`${edge.url}/events`);
    const reader = answer.body?.getReader();
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('data: 1\n\n');
    await reader?.cancel();
  });
});

describe('the ladder', () => {
  test('a cloud out of reach: stale where nothing forbids it, else a clear error', async () => {
    const edge = await start((request, response) => {
      const control = request.url === '/strict' ? 'max-age=1, must-revalidate' : 'max-age=1';
      response.writeHead(200, { 'cache-control': control }).end('old');
    });
    for (const path of ['/a', '/strict']) await edge.get(path);
    edge.advance(5000);
    await edge.endApp();
    expect(await edge.get('/a')).toMatchObject({ text: 'old', source: 'cache', how: 'fwd=stale; detail=refused' });
    const error = await edge.get('/strict');
    expect(error).toMatchObject({
      status: 503,
      headers: { 'content-type': 'application/problem+json; charset=utf-8' },
    });
    expect(JSON.parse(error.text)).toMatchObject({ code: 'LARDER_OFFLINE' });
    const page = await edge.get('/page', { accept: 'text/html' });
    expect(page).toMatchObject({ status: 503, headers: { 'content-type': 'text/html; charset=utf-8' } });
  });

  test('the link is down: stale at once; but what nothing here can answer is tried', async () => {
    const edge = await start(counting({ 'cache-control': 'max-age=1' }));
    await edge.get('/a');
    edge.advance(5000);
    edge.link.state = 'offline';
    expect((await edge.get('/a')).text).toBe('answer 1');
    expect((await edge.get('/b')).text).toBe('answer 2');
  });

  test("the operator's hold keeps everything here", async () => {
    const edge = await start(counting({ 'cache-control': 'max-age=1' }));
    await edge.get('/a');
    edge.advance(5000);
    edge.link.held = true;
    expect([(await edge.get('/a')).status, (await edge.get('/b')).status]).toEqual([200, 503]);
    expect(edge.seen.length).toBe(1);
  });

  test('a failing cloud is covered up only where stale-if-error says so', async () => {
    let isWell = true;
    const edge = await start((request, response) => {
      const control = request.url === '/kind' ? 'max-age=1, stale-if-error=60' : 'max-age=1';
      response.writeHead(isWell ? 200 : 503, { 'cache-control': isWell ? control : 'no-store' }).end('x');
    });
    for (const path of ['/kind', '/plain']) await edge.get(path);
    edge.advance(5000);
    isWell = false;
    expect(await edge.get('/kind')).toMatchObject({ status: 200, how: 'fwd=stale; detail=error' });
    expect((await edge.get('/plain')).status).toBe(503);
  });

  test('out of patience: stale, and what comes later is stored', async () => {
    const { app, waiting } = held();
    const edge = await start(app);
    const first = edge.get('/a');
    await settled(() => waiting.length, 1);
    waiting[0]?.writeHead(200, { 'cache-control': 'max-age=10, stale-if-error=60' }).end('old');
    await first;
    edge.advance(11_000);
    expect(await edge.get('/a')).toMatchObject({ text: 'old', how: 'fwd=stale; detail=slow' });
    await settled(() => waiting.length, 2);
    waiting[1]?.writeHead(200, { 'cache-control': 'max-age=10' }).end('new');
    await vi.waitFor(async () => expect(await edge.get('/a')).toMatchObject({ text: 'new', source: 'cache' }));
    expect(edge.seen.length).toBe(2);
  });

  test('nothing here to answer: the cloud has until the hard timeout', async () => {
    const edge = await start(() => undefined, { config: { hardTimeout: 300 } });
    expect((await edge.get('/a')).status).toBe(504);
  });
});
