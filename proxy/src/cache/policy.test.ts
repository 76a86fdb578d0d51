import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CacheRule } from '@larder/sync/profile';
import type { HeaderFields } from '../cloud.ts';
import { decide, freshen, mayServeStale, store } from './policy.ts';
import type { Fetched } from './policy.ts';
import type { CacheRequest, Metadata } from './response.ts';

const NOW = Date.UTC(2026, 10, 21, 12);
const SECOND = 1000;
const date = (ms: number) => new Date(ms).toUTCString();

interface Case {
  headers?: Record<string, string>;
  scope?: string;
  status?: number;
  rule?: CacheRule;
}

const requestOf = ({ headers = {}, scope = '' }: Case): CacheRequest => ({ method: 'GET', uri: '/a', headers, scope });

function fetched(response: HeaderFields, options: Case = {}): Fetched {
  return {
    request: requestOf(options),
    response: { status: options.status ?? 200, headers: response },
    rule: options.rule ?? null,
    times: { requested: NOW, received: NOW },
    tags: [],
    sequence: 0,
  };
}
const kept = (response: HeaderFields, options: Case = {}) => store(fetched(response, options));
const must = (metadata: Metadata | null): Metadata => {
  if (metadata === null) throw new Error('not stored');
  return metadata;
};
const cc = (value: string): HeaderFields => ({ 'cache-control': value });

describe('what is stored', () => {
  test.each<[string, HeaderFields, Case]>([
    ['no-store', cc('no-store, max-age=60'), {}],
    ['private, for everybody', cc('private, max-age=60'), {}],
    ['Vary: *', { ...cc('max-age=60'), vary: '*' }, {}],
    ['a part', cc('max-age=60'), { status: 206 }],
    ['an error without a word on caching', {}, { status: 500 }],
    ['a status it does not know, under must-understand', cc('max-age=60, must-understand'), { status: 299 }],
    ['what the request wants kept by nobody', cc('max-age=60'), { headers: { 'cache-control': 'no-store' } }],
    ['a credential without a scope', cc('max-age=60'), { headers: { authorization: 'Bearer x' } }],
    ['what may never be used again', cc('no-cache'), {}],
    ['a stream of events', { ...cc('max-age=60'), 'content-type': 'text/event-stream' }, {}],
    ['a cookie nobody said may be taken off', { 'set-cookie': 'a=b', 'last-modified': date(0) }, {}],
  ])('not %s', (_what, response, options) => expect(kept(response, options)).toBeNull());

  test.each<[string, HeaderFields, Case]>([
    ['what has a lifetime', cc('max-age=60'), { status: 299 }],
    ['no-store under must-understand, where the status is understood', cc('no-store, must-understand, max-age=60'), {}],
    ['what can be validated', { etag: '"a"', 'cache-control': 'no-cache' }, {}],
    ['what says nothing, for when the cloud is away', {}, {}],
    ['private, within its scope', cc('private, max-age=60'), { scope: 'anna' }],
    ['anything the operator rules', cc('no-store, private'), { scope: 'anna', rule: { ttl: 5 } }],
  ])('%s', (_what, response, options) => expect(kept(response, options)).not.toBeNull());

  test('Set-Cookie, and what no-cache and private name, stay out of it', () => {
    const response = {
      'cache-control': 'max-age=60, no-cache="a", private="b"',
      'set-cookie': 'x=y',
      a: '1',
      b: '2',
      c: '3',
    };
    expect(Object.keys(must(kept(response)).headers).sort()).toEqual(['c', 'cache-control', 'date']);
    expect(must(kept(response, { scope: 'anna' })).headers['b']).toBe('2');
  });
});

describe('for whose eyes (I8)', () => {
  const whose = (value: string, options: Case = { scope: 'anna' }) => must(kept(cc(value), options));

  test('an answer to a credential is its scope’s own', () => {
    expect(whose('max-age=60')).toMatchObject({ scope: 'anna', shared: false });
  });
  test.each(['public, max-age=60', 's-maxage=60', 'max-age=60, must-revalidate'])('%s shares it', (value) => {
    expect(whose(value)).toMatchObject({ scope: '', shared: true });
  });
  test('the field that is meant for Larder alone shares it', () => {
    expect(must(kept({ 'larder-cache-control': 'max-age=60' }, { scope: 'anna' }))).toMatchObject({
      scope: '',
      shared: true,
    });
  });
  test('one for any CDN does not', () => {
    expect(must(kept({ 'cdn-cache-control': 'max-age=60' }, { scope: 'anna' }))).toMatchObject({ scope: 'anna' });
  });
  test('private goes before all that shares', () => {
    expect(whose('private, public, s-maxage=60, max-age=60')).toMatchObject({ scope: 'anna', shared: false });
  });
  test('a ruled, a guessed or a stale answer to nobody in particular is not for those who signed in', () => {
    expect(must(kept({}, { rule: { ttl: 60 } }))).toMatchObject({ scope: '', shared: false });
    expect(must(kept({ 'last-modified': date(0) }))).toMatchObject({ scope: '', shared: false });
    expect(must(kept(cc('max-age=0')))).toMatchObject({ scope: '', shared: false });
    expect(must(kept(cc('max-age=60')))).toMatchObject({ scope: '', shared: true });
  });
});

