import { expect, test } from 'vitest';
import { parseTarget } from './target.ts';

test.each([
  ['/', '/', ''],
  ['/a/b?c=d&e=%2F', '/a/b', '?c=d&e=%2F'],
  ['/a?', '/a', '?'],
  ['/a//b', '/a//b', ''],
  ['/a?b=/../c', '/a', '?b=/../c'],
  ['/a/...', '/a/...', ''],
  ['/.well-known/jwks.json', '/.well-known/jwks.json', ''],
])('%s is split', (url, path, search) => {
  expect(parseTarget(url)).toEqual({ path, search });
});

test.each([
  ['absolute form', 'http://other/a'],
  ['asterisk form', '*'],
  ['authority form', 'other:80'],
  ['what a URL parser takes for another host', '//other/a'],
  ['a backslash', '/a\\b'],
  ['a fragment', '/a#b'],
  ['a space', '/a b'],
  ['a control character', '/a\u0000'],
  ['bytes beyond ASCII', '/\u00e4'],
  ['a parent segment', '/public/../private'],
  ['a parent segment at the end', '/public/..'],
  ['an encoded parent segment', '/public/%2E%2e/private'],
  ['a half encoded one', '/public/.%2e/private'],
  ['a dot segment', '/./a'],
  ['nothing', ''],
])('%s is refused', (_name, url) => {
  expect(parseTarget(url)).toBeNull();
});
