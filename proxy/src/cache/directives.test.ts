import { describe, expect, test } from 'vitest';
import { fieldNames, parseDirectives, responseDirectives, seconds } from './directives.ts';

const maxAge = (value: string | string[]) => seconds(parseDirectives(value), 'max-age');

describe('Cache-Control', () => {
  test.each([
    ['max-age=60', 60],
    ['MAX-AGE=60', 60],
    ['max-age="60"', 60],
    ['max-age=0060', 60],
    ['  max-age=60 , foo', 60],
    [',,max-age=60', 60],
    ['foo="max-age=1, no-store", max-age=60', 60],
    ['foo="\\", max-age=1", max-age=60', 60],
    ['max-age=99999999999999999999', 2 ** 31],
    [['foo', 'max-age=60'], 60],
    ['max-age=60, max-age=1', 60],
  ])('%j allows what it says', (value, expected) => expect(maxAge(value)).toBe(expected));

  test.each([
    'max-age',
    'max-age=',
    "max-age='60'",
    'max-age=60.5',
    'max-age=-1',
    'max-age= 60',
    'max-age =60',
    'max-age=a60',
    'max-age=60, max-age',
    'max-age=60 s',
  ])('%j, which is not well formed, allows nothing', (value) => expect(maxAge(value)).toBe(0));

  test.each([
    'no-store',
    'No-Store',
    'no-store=',
    'no-store =1',
    'max-age=60,no-store',
    'x="unclosed, no-store',
    'no-store="',
  ])('%j forbids, however badly written', (value) => expect(parseDirectives(value).has('no-store')).toBe(true));

  test('a quoted no-store is none', () => {
    expect(parseDirectives('ext="no-store"').has('no-store')).toBe(false);
  });

  test('qualified forms name fields; unqualified ones win', () => {
    expect(fieldNames(parseDirectives('no-cache="A, b", no-cache="c"'), 'no-cache')).toEqual(['a', 'b', 'c']);
    expect(fieldNames(parseDirectives('no-cache="a", no-cache'), 'no-cache')).toBeNull();
    expect(fieldNames(parseDirectives('private=""'), 'private')).toBeNull();
    expect(fieldNames(parseDirectives('max-age=1'), 'private')).toEqual([]);
  });
});

describe('targeted fields (RFC 9213)', () => {
  const effective = (headers: Record<string, string>) => {
    const { directives, targeted } = responseDirectives(headers);
    return { targeted, maxAge: seconds(directives, 'max-age'), noStore: directives.has('no-store') };
  };

  test('the nearest one replaces Cache-Control', () => {
    const headers = {
      'cache-control': 'no-store',
      'cdn-cache-control': 'max-age=1',
      'larder-cache-control': 'max-age=9',
    };
    expect(effective(headers)).toEqual({ targeted: true, maxAge: 9, noStore: false });
  });

  test.each(['', 'max-age=1, &&&', 'Max-Age=9', 'max-age=1,', 'max-age = 1'])('%j is ignored as a whole', (value) => {
    expect(effective({ 'cache-control': 'max-age=5', 'larder-cache-control': value })).toMatchObject({
      targeted: false,
      maxAge: 5,
    });
  });

  test('a member of the wrong type is ignored alone', () => {
    expect(effective({ 'larder-cache-control': 'max-age="9", no-store;x=1, a=(1 2), b=1.5, c=tok' })).toEqual({
      targeted: true,
      maxAge: null,
      noStore: true,
    });
  });
});
