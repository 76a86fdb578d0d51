import { once } from 'node:events';
import { connect } from 'node:http2';
import type { ClientHttp2Session, OutgoingHttpHeaders } from 'node:http2';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ask } from '../http2/test-client.ts';
import type { Http2Answer } from '../http2/test-client.ts';
import { TEST_CA } from '../tls/test-certificates.ts';
import { startApp, startFront } from './test-front.ts';
import type { TestFront } from './test-front.ts';

const LARGE = 'x'.repeat(500_000);
const sent = { changing: 0 };

let app: Awaited<ReturnType<typeof startApp>>;
beforeAll(async () => {
  app = await startApp((request, response) => {
    request.resume();
    const path = request.url?.split('?', 1)[0];
    const fresh = { 'cache-control': 'public, max-age=60, must-revalidate', etag: '"1"' };
    if (path === '/large') response.writeHead(200, fresh).end(LARGE);
    else if (path === '/changing') response.writeHead(200, fresh).end(String(++sent.changing));
    else if (path === '/gone') response.writeHead(404, fresh).end('gone');
    else if (path === '/empty') response.writeHead(200, fresh).end();
    else if (path === '/unstored') response.writeHead(200, { 'cache-control': 'no-store' }).end('unstored');
    else if (path === '/coded')
      response.writeHead(200, { ...fresh, vary: 'accept-language' }).end(request.headers['accept-language'] ?? 'none');
    else if (path === '/mine') {
      const { authorization = 'nobody' } = request.headers;
      // What nobody in particular gets, anybody may have.
      response.writeHead(200, { 'cache-control': authorization === 'nobody' ? 'no-store' : 'max-age=60' });
      response.end(authorization);
    } else response.writeHead(200, { ...fresh, 'x-twice': ['a', 'b'] }).end(`${request.method} of ${path}`);
  });
});
afterAll(() => app.close());

interface Side {
  front: TestFront;
  session: ClientHttp2Session;
}

async function open(tap: boolean): Promise<Side> {
  const front = await startFront(app.url, { tap, tls: true });
  const session = connect(`https://127.0.0.1:${front.port}`, { ca: TEST_CA });
  session.on('error', () => undefined);
  return { front, session };
}

let tapped: Side;
let plain: Side;
beforeEach(async () => void ([tapped, plain] = await Promise.all([open(true), open(false)])));
afterEach(async () => {
  for (const { session } of [tapped, plain]) session.destroy();
  await Promise.all([tapped.front.close(), plain.front.close()]);
});

/** What depends on the moment is made the same. */
function timeless({ status, headers, text }: Http2Answer) {
  const { date, age, 'larder-as-of': asOf, 'cache-status': how, ...rest } = headers;
  // What comes straight from the app has an Age only where a second is over meanwhile.
  const hasAge = headers['larder-source'] === 'cloud' || age !== undefined;
  const said = { date: date !== undefined, age: hasAge, asOf: asOf !== undefined };
  return {
    status,
    text,
    rest,
    said,
    how: String(how)
      .replace(/ttl=\d+/, 'ttl')
      .replace('; collapsed', ''),
  };
}

/** Asks on both sides; resolves with what the fast path gave, and the plain one. */
async function askBoth(headers: OutgoingHttpHeaders, body?: string): Promise<[Http2Answer, Http2Answer]> {
  return Promise.all([ask(tapped.session, headers, body), ask(plain.session, headers, body)]);
}

/** Three times: the cloud's answer where it is asked, the plain path's, the fast path's; how many were its. */
async function thrice(headers: OutgoingHttpHeaders, body?: string): Promise<number> {
  const before = tapped.front.repeats();
  for (let i = 0; i < 3; i++) {
    const [fast, slow] = await askBoth(headers, body);
    expect(timeless(fast)).toEqual(timeless(slow));
  }
  return tapped.front.repeats() - before;
}

