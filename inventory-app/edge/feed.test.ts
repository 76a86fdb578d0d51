import { expect, test } from 'vitest';
import { ZodError } from 'zod';
import profile from './profile.ts';

const changes = profile.changes;
const cause = { user: 'u1', key: 'k1' };
const product = { id: 'p1', name: 'Tea', version: 2 };

test('The feed asks for what follows a cursor, or where it ends', () => {
  expect(changes?.ask(null, 'S001').path).toBe('/api/v1/changes?store=S001&limit=500');
  expect(changes?.ask('MTI.ab+c', 'S001').path).toBe('/api/v1/changes?after=MTI.ab%2Bc&store=S001&limit=500');
  expect(changes?.live?.('c1', 'S001').path).toBe('/api/v1/changes/live?after=c1&store=S001');
});

test('A page of the feed brings what the replica holds, and every marker', () => {
  const page = {
    epoch: 'e1',
    data: [
      { type: 'put', resource: 'products', id: 'p1', version: 2, doc: product, cause, tx: '1' },
      { type: 'put', resource: 'movements', id: 'm1', version: 1, doc: { id: 'm1' }, cause, tx: '1' },
      { type: 'remove', resource: 'customers', id: 'c1', version: 5, doc: null, cause: null, tx: '2' },
      { type: 'marker', cause, tx: '1' },
    ],
    page: { next: 'c2', more: false },
  };
  expect(changes?.read({ status: 200, headers: {}, body: page })).toEqual({
    epoch: 'e1',
    cursor: 'c2',
    more: false,
    changes: [
      { type: 'put', resource: 'products', id: 'p1', version: 2, doc: product, cause, tx: '1' },
      { type: 'remove', resource: 'customers', id: 'c1', version: 5, cause: null, tx: '2' },
      { type: 'marker', cause, tx: '1' },
    ],
  });
});

test('A cursor that the cloud does not know means that it was restored', () => {
  expect(changes?.read({ status: 410, headers: {}, body: { code: 'cursor-unknown' } })).toBe('restored');
});

test('What is no page of the feed is not taken for an empty one', () => {
  expect(() => changes?.read({ status: 200, headers: {}, body: {} })).toThrow(ZodError);
  expect(() => profile.resources.products?.page({ status: 200, headers: {}, body: '<html>' })).toThrow(ZodError);
});

test('All documents of a resource are asked for by id, page by page', () => {
  const { products } = profile.resources;
  expect(products?.list(null, 'S001').path).toBe('/api/v1/snapshots/products?limit=2000');
  expect(products?.list('a=', 'S001').path).toBe('/api/v1/snapshots/products?limit=2000&after=a%3D');
  const body = { data: [product], page: { next: null, total: 1 } };
  expect(products?.page({ status: 200, headers: {}, body })).toEqual({ docs: [product], next: null });
  expect(products?.version(product)).toBe(2);
  expect(products?.search?.(product)).toBe('tea');
});
