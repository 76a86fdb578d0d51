import { describe, expect, test } from 'vitest';
import { Customer, Product, Sale } from '../rules/documents.ts';
import { etagOf } from '../rules/etag.ts';
import { admin, clerk, manager, NOW, replica, request, stranger, take } from './fixture.test-util.ts';
import profile from './profile.ts';

const SALES = 'POST /api/v1/sales';
const PRODUCT = 'PATCH /api/v1/products/:id';
const line = { productId: 'p1', qty: 2, unitPrice: 250 };
const sale = (more: object = {}) =>
  request('POST', '/api/v1/sales', { body: { storeId: 'S001', lines: [line], ...more } });
const patch = (body: object, headers = {}) =>
  request('PATCH', '/api/v1/products/p1', { body: { ...body }, headers, params: { id: 'p1' } });

describe('A sale', () => {
  test('is shown at once, moves stock, and is sent with id, time and day fixed', () => {
    const db = replica();
    const { res, body } = take(db, clerk, SALES, sale());
    expect(res.status).toBe(201);
    expect(body).toMatchObject({ occurredAt: NOW, businessDate: '2026-07-02' });
    const shown = db.list('sales', {});
    expect(shown).toEqual([res.body]);
    expect(Sale.parse(shown[0])).toMatchObject({ total: 500, userId: 'u-clerk', version: 1 });
    expect(shown[0]).not.toHaveProperty('recordedAt');
    expect(res.headers).toMatchObject({ location: `/api/v1/sales/${shown[0]?.id}`, etag: etagOf(shown[0] ?? {}) });
    expect(db.get('stock-levels', 'S001:p1')).toMatchObject({ qty: 8, version: 5 });
  });

  test('that states everything is sent byte for byte', () => {
    const stated = sale({ id: 's1', occurredAt: NOW, businessDate: '2026-07-02' });
    expect(JSON.stringify(take(replica(), clerk, SALES, stated).body)).toBe(JSON.stringify(stated.body));
  });

  test('of one product on two lines moves its level once', () => {
    const db = replica();
    take(db, clerk, SALES, sale({ lines: [line, line] }));
    expect(db.get('stock-levels', 'S001:p1')).toMatchObject({ qty: 6, version: 5 });
  });

  test('of something the store never had goes below nothing', () => {
    const db = replica();
    take(db, clerk, SALES, sale({ lines: [{ productId: 'p2', qty: 3, unitPrice: 1 }] }));
    expect(db.get('stock-levels', 'S001:p2')).toMatchObject({ storeId: 'S001', productId: 'p2', qty: -3, version: 1 });
  });

  test('looks at what it names and not at stock: sales of one product wait only for who creates it (I3)', () => {
    const db = replica();
    take(db, clerk, SALES, sale({ id: 's1', customerId: 'k1' }));
    expect([...db.looked].sort()).toEqual(['customers/k1', 'products/p1', 'sales/s1']);
  });

  test('offered again is taken and moves nothing more; another one under its id is not', () => {
    const db = replica();
    const stated = { id: 's1', occurredAt: NOW };
    take(db, clerk, SALES, sale(stated));
    expect(take(db, clerk, SALES, sale(stated)).res.status).toBe(201);
    expect(db.get('stock-levels', 'S001:p1')).toMatchObject({ qty: 8 });
    expect(take(db, clerk, SALES, sale({ ...stated, till: '2' })).res).toMatchObject({
      status: 409,
      body: { code: 'exists' },
    });
  });

  test.each([
    [clerk, { storeId: 'S002' }, 403, 'other-store'],
    [stranger, { storeId: 'S002' }, 403, 'other-store'],
    [clerk, { lines: [] }, 400, 'invalid-body'],
    [admin, { storeId: 'S002' }, 403, 'other-store'],
  ])('by $username with %o is refused with %i %s', (who, more, status, code) => {
    const db = replica();
    expect(take(db, who, SALES, sale(more)).res).toMatchObject({ status, body: { code } });
    expect(db.list('sales', {})).toEqual([]);
  });
});

test('Returns, receipts and adjustments move stock their way', () => {
  const db = replica();
  const post = (kind: string, body: object) =>
    take(db, clerk, `POST /api/v1/${kind}`, request('POST', `/api/v1/${kind}`, { body: { storeId: 'S001', ...body } }));
  expect(post('returns', { lines: [line] }).res.status).toBe(201);
  expect(post('receipts', { lines: [{ productId: 'p1', qty: 5, unitCost: 100 }] }).res.status).toBe(201);
  expect(post('adjustments', { reason: 'damaged', lines: [{ productId: 'p1', qty: -4 }] }).res.status).toBe(201);
  expect(db.get('stock-levels', 'S001:p1')).toMatchObject({ qty: 13 });
});

