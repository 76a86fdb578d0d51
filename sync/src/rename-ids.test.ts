import { expect, test } from 'vitest';
import { renameIds } from './rename-ids.ts';

const ids = new Map([['p1', 'p 2']]);

test('an id is replaced where it stands whole: in path, query and the strings of a body', () => {
  const body = JSON.stringify({ lines: [{ productId: 'p1', qty: 1 }], level: 'S001:p1', p1: null });
  expect(renameIds(ids, { path: '/products/p1', search: '?ids=p0,p1', body })).toEqual({
    path: '/products/p%202',
    search: '?ids=p0,p%202',
    body: JSON.stringify({ lines: [{ productId: 'p 2', qty: 1 }], level: 'S001:p 2', p1: null }),
  });
});

test('what only looks like it stays, byte for byte', () => {
  const body = '{ "note": "p1 is out", "sku": "xp1", "qty": 1 }';
  expect(renameIds(ids, { path: '/products/p10', search: '', body })).toBeNull();
  expect(renameIds(new Map([['7', '8']]), { path: '/x', search: '', body: '{"qty":7}' })).toBeNull();
  expect(renameIds(ids, { path: '/products/p1', search: '', body })?.body).toBe(body);
});
