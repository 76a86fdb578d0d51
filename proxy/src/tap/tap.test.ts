import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, beforeAll, beforeEach, afterAll, describe, expect, test } from 'vitest';
import { verified } from '../identity/caller.ts';
import { startApp, startFront, timeless, Wire } from './test-front.ts';
import type { TestFront, TestFrontOptions } from './test-front.ts';

const LARGE = 'x'.repeat(500_000);
let changes = 0;

const answer: RequestListener = (request, response) => {
  const path = request.url?.split('?', 1)[0];
  const fresh = { 'cache-control': 'public, max-age=60', etag: '"1"' };
  if (path === '/changing') response.writeHead(200, { 'cache-control': 'max-age=60' }).end(String(++changes));
  else if (path === '/large') response.writeHead(200, { ...fresh, 'content-length': LARGE.length }).end(LARGE);
  else if (path === '/gone') response.writeHead(404, fresh).end('gone');
  else if (path === '/unstored') response.writeHead(200, { 'cache-control': 'no-store' }).end('unstored');
  else if (path === '/coded')
    response.writeHead(200, { ...fresh, vary: 'accept-language' }).end(request.headers['accept-language'] ?? 'none');
  else if (path === '/mine')
    response.writeHead(200, { 'cache-control': 'max-age=60' }).end(request.headers.authorization);
  else response.writeHead(200, fresh).end(`body of ${path}`);
};

let app: Awaited<ReturnType<typeof startApp>>;
beforeAll(async () => void (app = await startApp(answer)));
afterAll(() => app.close());

let edge: TestFront;
let wire: Wire;
const start = async (options: Partial<TestFrontOptions> = {}) => {
  edge = await startFront(app.url, { tap: true, ...options });
  wire = new Wire(edge.port);
};
beforeEach(() => start());
afterEach(() => edge.close());

const get = (path: string, fields = '') => `GET ${path} HTTP/1.1\r\nHost: edge\r\n${fields}\r\n`;

/** Asks until the fast path answers: at first the cloud does, then the plain path. */
async function repeat(request: string): Promise<[plain: string, fast: string]> {
  const before = edge.repeats();
  let plain = '';
  for (let i = 0; i < 10; i++) {
    const answered = await wire.ask(request);
    if (edge.repeats() > before) return [plain, answered];
    plain = answered;
  }
  throw new Error('the fast path never answered');
}

describe('a repeated request gets what the plain path gave', () => {
  test.each([
    ['a whole answer', get('/a'), 'HTTP/1.1 200 OK'],
    ['a 304', get('/a', 'If-None-Match: "1"\r\n'), 'HTTP/1.1 304 Not Modified'],
    ['an error that may be stored', get('/gone'), 'HTTP/1.1 404 Not Found'],
    ['a large one', get('/large'), 'HTTP/1.1 200 OK'],
    ['a variant', get('/coded', 'Accept-Language: fr\r\n'), 'HTTP/1.1 200 OK'],
    ['what a browser sends', get('/a', 'Connection: keep-alive\r\nUser-Agent: x\r\n'), 'HTTP/1.1 200 OK'],
    ['with a credential', get('/mine', 'Authorization: Basic eDp5\r\n'), 'HTTP/1.1 200 OK'],
  ])('%s', async (_name, request, status) => {
    const [plain, fast] = await repeat(request);
    expect(fast.startsWith(status)).toBe(true);
    expect(timeless(fast)).toBe(timeless(plain));
  });

  test('also on another connection, from its second request on', async () => {
    await repeat(get('/a'));
    const before = edge.repeats();
    wire = new Wire(edge.port);
    await wire.ask(get('/a'));
    expect(edge.repeats()).toBe(before);
    await wire.ask(get('/a'));
    expect(edge.repeats()).toBe(before + 1);
  });

  test('also after a request with a body, once the parser has said where that ended', async () => {
    await repeat(get('/a'));
    const before = edge.repeats();
    await wire.ask('POST /b HTTP/1.1\r\nHost: edge\r\nContent-Length: 3\r\n\r\nabc');
    await wire.ask(get('/a'));
    await wire.ask(get('/a'));
    expect(edge.repeats()).toBe(before + 1);
  });

  test('I13: with an age that grows', async () => {
    await repeat(get('/a'));
    edge.advance(5000);
    const answered = await wire.ask(get('/a'));
    expect(Number(/\r\nage: (\d+)/.exec(answered)?.[1])).toBeGreaterThanOrEqual(5);
    expect(Number(/ttl=(\d+)/.exec(answered)?.[1])).toBeLessThanOrEqual(55);
  });

  test('I8: and another credential gets its own', async () => {
    const as = (name: string) => get('/mine', `Authorization: Basic ${name}\r\n`);
    const [, first] = await repeat(as('eDp5'));
    const [, second] = await repeat(as('eDp6'));
    expect([first.slice(-10), second.slice(-10)]).toEqual(['Basic eDp5', 'Basic eDp6']);
  });
});