describe('what is decided', () => {
  const at = (response: HeaderFields, seconds: number, options: Case = {}, link: 'online' | 'offline' = 'online') =>
    decide(requestOf(options), must(kept(response)), NOW + seconds * SECOND, link).type;

  test.each<[string, HeaderFields, number, string]>([
    ['fresh', cc('max-age=60'), 59, 'fresh'],
    ['stale', cc('max-age=60'), 60, 'revalidate'],
    ['old when it came', { ...cc('max-age=60'), age: '50' }, 10, 'revalidate'],
    ['within stale-while-revalidate', cc('max-age=60, stale-while-revalidate=9'), 68, 'stale-while-revalidate'],
    ['past it', cc('max-age=60, stale-while-revalidate=9'), 69, 'revalidate'],
    ['must-revalidate', cc('max-age=60, must-revalidate, stale-while-revalidate=9'), 60, 'revalidate'],
    ['s-maxage', cc('s-maxage=60, stale-while-revalidate=9'), 60, 'revalidate'],
    ['no-cache', { ...cc('no-cache, max-age=60'), etag: '"a"' }, 0, 'revalidate'],
  ])('%s', (_what, response, seconds, expected) => expect(at(response, seconds)).toBe(expected));

  test.each<[string, string, number, string]>([
    ['no-cache', 'max-age=60', 1, 'revalidate'],
    ['max-age=0', 'max-age=60', 0, 'revalidate'],
    ['max-age=5', 'max-age=60', 4, 'fresh'],
    ['max-age=5', 'max-age=60', 5, 'revalidate'],
    ['min-fresh=50', 'max-age=60', 11, 'revalidate'],
    ['max-stale=5', 'max-age=60', 64, 'stale-while-revalidate'],
    ['max-stale=5', 'max-age=60', 65, 'revalidate'],
    ['max-stale=5', 'max-age=60, must-revalidate', 61, 'revalidate'],
    ['nothing-to-see-here', 'max-age=60', 1, 'fresh'],
  ])('a request that says %s, of %s after %d s: %s', (asked, said, seconds, expected) => {
    expect(at(cc(said), seconds, { headers: { 'cache-control': asked } })).toBe(expected);
  });

  test('Pragma counts only without Cache-Control', () => {
    expect(at(cc('max-age=60'), 1, { headers: { pragma: 'no-cache' } })).toBe('revalidate');
    expect(at(cc('max-age=60'), 1, { headers: { pragma: 'no-cache', 'cache-control': 'x' } })).toBe('fresh');
  });

  test('cut off, what nothing forbids helps out; what must be validated does not', () => {
    expect(at(cc('max-age=60'), 61, {}, 'offline')).toBe('stale-if-offline');
    expect(at({}, 61, {}, 'offline')).toBe('stale-if-offline');
    expect(at(cc('max-age=60, must-revalidate'), 61, {}, 'offline')).toBe('revalidate');
    expect(at(cc('max-age=60'), 8 * 86_400, {}, 'offline')).toBe('revalidate');
  });

  test('stale-if-error covers failures; without it only a cloud out of reach is an excuse', () => {
    const plain = must(kept(cc('max-age=60')));
    const kind = must(kept(cc('max-age=60, stale-if-error=60')));
    const later = NOW + 90 * SECOND;
    expect([mayServeStale(plain, later, 'failed'), mayServeStale(plain, later, 'unreachable')]).toEqual([false, true]);
    expect([mayServeStale(kind, later, 'failed'), mayServeStale(kind, later, 'slow')]).toEqual([true, true]);
    expect(mayServeStale(kind, NOW + 121 * SECOND, 'failed')).toBe(false);
  });

  test("the operator's rule goes before the origin's word", () => {
    const rule = { ttl: 10, staleWhileRevalidate: 10, staleIfError: 30 };
    const ruled = must(kept(cc('no-cache, no-store, max-age=0, must-revalidate'), { rule }));
    const type = (seconds: number) => decide(requestOf({}), ruled, NOW + seconds * SECOND, 'online').type;
    expect([type(9), type(19), type(20)]).toEqual(['fresh', 'stale-while-revalidate', 'revalidate']);
    expect(mayServeStale(ruled, NOW + 39 * SECOND, 'failed')).toBe(true);
  });
});