describe('over HTTP/2 a repeated request gets what the plain path gives', () => {
  test.each<[string, OutgoingHttpHeaders, number]>([
    ['a whole answer', { ':path': '/a' }, 2],
    ['a 304', { ':path': '/a', 'if-none-match': '"1"' }, 2],
    ['an error that may be stored', { ':path': '/gone' }, 2],
    ['one without a body', { ':path': '/empty' }, 2],
    ['a large one', { ':path': '/large' }, 2],
    ['a variant', { ':path': '/coded', 'accept-language': 'fr' }, 1],
    ['with a credential', { ':path': '/mine', authorization: 'Basic eDp5' }, 1],
    ['what is not stored', { ':path': '/unstored' }, 0],
    ['HEAD', { ':path': '/a', ':method': 'HEAD' }, 0],
    ['another method', { ':path': '/a', ':method': 'OPTIONS' }, 0],
    ['a part', { ':path': '/a', range: 'bytes=0-1' }, 0],
    ['a reload', { ':path': '/a', 'cache-control': 'no-cache' }, 0],
    ['an old reload', { ':path': '/a', pragma: 'no-cache' }, 0],
    ['a precondition', { ':path': '/a', 'if-match': '"1"' }, 0],
    ['with trailers', { ':path': '/a', te: 'trailers' }, 0],
  ])('%s', async (_name, headers, repeats) => {
    // Also what is never stored by itself is asked for where the whole is.
    await askBoth({ ':path': headers[':path'] });
    expect(await thrice(headers)).toBe(repeats);
  });

  test('a GET with a body goes the plain way, whatever its head is like', async () => {
    await thrice({ ':path': '/a' });
    expect(await thrice({ ':path': '/a' }, 'body')).toBe(0);
  });

  test('I8: another credential is another head', async () => {
    await thrice({ ':path': '/mine', authorization: 'Basic eDp5' });
    const [fast] = await askBoth({ ':path': '/mine', authorization: 'Basic eDp6' });
    expect(fast.text).toBe('Basic eDp6');
  });

  test('I13: Age and the time to live go on', async () => {
    await thrice({ ':path': '/a' });
    const ageOf = ({ headers }: Http2Answer) => Number(headers.age);
    const leftOf = ({ headers }: Http2Answer) => Number(/ttl=(\d+)/.exec(String(headers['cache-status']))?.[1]);
    const before = await ask(tapped.session, { ':path': '/a' });
    tapped.front.advance(20_000);
    const after = await ask(tapped.session, { ':path': '/a' });
    expect(tapped.front.repeats()).toBe(3);
    expect(ageOf(after) - ageOf(before)).toBeGreaterThanOrEqual(20);
    expect(leftOf(before) - leftOf(after)).toBeGreaterThanOrEqual(20);
  });

  test('I10: what was invalidated, is no longer fresh, or was forgotten is not repeated', async () => {
    const isRepeated = async () => {
      const before = tapped.front.repeats();
      const { text } = await ask(tapped.session, { ':path': '/changing' });
      expect(text).toBe(String(sent.changing));
      return tapped.front.repeats() > before;
    };
    const warm = async () => {
      for (let i = 0; i < 2; i++) await ask(tapped.session, { ':path': '/changing' });
      expect(await isRepeated()).toBe(true);
    };
    await warm();
    await tapped.front.cache.invalidate(['/changing']);
    expect(await isRepeated()).toBe(false);
    await warm();
    tapped.front.tap?.forget();
    expect(await isRepeated()).toBe(false);
    await warm();
    tapped.front.advance(61_000);
    expect(await isRepeated()).toBe(false);
  });
});

test('streams that their client resets at once hurt nobody', async () => {
  await thrice({ ':path': '/large' });
  const streams = Array.from({ length: 100 }, () => tapped.session.request({ ':path': '/large' }));
  for (const stream of streams) stream.on('error', () => undefined).close(2);
  await Promise.all(streams.map((stream) => stream.closed || once(stream, 'close')));
  expect((await ask(tapped.session, { ':path': '/large' })).text).toBe(LARGE);
});

test.each(['tapped', 'plain'])('many large answers at once, %s, are all given', async (which) => {
  const { session } = which === 'plain' ? plain : tapped;
  for (let i = 0; i < 2; i++) await ask(session, { ':path': '/large' });
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask(session, { ':path': '/large' })));
  expect(answers.filter(({ text }) => text !== LARGE)).toEqual([]);
});

/**
 * A condition or a range need not be looked at where the answer is not stored yet (RFC 9110 §13.2.2, §14.2): whether a
 * body came along with its head, so that it was, is each side's own.
 */
const isWholeFromTheApp = ({ status, headers }: Http2Answer) => status === 200 && headers['larder-source'] === 'cloud';

const often = (...values: string[]) => fc.constantFrom(...values);
const request = fc.record({
  head: fc.record(
    {
      ':path': often('/a', '/a', '/coded', '/gone', '/empty', '/mine', '/unstored'),
      ':method': often('GET', 'GET', 'GET', 'GET', 'GET', 'GET', 'HEAD', 'OPTIONS'),
      'if-none-match': often('"1"', '"2"'),
      'accept-language': often('fr', 'de'),
      authorization: often('Basic eDp5', 'Basic eDp6'),
      'cache-control': often('max-age=0', 'no-cache', 'max-stale', 'only-if-cached'),
      range: often('bytes=0-3', 'bytes=900-'),
      pragma: fc.constant('no-cache'),
    },
    { requiredKeys: [':path', ':method'] },
  ),
  /** Most have few of the fields, so that they are repeated. */
  kept: fc.nat({ max: 3 }),
});
const NAMES = ['if-none-match', 'accept-language', 'authorization', 'cache-control', 'range', 'pragma'];

test('whatever comes, at once or in turn, gets what the plain path gives', async () => {
  for (const path of ['/a', '/gone', '/empty']) await askBoth({ ':path': path });
  let asked = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 5, maxLength: 20 }), fc.boolean(), async (requests, isAtOnce) => {
      const heads = requests.map(({ head, kept }) => {
        const fields = Object.entries(head).filter(([name]) => !NAMES.includes(name) || NAMES.indexOf(name) % 4 < kept);
        return Object.fromEntries(fields);
      });
      asked += heads.length;
      const pairs: [Http2Answer, Http2Answer][] = [];
      if (isAtOnce) pairs.push(...(await Promise.all(heads.map((head) => askBoth(head)))));
      else for (const head of heads) pairs.push(await askBoth(head));
      // Whether one that came at the same time was stored before or after is each side's own.
      const comparable = ({ how, ...rest }: ReturnType<typeof timeless>) =>
        isAtOnce ? { status: rest.status, text: rest.text } : { how, ...rest };
      const mayDiffer = ([fast, slow]: [Http2Answer, Http2Answer]) =>
        fast.status !== slow.status && (isWholeFromTheApp(fast) || isWholeFromTheApp(slow));
      for (const [fast, slow] of pairs.filter((pair) => !mayDiffer(pair)))
        expect(comparable(timeless(fast))).toEqual(comparable(timeless(slow)));
    }),
    { seed: 20_261_121, numRuns: 400, interruptAfterTimeLimit: 8000, markInterruptAsFailure: false },
  );
  // It would prove nothing about a tap that never answers.
  expect(tapped.front.repeats()).toBeGreaterThan(asked / 20);
});
