import { expect, test } from 'vitest';
import { cacheTagsOf } from './tags.ts';

test.each([
  ['none', {}, []],
  ['Cache-Tag, by commas', { 'cache-tag': 'red, blue,,red , Red' }, ['red', 'blue', 'Red']],
  ['Cache-Tag, on several lines', { 'cache-tag': ['red', 'blue,green'] }, ['red', 'blue', 'green']],
  ['Surrogate-Key, by spaces', { 'surrogate-key': ' red  blue red' }, ['red', 'blue']],
  ['both', { 'cache-tag': 'red', 'surrogate-key': 'blue red' }, ['red', 'blue']],
])('%s', (_name, headers, tags) => expect(cacheTagsOf(headers)).toEqual(tags));

test('I11: more or longer ones than are kept are refused as a whole: a purge by one of them would miss', () => {
  const many = (count: number) => Array.from({ length: count }, (_one, i) => `t${i}`).join(' ');
  expect(cacheTagsOf({ 'surrogate-key': many(128) })).toHaveLength(128);
  expect(cacheTagsOf({ 'surrogate-key': many(129) })).toBeNull();
  expect(cacheTagsOf({ 'cache-tag': 'x'.repeat(256) })).toHaveLength(1);
  expect(cacheTagsOf({ 'cache-tag': 'x'.repeat(257) })).toBeNull();
});