describe('a 304', () => {
  test('renews lifetime and headers, but not those of the body', () => {
    const old = must(
      kept({ ...cc('max-age=1'), etag: '"a"', 'content-encoding': 'gzip', x: '1', y: '1', date: date(NOW - 9000) }),
    );
    const fresh = must(
      freshen(old, fetched({ ...cc('max-age=60'), etag: 'W/"a"', 'content-encoding': 'br', x: '2' }, { status: 304 })),
    );
    expect(fresh).toMatchObject({ status: 200, etag: '"a"', birth: NOW, freshUntil: NOW + 60 * SECOND });
    expect(fresh.headers).toMatchObject({ 'content-encoding': 'gzip', x: '2', y: '1', date: date(NOW) });
  });

  test('may also say that it is to be kept no longer', () => {
    const old = must(kept({ ...cc('max-age=1'), etag: '"a"' }));
    expect(freshen(old, fetched(cc('no-store'), { status: 304 }))).toBeNull();
  });
});

describe('laws', () => {
  const small = fc.nat({ max: 100 });
  const directive = fc.oneof(
    fc.constantFrom(
      'no-cache',
      'no-store',
      'private',
      'public',
      'must-revalidate',
      'proxy-revalidate',
      'no-cache="x"',
      'immutable',
      'MAX-AGE=5',
      'max-age=x',
    ),
    small.map((n) => `max-age=${n}`),
    small.map((n) => `s-maxage=${n}`),
    small.map((n) => `stale-while-revalidate=${n}`),
    small.map((n) => `stale-if-error=${n}`),
  );
  const response = fc
    .record({
      control: fc.array(directive, { maxLength: 5 }),
      age: fc.option(small),
      expires: fc.option(fc.integer({ min: -100, max: 100 })),
      status: fc.constantFrom(200, 404, 500, 299),
      scope: fc.constantFrom('', 'anna'),
    })
    .map(({ control, age, expires, status, scope }) => ({
      control: control.join(', ').toLowerCase(),
      status,
      scope,
      headers: {
        'cache-control': control.join(', '),
        etag: '"a"',
        date: date(NOW),
        ...(age === null ? {} : { age: String(age) }),
        ...(expires === null ? {} : { expires: date(NOW + expires * SECOND) }),
      },
    }));

  test('nothing is fresh past every lifetime its origin gave it, nor under no-cache', () => {
    fc.assert(
      fc.property(response, small, ({ control, headers, status, scope }, seconds) => {
        const metadata = kept(headers, { status, scope });
        const decision = metadata && decide(requestOf({ scope }), metadata, NOW + seconds * SECOND, 'online');
        if (decision?.type !== 'fresh') return;
        const given = [...control.matchAll(/(?:max-age|s-maxage)=(\d+)/g)].map(([, n]) => Number(n));
        const expires = 'expires' in headers ? (Date.parse(headers.expires) - NOW) / SECOND : 0;
        const age = seconds + Number('age' in headers ? headers.age : 0);
        expect(age).toBeLessThan(Math.max(expires, ...given));
        expect(control).not.toMatch(/no-store|no-cache(?!=)/);
      }),
      { numRuns: 2000 },
    );
  });

  test('nothing is served stale where must-revalidate forbids it, whatever happens', () => {
    fc.assert(
      fc.property(response, small, ({ control, headers, status, scope }, seconds) => {
        const metadata = kept(headers, { status, scope });
        const now = NOW + seconds * SECOND;
        if (metadata === null || now < metadata.freshUntil || !/must-revalidate|no-cache(?!=)/.test(control)) return;
        const links = ['online', 'doubtful', 'offline'] as const;
        const needs = ['slow', 'failed', 'unreachable'] as const;
        const types = links.map((link) => decide(requestOf({ scope }), metadata, now, link).type);
        expect(types).toEqual(['revalidate', 'revalidate', 'revalidate']);
        expect(needs.filter((need) => mayServeStale(metadata, now, need))).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  test('I8: what is private never leaves its scope', () => {
    fc.assert(
      fc.property(response, fc.constantFrom('', 'anna', 'ben'), ({ control, headers, status, scope }, other) => {
        const metadata = kept(headers, { status, scope });
        if (metadata === null || other === scope) return;
        const isShared = /public|s-maxage|must-revalidate/.test(control) && !/private/.test(control);
        const isForAll =
          scope === '' && !/private/.test(control) && /max-age|expires/.test(control + Object.keys(headers).join());
        const isRefused = decide(requestOf({ scope: other }), metadata, NOW, 'online').type === 'miss';
        expect(isShared || isForAll || isRefused).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
