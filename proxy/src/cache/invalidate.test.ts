import { LarderError } from '@larder/sync/errors';
import { expect, test } from 'vitest';
import { invalidateAfter, invalidatedBy } from './invalidate.ts';

const CLOUD = new URL('http://cloud.test:4000');
const dropped = (method: string, status: number, headers: Record<string, string> = {}, uri = '/a/b?x=1') =>
  invalidatedBy({ method, uri, host: 'store.test' }, { status, headers }, CLOUD);

test('a success of an unsafe or unknown method drops its target, whatever the query', () => {
  for (const method of ['POST', 'M-SEARCH', 'DO']) {
    expect(dropped(method, 204)).toEqual(['/a/b']);
    expect(dropped(method, 303)).toEqual(['/a/b']);
  }
});

test('a change of a member drops its collection too', () => {
  for (const method of ['PUT', 'PATCH', 'DELETE']) {
    expect(dropped(method, 200, {}, '/a/b/42?x')).toEqual(['/a/b/42', '/a/b', '/a/b/']);
    expect(dropped(method, 200, {}, '/a/b/42/')).toEqual(['/a/b/42/', '/a/b', '/a/b/']);
    expect(dropped(method, 200, {}, '/42')).toEqual(['/42', '/']);
    expect(dropped(method, 200, {}, '/')).toEqual(['/']);
  }
});

test('a failure, or a safe method, drops nothing', () => {
  const none = [dropped('POST', 404), dropped('PUT', 500), dropped('GET', 200), dropped('QUERY', 200)];
  expect(none).toEqual([[], [], [], []]);
});

test.each([
  ['/c?y=2', '/c'],
  ['c', '/a/c'],
  ['http://cloud.test:4000/c', '/c'],
  ['https://store.test/c', '/c'],
])('Location %s on the same origin drops %s too', (location, path) => {
  expect(dropped('POST', 201, { location })).toEqual(['/a/b', path]);
  expect(dropped('POST', 201, { 'content-location': location })).toContain(path);
});

test.each(['http://elsewhere.test/c', '//elsewhere.test/c', 'http://[', 'http://cloud.test:4001/c'])(
  'Location %s drops nothing',
  (location) => expect(dropped('POST', 201, { location })).toEqual(['/a/b']),
);

test('I10: a change succeeds though the disk does not take what it makes out of date, and that is told', async () => {
  const told: unknown[] = [];
  const full = new LarderError('LARDER_PURGE_UNWRITTEN', 'A restart may bring it back.');
  const cache = { invalidate: () => Promise.reject(full) };
  const request = { method: 'POST', uri: '/a', host: undefined };
  const failed = (error: unknown) => void told.push(error);
  await invalidateAfter(cache, request, { status: 201, headers: {} }, { cloud: CLOUD, tagsOf: () => [], failed });
  expect(told).toEqual([full]);
});
