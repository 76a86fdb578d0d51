import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Json } from '@larder/sync/profile';
import { canonical, etagOf, listEtag, matchHolds, noneMatchHits } from './etag.ts';

/** The same value with the fields of every object in another order. */
function turned(value: Json): Json {
  if (Array.isArray(value)) return value.map(turned);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, turned(member)]),
  );
}

const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as Json);

test('Canonical JSON does not depend on the order of fields', () => {
  fc.assert(
    fc.property(json, (value) => {
      expect(canonical(turned(value))).toBe(canonical(value));
    }),
  );
});

test('Canonical JSON has the keys in order that objects keep in an order or a sense of their own', () => {
  const value = JSON.parse('{"b":{"x":[{"__proto__":1,"B":2}]},"9":1,"10":2,"a":null}') as Json;
  expect(canonical(value)).toBe('{"10":2,"9":1,"a":null,"b":{"x":[{"B":2,"__proto__":1}]}}');
  expect(canonical({ b: 1, a: [{ d: 'é"', c: false }] })).toBe('{"a":[{"c":false,"d":"é\\""}],"b":1}');
});

test('Canonical JSON is JSON of the same value', () => {
  fc.assert(
    fc.property(json, (value) => {
      expect(JSON.parse(canonical(value))).toEqual(value);
    }),
  );
});

test('Different values have different canonical JSON', () => {
  fc.assert(
    fc.property(json, json, (a, b) => {
      expect(canonical(a) === canonical(b)).toBe(isDeepStrictEqual(a, b));
    }),
  );
});

test('Tags say the version and hash the content', () => {
  expect(etagOf({ id: 'p1', version: 7, name: 'Tea' })).toMatch(/^"v7-[0-9a-f]{16}"$/);
  expect(etagOf({ name: 'Tea', version: 7, id: 'p1' })).toBe(etagOf({ id: 'p1', version: 7, name: 'Tea' }));
  expect(etagOf({ id: 'p1', version: 7, name: 'Coffee' })).not.toBe(etagOf({ id: 'p1', version: 7, name: 'Tea' }));
  expect(listEtag({ data: [] })).toMatch(/^"l-[0-9a-f]{16}"$/);
});

test('If-None-Match compares weakly, If-Match strongly', () => {
  const etag = '"v1-0123456789abcdef"';
  expect(noneMatchHits(`"x", W/${etag}`, etag)).toBe(true);
  expect(noneMatchHits('*', etag)).toBe(true);
  expect(noneMatchHits('"x"', etag)).toBe(false);
  expect(noneMatchHits(undefined, etag)).toBe(false);
  expect(matchHolds(`"x", ${etag}`, etag)).toBe(true);
  expect(matchHolds(`W/${etag}`, etag)).toBe(false);
  expect(matchHolds('*', etag)).toBe(true);
  expect(matchHolds(undefined, etag)).toBe(true);
});
