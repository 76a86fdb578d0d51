import { describe, expect, test } from 'vitest';
import { accepts, codingOf, decodedTag, wantedCodings, withCloudTags } from './coding.ts';

describe('Accept-Encoding', () => {
  test.each([
    ['gzip', true],
    ['GZIP, deflate', true],
    ['x-gzip', true],
    ['br;q=1.0, gzip;q=0.1', true],
    ['*', true],
    ['*;q=0', false],
    ['gzip;q=0, *', false],
    ['gzip;q=0.000', false],
    ['br', false],
    ['identity', false],
    ['', false],
    [undefined, false],
  ])('%j accepts gzip: %s', (field, isAccepted) => {
    const headers = field === undefined ? {} : { 'accept-encoding': field };
    expect(accepts(headers, 'gzip')).toBe(isAccepted);
    expect(wantedCodings(headers)).toBe(isAccepted ? 'gzip' : 'identity');
  });
});

test.each([
  [undefined, null],
  ['identity', null],
  ['gzip', 'gzip'],
  ['X-GZip', 'gzip'],
  ['br', 'br'],
  ['zstd', 'other'],
  ['gzip, br', 'other'],
])('Content-Encoding %j is read as %j', (value, coding) =>
  expect(codingOf(value === undefined ? {} : { 'content-encoding': value })).toBe(coding),
);

test('the tag of a decoded answer is its own, and the cloud sees the one that it gave', () => {
  expect([decodedTag('"a"'), decodedTag('W/"a"')]).toEqual(['"a.larder-decoded"', 'W/"a.larder-decoded"']);
  const headers = {
    'if-match': `"x", ${decodedTag('"a"')}`,
    'if-none-match': decodedTag('W/"b"'),
    foo: decodedTag('"c"'),
  };
  expect(withCloudTags(headers)).toEqual({ ...headers, 'if-match': '"x", "a"' });
  const plain = { 'if-match': '"a"' };
  expect(withCloudTags(plain)).toBe(plain);
});
