import type { RequestListener } from 'node:http';
import type { ReplicaAnswer } from '@larder/sync/client';
import type { Read, User } from '@larder/sync/profile';
import { afterEach, describe, expect, test } from 'vitest';
import type { Rule } from '../config-rules.ts';
import { createEstablish } from '../establish.ts';
import { startTestEdge } from '../read/test-edge.ts';
import type { TestAnswer, TestEdge, TestEdgeOptions } from '../read/test-edge.ts';
import { createExplain, Question } from './explain.ts';
import type { Explanation } from './explain.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

interface Explained extends TestEdge {
  explain(path: string, headers?: Record<string, string>): Promise<Explanation>;
}

async function start(app: RequestListener, options: TestEdgeOptions = {}): Promise<Explained> {
  const edge = await startTestEdge(app, ending, options);
  const reads = options.read === undefined ? {} : { 'GET /a': options.read };
  const explain = createExplain({
    ...edge.parts,
    reader: edge.reader,
    replicaLag: 10_000,
    app: { reads },
    establish: createEstablish({
      app: { reads, writes: {}, user: () => null, scope: () => '' },
      identity: { identify: () => null },
      credentialScope: ({ authorization, cookie }) => authorization ?? cookie ?? '',
    }),
  });
  return { ...edge, explain: (path, headers = {}) => explain(Question.parse({ path, headers })) };
}

/** Who answered, in the words of an explanation. */
function sourceOf({ status, source, how }: TestAnswer): string {
  if (status >= 500) return 'error';
  if (source === 'replica' || source === 'cloud') return String(source);
  return how.startsWith('hit') ? 'memory' : 'stale';
}

const COVERED: Read<User> = { tags: () => ['a'], answer: () => null };
const REPLICA: ReplicaAnswer = {
  answer: { status: 200, headers: {}, body: '"r"' },
  asOf: Date.parse('2026-11-21T06:00:00Z'),
  sequence: 9,
};
const cc =
  (value: string): RequestListener =>
  (_request, response) =>
    response.writeHead(200, { 'cache-control': value, etag: '"e"' }).end('x');

type Case = [
  name: string,
  app: RequestListener,
  options: TestEdgeOptions,
  headers: Record<string, string>,
  prepare: (edge: Explained) => unknown,
  expected: string,
];
const warm = (age: number) => async (edge: Explained) => {
  await edge.get('/a');
  edge.advance(age);
};

describe('an explanation says what then happens', () => {
  test.each<Case>([
    ['nothing stored', cc('max-age=9'), {}, {}, () => undefined, 'cloud'],
    ['fresh', cc('max-age=9'), {}, {}, warm(1000), 'memory'],
    ['stale', cc('max-age=9'), {}, {}, warm(10_000), 'cloud'],
    ['stale-while-revalidate', cc('max-age=9, stale-while-revalidate=9'), {}, {}, warm(10_000), 'memory'],
    ['the client wants it anew', cc('max-age=9'), {}, { 'cache-control': 'no-cache' }, warm(1000), 'cloud'],
    ['a precondition', cc('max-age=9'), {}, { 'if-match': '"e"' }, warm(1000), 'cloud'],
    ['only-if-cached', cc('max-age=9'), {}, { 'cache-control': 'only-if-cached' }, () => undefined, 'error'],
    ['another scope', cc('max-age=9'), {}, { authorization: 'anna' }, warm(1000), 'memory'],
    ['another scope, private', cc('private, max-age=9'), {}, { authorization: 'anna' }, warm(1000), 'cloud'],
    ['held', cc('max-age=9'), {}, {}, (edge) => (edge.link.held = true), 'error'],
    [
      'held, with something stale',
      cc('max-age=9'),
      {},
      {},
      async (edge) => {
        await warm(10_000)(edge);
        edge.link.held = true;
      },
      'stale',
    ],
    [
      'offline, with something stale',
      cc('max-age=9'),
      {},
      {},
      async (edge) => {
        await warm(10_000)(edge);
        edge.link.state = 'offline';
      },
      'stale',
    ],
    ['offline, with nothing: the cloud is tried', cc(''), {}, {}, (edge) => (edge.link.state = 'offline'), 'cloud'],
    [
      'offline, with a replica',
      cc(''),
      { read: COVERED },
      {},
      (edge) => {
        edge.back.read = () => REPLICA;
        edge.link.state = 'offline';
      },
      'replica',
    ],
    [
      'a write is waiting',
      cc('max-age=9'),
      { read: COVERED },
      {},
      async (edge) => {
        await warm(1000)(edge);
        edge.back.read = () => REPLICA;
        edge.back.pending = true;
      },
      'replica',
    ],
    [
      'replica first, and live, for a credential that the cloud has accepted',
      cc('max-age=9'),
      { read: { ...COVERED, replicaFirst: true } },
      {},
      async (edge) => {
        await edge.get('/a?accepted');
        edge.back.read = () => REPLICA;
        edge.back.live = true;
      },
      'replica',
    ],
  ])('%s', async (_name, app, options, headers, prepare, expected) => {
    const edge = await start(app, options);
    await prepare(edge);
    const { decision } = await edge.explain('/a', headers);
    expect(decision).toMatchObject({ from: expected, why: expect.stringMatching(/\w/) as string });
    expect(sourceOf(await edge.get('/a', headers))).toBe(expected);
  });
});

