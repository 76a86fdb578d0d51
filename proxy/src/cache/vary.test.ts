import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CacheRequest } from './response.ts';
import { matches, parseVary, select, selectionOf } from './vary.ts';

const request = (headers: Record<string, string>, scope = ''): CacheRequest => ({
  method: 'GET',
  uri: '/',
  headers,
  scope,
});
const stored = (names: string[], headers: Record<string, string>, scope = '', shared = false) => ({
  scope,
  shared,
  vary: names,
  selection: selectionOf(names, headers),
});

describe('Vary', () => {
  test.each([
    [undefined, []],
    ['', []],
    ['Foo', ['foo']],
    ['Foo, , bar ,foo', ['bar', 'foo']],
    [
      ['Foo', 'Bar'],
      ['bar', 'foo'],
    ],
  ])('%j names %j', (value, names) => expect(parseVary(value === undefined ? {} : { vary: value })).toEqual(names));

  test.each([['*'], ['*, *'], [', *'], ['Foo, *'], [['', '*']]])('%j matches nothing', (value) => {
    expect(parseVary({ vary: value })).toBeNull();
  });

  test.each([
    ['accept-encoding', 'gzip, br', 'br,gzip', true],
    ['accept-language', 'en, de', ' dE ,EN', true],
    ['accept-language', 'en;q=1, de;q=0.5', 'en;q=0.5, de;q=1', false],
    ['foo', '1,2', ' 1, 2 ', true],
    ['foo', '1,2', '2,1', false],
    ['foo', '"a, b"', '"a,b"', false],
    ['foo', 'A', 'a', false],
  ])('%s: %j and %j are the same: %s', (name, one, other, same) => {
    expect(matches(stored([name], { [name]: one }), request({ [name]: other }))).toBe(same);
  });

  test('absent matches only absent', () => {
    expect(matches(stored(['foo'], {}), request({}))).toBe(true);
    expect(matches(stored(['foo'], {}), request({ foo: '' }))).toBe(false);
    expect(matches(stored(['foo'], { foo: '1' }), request({}))).toBe(false);
  });

  test('a credential that an answer varied by is kept as a hash', () => {
    expect(selectionOf(['cookie'], { cookie: 'session=secret' })).not.toContain('secret');
  });

  test('variants are never mixed: what is selected was stored for the same values', () => {
    const headers = fc.record(
      { a: fc.constantFrom('1', '2', '1,2'), b: fc.constantFrom('x', 'y') },
      { requiredKeys: [] },
    );
    const names = fc.subarray(['a', 'b']);
    fc.assert(
      fc.property(fc.array(fc.tuple(names, headers)), headers, (kept, wanted) => {
        const candidates = kept.map(([vary, values]) => ({ ...stored(vary, values), vary, values }));
        const found = select(candidates, request(wanted));
        const possible = candidates.filter(({ vary, values }) =>
          vary.every((name) => values[name as 'a'] === wanted[name as 'a']),
        );
        expect(found ?? undefined).toBe(possible.at(-1));
      }),
    );
  });

  test('I8: scopes are never mixed, save for what the origin shares', () => {
    const scope = fc.constantFrom('', 'anna', 'ben', 'annaben');
    fc.assert(
      fc.property(fc.array(fc.tuple(scope, fc.boolean())), scope, (kept, wanted) => {
        const candidates = kept.map(([of, shared]) => stored([], {}, of, shared && of === ''));
        const found = select(candidates, request({}, wanted));
        const allowed = candidates.filter((one) => one.scope === wanted || one.shared);
        expect(found === null ? allowed.length === 0 : allowed.includes(found)).toBe(true);
      }),
    );
  });
});
