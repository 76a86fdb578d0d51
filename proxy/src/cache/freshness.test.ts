import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDate } from './dates.ts';
import { parseDirectives } from './directives.ts';
import { birthOf, heuristicLifetime, statedLifetime } from './freshness.ts';

const NOW = Date.UTC(2026, 10, 21, 12);
const date = (ms: number) => new Date(ms).toUTCString();

describe('HTTP dates', () => {
  test.each([
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
    'SUN, 06 NOV 1994 08:49:37 gmt',
  ])('%s is one', (text) => expect(parseDate(text, NOW)).toBe(Date.UTC(1994, 10, 6, 8, 49, 37)));

  test('a two-digit year lies at most 50 years ahead', () => {
    expect(parseDate('Thursday, 18-Aug-50 02:01:18 GMT', NOW)).toBe(Date.UTC(2050, 7, 18, 2, 1, 18));
    expect(parseDate('Thursday, 18-Aug-77 02:01:18 GMT', NOW)).toBe(Date.UTC(1977, 7, 18, 2, 1, 18));
  });

  test.each([
    '',
    '0',
    '-1',
    '2030-01-01T00:00:00Z',
    'Thu, 18 Aug 2050 02:01:18 UTC',
    'Thu, 18 Aug 2050 02:01:18 AEST',
    'Thu, 18 Aug 50 02:01:18 GMT',
    'Thu 18 Aug 2050 02:01:18 GMT',
    'Thu, 18  Aug 2050 02:01:18 GMT',
    'Thu, 18 Aug 2050 2:01:18 GMT',
    'Thu, 18 Aug 2050 24:01:18 GMT',
    'Thu, 31 Feb 2050 02:01:18 GMT',
    'Thu, 18 Foo 2050 02:01:18 GMT',
  ])('%j is none', (text) => expect(parseDate(text, NOW)).toBeNull());

  test('whatever JavaScript prints is read back', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true }), (at) => {
        expect(parseDate(at.toUTCString(), NOW)).toBe(Math.floor(at.getTime() / 1000) * 1000);
      }),
    );
  });
});

describe('freshness lifetime', () => {
  const lifetime = (headers: Record<string, string | string[]>, shared = true) =>
    statedLifetime(parseDirectives(headers['cache-control']), headers, { shared, targeted: false, received: NOW });

  test('s-maxage before max-age before Expires, and s-maxage for shared caches only', () => {
    const headers = { 'cache-control': 'max-age=20, s-maxage=10', expires: date(NOW + 30_000), date: date(NOW) };
    expect(lifetime(headers)).toBe(10_000);
    expect(lifetime(headers, false)).toBe(20_000);
    expect(lifetime({ ...headers, 'cache-control': '' })).toBe(30_000);
  });

  test('Expires counts from Date, or from now where there is none; what is no date is the past', () => {
    expect(lifetime({ expires: date(NOW), date: date(NOW - 9000) })).toBe(9000);
    expect(lifetime({ expires: date(NOW + 9000), date: 'yesterday' })).toBe(9000);
    expect(lifetime({ expires: '0' })).toBe(0);
    expect(lifetime({ expires: date(NOW - 9000) })).toBe(0);
    expect(lifetime({})).toBeNull();
  });

  test('the guess is a tenth of the age of the last change, an hour at the most', () => {
    expect(heuristicLifetime({ 'last-modified': date(NOW - 600_000), date: date(NOW) }, NOW)).toBe(60_000);
    expect(heuristicLifetime({ 'last-modified': date(0), date: date(NOW) }, NOW)).toBe(3_600_000);
    expect(heuristicLifetime({ 'last-modified': date(NOW + 600_000) }, NOW)).toBe(0);
    expect(heuristicLifetime({ date: date(NOW) }, NOW)).toBe(0);
  });
});

describe('age (RFC 9111 §4.2.3)', () => {
  const age = (headers: Record<string, string | string[]>, delay = 0) =>
    (NOW - birthOf(headers, { requested: NOW - delay, received: NOW })) / 1000;

  test.each([
    [{ age: '7' }, 7],
    [{ age: '7, 0' }, 7],
    [{ age: '0, 7' }, 0],
    [{ age: ['7', '0'] }, 7],
    [{ age: 'abc' }, 0],
    [{ age: '-7' }, 0],
    [{ age: '7.0' }, 0],
    [{ age: '7;a=1' }, 0],
    [{ age: '99999999999999' }, 2 ** 31],
    [{ date: date(NOW - 7000) }, 7],
    [{ date: date(NOW - 7000), age: '9' }, 9],
    [{ date: date(NOW + 7000) }, 0],
  ])('%j is %d s old', (headers, expected) => expect(age(headers)).toBe(expected));

  test('the time it took to arrive adds to the age it said', () => {
    expect(age({ age: '7' }, 2000)).toBe(9);
  });
});
