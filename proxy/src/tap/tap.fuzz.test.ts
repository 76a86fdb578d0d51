import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startApp, startFront, timeless, Wire } from './test-front.ts';
import type { TestFront } from './test-front.ts';

let app: Awaited<ReturnType<typeof startApp>>;
/** Clear and within TLS, each with the tap and without. */
const fronts: { tapped: TestFront; plain: TestFront; tls: boolean }[] = [];

beforeAll(async () => {
  app = await startApp((request, response) => {
    request.resume();
    request.on('end', () => {
      const isStored = request.url?.startsWith('/a') === true;
      // Nothing stale for a cloud that is slow: on a busy machine that is one edge's and not the other's.
      const control = isStored ? 'public, max-age=3600, must-revalidate' : 'no-store';
      const head = { 'cache-control': control, etag: '"1"', vary: 'accept-language', 'content-length': 60 };
      const text = `${request.method} ${request.url} ${request.headers['accept-language'] ?? ''}`;
      response.writeHead(200, head).end(text.padEnd(60, '.'));
    });
  });
  for (const tls of [false, true]) {
    const [tapped, plain] = await Promise.all([true, false].map((tap) => startFront(app.url, { tap, tls })));
    if (tapped !== undefined && plain !== undefined) fronts.push({ tapped, plain, tls });
  }
  // All have everything: whether an answer is a hit must not depend on which stream came first.
  for (const { tapped, plain, tls } of fronts)
    for (const { port } of [tapped, plain])
      for (const path of ['/a', '/a2'])
        for (const fields of ['', 'Accept-Language: fr\r\n', 'Authorization: Basic eDp5\r\n'])
          await new Wire(port, { tls }).ask(`GET ${path} HTTP/1.1\r\nHost: edge\r\n${fields}\r\n`);
});

afterAll(async () => {
  await Promise.all(fronts.flatMap(({ tapped, plain }) => [tapped.close(), plain.close()]));
  await app.close();
});

const often = (...values: string[]) => fc.constantFrom(...values);

/** Few different ones, so that they are repeated: most could be remembered, the others look as if they could. */
const head = fc
  .record({
    method: fc.oneof({ weight: 9, arbitrary: often('GET') }, { weight: 1, arbitrary: often('HEAD', 'OPTIONS') }),
    path: often('/a', '/a', '/a2', '/b'),
    version: fc.oneof({ weight: 19, arbitrary: often('1.1') }, { weight: 1, arbitrary: often('1.0') }),
    fields: fc.oneof(
      { weight: 6, arbitrary: often('', '', 'If-None-Match: "1"\r\n', 'Accept-Language: fr\r\n') },
      {
        weight: 2,
        arbitrary: often(
          'Range: bytes=0-3\r\n',
          'Cache-Control: max-age=0\r\n',
          'Connection: keep-alive\r\n',
          'Authorization: Basic eDp5\r\n',
          'Content-Length: 0\r\n',
          'Pragma: no-cache\r\n',
        ),
      },
    ),
  })
  .map(({ method, path, version, fields }) => {
    if (version === '1.1') return `${method} ${path} HTTP/1.1\r\nHost: edge\r\n${fields}\r\n`;
    // Of the messages only the last ends its connection: what comes behind such a one meets either an open socket or not,
    // and the reset that follows may take answers with it that had gone out (RFC 9112 §9.6). So does a 304 by HTTP/1.0.
    const kept = fields.startsWith('If-None-Match') || fields.startsWith('Connection') ? '' : fields;
    return `${method} ${path} HTTP/1.0\r\nHost: edge\r\nConnection: keep-alive\r\n${kept}\r\n`;
  });

/** A body in the shape of requests: whoever loses count of where messages end answers it. */
const upload = fc.array(head, { minLength: 1, maxLength: 2 }).chain((heads) => {
  const body = heads.join('');
  const opening = 'POST /b HTTP/1.1\r\nHost: edge\r\n';
  return often(
    `${opening}Content-Length: ${body.length}\r\n\r\n${body}`,
    `${opening}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  );
});

const hot = often('', '', 'If-None-Match: "1"\r\n').map((fields) => `GET /a HTTP/1.1\r\nHost: edge\r\n${fields}\r\n`);

/** A head in whose last field another one begins: whoever takes its end for a beginning answers that. */
const nested = hot.map((inner) => `GET /a2 HTTP/1.1\r\nX: ${inner}`);

const message = fc.oneof(
  { weight: 14, arbitrary: hot },
  { weight: 8, arbitrary: head },
  { weight: 2, arbitrary: upload },
  { weight: 2, arbitrary: nested },
);

/** What goes out in one write; and whether the client then waits for some answer before it goes on. */
const step = fc.record({
  messages: fc.oneof(
    { weight: 8, arbitrary: fc.tuple(message) },
    { weight: 2, arbitrary: fc.array(message, { minLength: 2, maxLength: 3 }) },
  ),
  /** Where it is cut into two writes: at a share of its length, or before what looks like its last request; null: nowhere. */
  cut: fc.oneof(
    { weight: 6, arbitrary: fc.constant(null) },
    { weight: 2, arbitrary: fc.double({ min: 0.05, max: 0.95, noNaN: true }) },
    { weight: 3, arbitrary: fc.constant('GET ' as const) },
  ),
  waits: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
});

type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

function placeOf(cut: Step['cut'], bytes: string): number {
  if (cut === null) return bytes.length;
  const at = cut === 'GET ' ? bytes.lastIndexOf(cut) : Math.floor(bytes.length * cut);
  return at < 1 ? bytes.length : at;
}

const LAST = 'GET /a HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n';

async function answersTo(port: number, steps: readonly Step[], tls: boolean) {
  const wire = new Wire(port, { tls });
  for (const { messages, cut, waits } of steps) {
    const bytes = messages.join('');
    const at = placeOf(cut, bytes);
    const before = wire.text.length;
    wire.send(bytes.slice(0, at));
    if (at < bytes.length) {
      // So that they arrive as two: the edge is in this process, and reads once in each turn of its loop.
      for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
      wire.send(bytes.slice(at));
    }
    if (waits) await wire.until((text) => text.length > before);
  }
  wire.send(LAST);
  return wire.closed();
}

/** The same streams in every run; FUZZ_SEED asks for others. */
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_121);

test.each([
  ['clear', 0],
  ['within TLS', 1],
])('whatever comes %s, cut and joined in whatever way, gets byte for byte the plain answers', async (_name, at) => {
  const found = fronts[at];
  if (found === undefined) throw new Error('it was not started');
  const { tapped, plain, tls } = found;
  const stream = fc.array(step, { minLength: 5, maxLength: 25 });
  let streams = 0;
  await fc.assert(
    fc.asyncProperty(stream, async (steps) => {
      streams++;
      const [fast, slow] = await Promise.all([answersTo(tapped.port, steps, tls), answersTo(plain.port, steps, tls)]);
      expect(timeless(fast)).toBe(timeless(slow));
    }),
    { seed: SEED, numRuns: 2000, interruptAfterTimeLimit: 12_000, markInterruptAsFailure: false },
  );
  // It would prove nothing about a tap that never answers.
  expect(tapped.repeats()).toBeGreaterThan(streams);
});