describe('An edit', () => {
  test('is shown, and carries the values its author saw', () => {
    const db = replica();
    const { res, body } = take(db, manager, PRODUCT, patch({ price: 260, name: 'Strong tea', saw: { price: 250 } }));
    expect(body).toEqual({ price: 260, name: 'Strong tea', saw: { price: 250, name: 'Breakfast tea' } });
    expect(res).toMatchObject({ status: 200, body: { price: 260, name: 'Strong tea', version: 4, updatedAt: NOW } });
    expect(Product.parse(db.get('products', 'p1'))).toEqual(res.body);
  });

  test('applied again to what contains it changes nothing', () => {
    const db = replica();
    const { body, entry } = take(db, manager, PRODUCT, patch({ price: 260 }));
    const before = db.get('products', 'p1');
    profile.writes[PRODUCT]?.apply(db, { ...patch({}), body }, entry);
    expect(db.get('products', 'p1')).toEqual(before);
  });

  test('of a field that someone else changed meanwhile is a conflict', () => {
    const { res } = take(replica(), manager, PRODUCT, patch({ price: 260, saw: { price: 240 } }));
    expect(res).toMatchObject({
      status: 409,
      body: { code: 'conflict', conflicts: [{ field: 'price', current: 250 }] },
    });
  });

  test.each([
    [clerk, { price: 260 }, {}, 403, 'forbidden'],
    [manager, { price: -1 }, {}, 400, 'invalid-body'],
    [manager, { price: 260 }, { 'if-match': '"v2-0000000000000000"' }, 412, 'precondition-failed'],
    [manager, { sku: 'SKU-p2' }, {}, 409, 'duplicate'],
  ])('by $username of %o with %o is refused with %i %s', (who, body, headers, status, code) => {
    expect(take(replica(), who, PRODUCT, patch(body, headers)).res).toMatchObject({ status, body: { code } });
  });

  test('with the tag of what is there is taken', () => {
    const db = replica();
    const tag = etagOf(db.get('products', 'p1') ?? {});
    expect(take(db, manager, PRODUCT, patch({ price: 260 }, { 'if-match': tag })).res.status).toBe(200);
  });

  test('that gives a customer to another store is not for this box', () => {
    const give = request('PATCH', '/api/v1/customers/k1', { body: { storeId: 'S002' }, params: { id: 'k1' } });
    const route = 'PATCH /api/v1/customers/:id';
    for (const who of [manager, admin])
      expect(take(replica(), who, route, give).res).toMatchObject({ status: 403, body: { code: 'other-store' } });
  });
});

describe('A creation', () => {
  const create = (body: object) => request('POST', '/api/v1/products', { body: { ...body } });
  const milk = { sku: 'MILK', name: 'Milk', price: 120, categoryId: 'c1' };

  test('gets its id here, once for all, and waits for who creates what it names', () => {
    const db = replica();
    const { res, body } = take(db, manager, 'POST /api/v1/products', create(milk));
    expect(body).toMatchObject({ ...milk, id: expect.stringMatching(/^new-/) });
    expect([...db.looked]).toContain('categories/c1');
    expect(res).toMatchObject({ status: 201, body: { version: 1, createdAt: NOW } });
    expect(Product.parse(res.body)).toEqual(res.body);
    const customer = request('POST', '/api/v1/customers', { body: { code: 'C9', name: 'New', storeId: 'S001' } });
    expect(Customer.parse(take(db, clerk, 'POST /api/v1/customers', customer).res.body)).toMatchObject({ code: 'C9' });
    const category = request('POST', '/api/v1/categories', { body: { name: 'Tea', parentId: 'c1' } });
    expect(take(db, manager, 'POST /api/v1/categories', category).res.body).toMatchObject({ parentId: 'c1' });
  });

  test.each([
    [clerk, milk, 403, 'forbidden'],
    [manager, { ...milk, sku: 'SKU-p1' }, 409, 'duplicate'],
    [manager, { ...milk, id: 'p1' }, 409, 'exists'],
    [manager, { ...milk, categoryId: 'c9' }, 400, 'invalid-body'],
  ])('by $username of %o is refused with %i %s', (who, body, status, code) => {
    expect(take(replica(), who, 'POST /api/v1/products', create(body)).res).toMatchObject({ status, body: { code } });
  });
});

describe('A deletion', () => {
  const remove = (id: string) => request('DELETE', `/api/v1/products/${id}`, { params: { id } });
  const route = 'DELETE /api/v1/products/:id';

  test('takes a product that never moved out of sight', () => {
    const db = replica();
    expect(take(db, manager, route, remove('p2')).res.status).toBe(204);
    expect(db.get('products', 'p2')).toBe(null);
  });

  test.each([
    ['p1', 409, 'in-use'],
    ['p9', 404, 'not-found'],
  ])('of %s is refused with %i %s', (id, status, code) => {
    expect(take(replica(), manager, route, remove(id)).res).toMatchObject({ status, body: { code } });
  });
});