test('it shows key, scope, rules and what is stored, and no secret', async () => {
  const rules: Rule[] = [{ match: '/a', ttl: 60, secretQuery: ['key'], dropQuery: ['utm_*'] }];
  const app: RequestListener = (_request, response) =>
    response.writeHead(200, { 'surrogate-key': 'red', vary: 'Foo' }).end('body');
  const edge = await start(app, { rules, read: { ...COVERED, cache: { ttl: 5, staleIfError: 7 } } });
  const path = '/a?key=hush&x=1&utm_source=s';
  await edge.get(path);
  edge.advance(2000);
  const found = await edge.explain(path);
  expect(found).toMatchObject({
    key: { uri: '/a?x=1', scope: expect.stringMatching(/^query:/) as string },
    route: { name: 'GET /a', covered: true, replicaFirst: false },
    rules,
    terms: { ttl: 60, staleIfError: 7 },
    tags: ['a'],
    stored: {
      memory: { status: 200, bytes: 4, vary: ['foo'], cacheTags: ['red'] },
      disk: null,
      others: false,
    },
    decision: { from: 'memory', why: expect.stringMatching(/^fresh for another \d+ s$/) as string },
  });
  const { memory } = found.stored;
  const past = Date.parse(found.at) - Date.parse(memory?.storedAt ?? '');
  expect(memory?.fresh).toBe(Math.floor((60_000 - past) / 1000));
  expect(memory?.staleIfError).toBe(Math.floor((67_000 - past) / 1000));
  expect(JSON.stringify(found)).not.toContain('hush');
  expect(await edge.explain(path, { foo: '1' })).toMatchObject({ stored: { memory: null, others: true } });
});

test('the ladder of every state of the link', async () => {
  const edge = await start(cc('max-age=9, stale-if-error=60'));
  await warm(10_000)(edge);
  const { ladder } = await edge.explain('/a');
  const sources = (link: keyof typeof ladder) => ladder[link].map(({ from }) => from);
  expect(sources('online')).toEqual(['cloud', 'stale', 'stale', 'stale']);
  expect(sources('doubtful')).toEqual(['cloud', 'stale', 'stale', 'stale']);
  expect(sources('offline')).toEqual(['stale']);
  expect(sources('held')).toEqual(['stale']);
  expect((await edge.explain('/b')).ladder.held).toMatchObject([{ from: 'error' }]);
});

test('it asks no cloud and changes nothing', async () => {
  const edge = await start(cc('max-age=9'));
  await warm(10_000)(edge);
  const [seen, figures, counters] = [edge.seen.length, edge.cache.figures(), { ...edge.reader.counters }];
  for (const path of ['/a', '/b']) await edge.explain(path);
  expect(edge.seen.length).toBe(seen);
  expect(edge.cache.figures()).toEqual(figures);
  expect(edge.reader.counters).toEqual(counters);
});

test.each(['a', '//a', '/a/../b'])('a path that could be read in two ways is refused: %s', async (path) => {
  const edge = await start(cc(''));
  await expect(edge.explain(path)).rejects.toMatchObject({ code: 'LARDER_BAD_REQUEST' });
});