describe('goes through the parser each time', () => {
  test.each([
    ['HTTP/1.0', 'GET /a HTTP/1.0\r\nHost: edge\r\nConnection: keep-alive\r\n\r\n'],
    ['a HEAD', get('/a').replace('GET', 'HEAD')],
    ['a range', get('/a', 'Range: bytes=0-1\r\n')],
    ['a cache directive', get('/a', 'Cache-Control: max-age=9\r\n')],
    ['Pragma', get('/a', 'Pragma: x\r\n')],
    ['TE', get('/a', 'TE: trailers\r\n')],
    ['an expectation', get('/a', 'Expect: 100-continue\r\n')],
    ['an offer to upgrade', get('/a', 'Connection: upgrade\r\nUpgrade: h2c\r\n')],
    ['a body', get('/a', 'Content-Length: 0\r\n')],
    ['a long head', get('/a', `X: ${'x'.repeat(4096)}\r\n`)],
    ['what may not be stored', get('/unstored')],
  ])('%s', async (_name, request) => {
    await wire.ask(get('/a'));
    for (let i = 0; i < 4; i++) {
      const from = wire.text.length;
      wire.send(request);
      await wire.until((text) => text.includes('\r\n\r\n', from));
      // It may have ended the connection.
      await wire.ask(get(`/next${i}`));
    }
    expect(edge.repeats()).toBe(0);
  });

  test('a head in two pieces, two heads in one, and a head behind half of another', async () => {
    await repeat(get('/a'));
    const before = edge.repeats();
    wire.send(get('/a').slice(0, 20));
    await new Promise((resolve) => setTimeout(resolve, 20));
    await wire.ask(get('/a').slice(20));
    await wire.ask(get('/a') + get('/a'));
    await wire.until((text) => text.split('HTTP/1.1 200').length === 7);
    wire.send('GET /b HTTP/1.1\r\nX: ');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await wire.ask(get('/a'))).toContain('body of /b');
    expect(edge.repeats()).toBe(before);
  });

  test('a body that looks like a request', async () => {
    await repeat(get('/a'));
    const before = edge.repeats();
    const body = get('/a');
    wire.send(`POST /b HTTP/1.1\r\nHost: edge\r\nContent-Length: ${body.length}\r\n\r\n`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await wire.ask(body)).toContain('body of /b');
    expect(edge.repeats()).toBe(before);
  });
});

describe('what is out of date is not repeated', () => {
  const repeatsAfter = async (change: () => unknown, request = get('/changing')) => {
    const [, fast] = await repeat(request);
    const before = edge.repeats();
    await change();
    const next = await wire.ask(request);
    return { before: fast.slice(-1), after: next.slice(-1), count: edge.repeats() - before };
  };

  test('I10: after an invalidation, and a fill that follows it', async () => {
    const { before, after, count } = await repeatsAfter(() => edge.cache.invalidate(['/changing']));
    expect(Number(after)).toBe(Number(before) + 1);
    expect(count).toBe(0);
  });

  test('I10: after a purge, soft or hard', async () => {
    for (const soft of [null, Date.now()]) {
      const { count } = await repeatsAfter(() => edge.cache.purge({ by: 'prefix', value: '/chang', soft }));
      expect(count).toBe(0);
    }
  });

  test('once its time has run out', async () => {
    expect((await repeatsAfter(() => edge.advance(61_000))).count).toBe(0);
  });

  test('after a change of the link', async () => {
    expect((await repeatsAfter(() => edge.tap?.forget())).count).toBe(0);
  });

  test('after tokens have to be verified anew', async () => {
    expect((await repeatsAfter(() => edge.identity.age++)).count).toBe(0);
  });

  test('while the server drains, when every answer says that the connection ends', async () => {
    const request = get('/a');
    await repeat(request);
    edge.tap?.stop();
    const before = edge.repeats();
    await wire.ask(request);
    await wire.ask(request);
    expect(edge.repeats()).toBe(before);
  });
});

