import { expect, test } from 'vitest';
import { invalidatedBy } from './invalidate.ts';

const CLOUD = new URL('http://cloud.test:4000');
const uris = (method: string, status: number, headers: Record<string, string> = {}) =>
  invalidatedBy({ method, uri: '/a/b?x=1', host: 'store.test' }, { status, headers }, CLOUD);

test('a success of an unsafe or unknown method drops its target', () => {
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'M-SEARCH']) {
    expect(uris(method, 204)).toEqual(['/a/b?x=1']);
    expect(uris(method, 303)).toEqual(['/a/b?x=1']);
  }
});

test('a failure, or a safe method, drops nothing', () => {
  expect([uris('POST', 404), uris('POST', 500), uris('GET', 200), uris('QUERY', 200)]).toEqual([[], [], [], []]);
});

test.each([
  ['/c?y=2', '/c?y=2'],
  ['c', '/a/c'],
  ['http://cloud.test:4000/c', '/c'],
  ['https://store.test/c', '/c'],
])('Location %s on the same origin drops %s too', (location, dropped) => {
  expect(uris('POST', 201, { location })).toEqual(['/a/b?x=1', dropped]);
  expect(uris('POST', 201, { 'content-location': location })).toContain(dropped);
});

test.each(['http://elsewhere.test/c', '//elsewhere.test/c', 'http://[', 'http://cloud.test:4001/c'])(
  'Location %s drops nothing',
  (location) => expect(uris('POST', 201, { location })).toEqual(['/a/b?x=1']),
);