describe('with a profile', () => {
  const profile: NonNullable<TestFrontOptions['app']> = {
    user: ({ claims }) => (claims === null ? null : { id: 'u', ...claims }) as never,
    scope: () => 'store',
    reads: {
      'GET /covered': { tags: () => ['stock'], answer: () => null } as never,
      'GET /known': { tags: () => ['stock'] } as never,
    },
    writes: {},
  };
  const restart = async (identify?: TestFrontOptions['identify']) => {
    await edge.close();
    await start({ app: profile, ...(identify === undefined ? {} : { identify }) });
  };

  const isRepeatedAfter = async (path: string, change: () => void, fields = '') => {
    await repeat(get(path, fields));
    const before = edge.repeats();
    change();
    await wire.ask(get(path, fields));
    return edge.repeats() > before;
  };

  test.each(['/covered', '/known'])('I10: not after a tag was bumped: %s', async (path) => {
    await restart();
    expect(await isRepeatedAfter(path, () => edge.back.generation++)).toBe(false);
  });

  test('I6: not while a write waits that the route shows', async () => {
    await restart();
    expect(await isRepeatedAfter('/covered', () => (edge.back.pending = true))).toBe(false);
  });

  test('I13: not while any write waits that the answer would have to mention', async () => {
    await restart();
    expect(await isRepeatedAfter('/known', () => (edge.back.waiting = 1))).toBe(false);
    edge.back.waiting = 0;
    expect(await isRepeatedAfter('/covered', () => (edge.back.waiting = 1))).toBe(true);
  });

  test('I8: not after the token has run out', async () => {
    await restart(() => verified({ sub: 'u', exp: Math.floor(Date.now() / 1000) + 30 }));
    expect(await isRepeatedAfter('/covered', () => edge.advance(31_000), 'Authorization: Bearer t\r\n')).toBe(false);
  });

  test('I8: nor for a token that could not be verified: the next time it may be', async () => {
    await restart();
    for (let i = 0; i < 4; i++) await wire.ask(get('/covered', 'Authorization: Bearer t\r\n'));
    expect(edge.repeats()).toBe(0);
  });
});

test('I11: what it remembers is bounded', async () => {
  await edge.close();
  await start({ maxBytes: 50_000 });
  for (let i = 0; i < 100; i++) {
    await wire.ask(get(`/${i}`));
    await wire.ask(get(`/${i}`));
  }
  expect(edge.tap?.figures.bytes).toBeLessThanOrEqual(50_000);
  expect(edge.tap?.figures.heads).toBeGreaterThan(10);
});

test('I11: what the cache holds is not held a second time', async () => {
  await edge.close();
  await start({ maxBytes: 10_000 });
  await repeat(get('/large'));
  expect(edge.tap?.figures.heads).toBe(1);
});

test('a client that reads slowly gets everything, in order', async () => {
  await repeat(get('/large'));
  wire.socket.pause();
  const from = wire.text.length;
  for (let i = 0; i < 20; i++) {
    wire.send(get('/large'));
    wire.send(get('/a'));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  wire.send(get('/end', 'Connection: close\r\n'));
  wire.socket.resume();
  const bodies = (await wire.closed())
    .slice(from)
    .split(/HTTP\/1\.1 200 OK(?:\r\n[^\r]+)+\r\n\r\n/)
    .slice(1);
  const expected = [...Array.from({ length: 20 }, () => [LARGE, 'body of /a']).flat(), 'body of /end'];
  expect(bodies.map((body) => body.length)).toEqual(expected.map((body) => body.length));
});

test.each([
  ['a small answer', get('/a')],
  ['a large one', get('/large')],
  ['a 304', get('/a', 'If-None-Match: "1"\r\n')],
])('I13: %s that waits in its socket keeps its age while others get theirs', async (_name, request) => {
  await repeat(request);
  let socket: Socket | undefined;
  edge.front.server.once('connection', (made) => void (socket = made));
  const slow = new Wire(edge.port);
  const first = await slow.ask(request);
  const before = edge.repeats();
  socket?.cork();
  slow.send(request);
  while (edge.repeats() === before) await new Promise((resolve) => setImmediate(resolve));
  edge.advance(5000);
  expect(await wire.ask(request)).toMatch(/\r\nage: [5-9]\r\n/);
  expect(edge.repeats()).toBe(before + 2);
  socket?.uncork();
  await slow.until((text) => text.length >= 2 * first.length);
  expect(slow.text.slice(first.length)).toMatch(/\r\nage: [0-4]\r\n/);
});

test('a connection that is no longer HTTP is left alone', async () => {
  await repeat(get('/a'));
  const before = edge.repeats();
  wire.send(get('/socket', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'));
  await wire.until((text) => text.includes('101 Switching'));
  wire.send(get('/a'));
  await wire.until((text) => text.includes('echo GET /a'));
  expect(edge.repeats()).toBe(before);
  wire.socket.destroy();
});
