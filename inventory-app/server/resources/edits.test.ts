import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeBothDatabases } from '../db/both-databases.ts';
import type { Database } from '../db/open.ts';
import { type Ask, type Cloud, startCloud } from '../test-cloud.ts';

/** Another document's changes, as many. */
const changeMuchElse = ({ transaction }: Database, many: number) =>
  transaction(
    (tx) => tx.$executeRaw`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${many})
      INSERT INTO "Change" ("tx", "nonce", "type", "resource", "docId", "version", "doc", "recordedAt")
      SELECT 'else', 'else', 'put', 'products', 'else', 1, '{}', '2026-01-01T00:00:00.000Z' FROM n`,
  );

describeBothDatabases('The catalogue and the customers', (databases) => {
  let cloud: Cloud;
  let manager: Ask;
  let admin: Ask;
  let made = 0;

  beforeAll(async () => {
    cloud = await startCloud(await databases.make());
    [manager, admin] = await Promise.all([cloud.as('manager'), cloud.as('admin')]);
  });
  afterAll(() => cloud.close());

  const post = (path: string, body: object) => manager(path, { method: 'POST', body });
  const patch = (path: string, body: object, headers = {}) => manager(path, { method: 'PATCH', body, headers });
  async function newProduct() {
    made += 1;
    const { body, headers } = await post('/products', { sku: `NEW-${made}`, name: `New ${made}`, price: 100 });
    return { path: `/products/${String(body.id)}`, body, etag: headers.get('etag') ?? '' };
  }

  test('what is created is shown as it was answered, defaults filled in', async () => {
    const { path, body, etag } = await newProduct();
    expect(body).toMatchObject({ unit: 'pcs', cost: 0, barcode: null, active: true, version: 1 });
    const item = await manager(path);
    expect(item.body).toEqual(body);
    expect(item.headers.get('etag')).toBe(etag);
    const category = await post('/categories', { name: 'Teas' });
    expect((await manager(`/categories/${String(category.body.id)}`)).body).toEqual(category.body);
    const customer = await post('/customers', { code: 'C-1', name: 'Cleo', email: 'c@example.com' });
    expect((await manager(`/customers/${String(customer.body.id)}`)).body).toEqual(customer.body);
  });

  test('two who change different fields both get their way, at one time too', async () => {
    const { path } = await newProduct();
    const answers = await Promise.all([
      patch(path, { price: 200, saw: { price: 100 } }),
      patch(path, { cost: 50, saw: { cost: 0 } }),
      patch(path, { reorderLevel: 7, saw: { reorderLevel: 0 } }),
      patch(path, { unit: 'kg', saw: { unit: 'pcs' } }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await manager(path)).body).toMatchObject({ price: 200, cost: 50, reorderLevel: 7, unit: 'kg', version: 5 });
  });

  test('the same field twice is a conflict, and nothing of it applies', async () => {
    const { path } = await newProduct();
    await patch(path, { price: 200, saw: { price: 100 } });
    const refused = await patch(path, { price: 300, name: 'Other', saw: { price: 100 } });
    expect(refused).toMatchObject({
      status: 409,
      body: { code: 'conflict', conflicts: [{ field: 'price', saw: 100, current: 200, wanted: 300 }] },
    });
    expect((await manager(path)).body).toMatchObject({ price: 200, version: 2 });
    // Both want the same: no conflict, and nothing to do.
    expect((await patch(path, { price: 200, saw: { price: 100 } })).body).toMatchObject({ price: 200, version: 2 });
  });

  test('a conflict says who made the field what it is, and when', async () => {
    const { path } = await newProduct();
    const body = { price: 200, saw: { price: 100 } };
    await manager(path, { method: 'PATCH', body, headers: { 'idempotency-key': `who-${path}` } });
    await patch(path, { name: 'Renamed since, by somebody without a key' });
    const { conflicts } = (await patch(path, { price: 300, saw: { price: 100 } })).body;
    const who = { by: expect.stringMatching(/\w/), at: expect.stringMatching(/^\d{4}-.*Z$/) };
    expect(conflicts).toEqual([{ field: 'price', saw: 100, current: 200, wanted: 300, ...who }]);
  });

  test('a conflict says so, and a deletion too, however much else has changed since', async () => {
    const [sold, gone] = [await newProduct(), await newProduct()];
    for (const { path } of [sold, gone])
      await manager(path, {
        method: 'PATCH',
        body: { price: 200, saw: { price: 100 } },
        headers: { 'idempotency-key': `long-ago-${path}` },
      });
    await manager(gone.path, { method: 'DELETE', headers: { 'idempotency-key': `gone-${gone.path}` } });
    await changeMuchElse(cloud.services.database, 60_000);
    const who = { by: expect.stringMatching(/\w/), at: expect.stringMatching(/^\d{4}-.*Z$/) };
    const refused = await patch(sold.path, { price: 300, saw: { price: 100 } });
    expect(refused.body.conflicts).toEqual([{ field: 'price', saw: 100, current: 200, wanted: 300, ...who }]);
    expect((await patch(gone.path, { price: 300 })).body).toMatchObject({ code: 'deleted', conflicts: [who] });
  });

  test('what is made again under its id counts on from its removal, so that nobody takes it for older', async () => {
    const { path, body } = await newProduct();
    await patch(path, { price: 200 });
    const { id, sku } = body;
    const from = await cloud.end();
    await manager(path, { method: 'DELETE' });
    const again = await post('/products', { id, sku, name: 'Made again', price: 100 });
    expect(again).toMatchObject({ status: 201, body: { id, version: 4 } });
    expect((await manager(path)).body).toEqual(again.body);
    const told = await cloud.changes('S001', from);
    const versions = told.filter(({ type }) => type !== 'marker').map(({ type, version }) => [type, version]);
    expect(versions).toEqual([
      ['remove', 3],
      ['put', 4],
    ]);
  });

  test('a deletion by somebody who has not seen the latest edit is a conflict, and deletes nothing', async () => {
    const { path } = await newProduct();
    await patch(path, { price: 200 });
    const remove = (saw: object) => manager(path, { method: 'DELETE', body: { saw } });
    expect(await remove({ price: 100, unit: 'pcs' })).toMatchObject({
      status: 409,
      body: { code: 'conflict', conflicts: [{ field: 'price', saw: 100, current: 200, wanted: null }] },
    });
    expect((await manager(path)).status).toBe(200);
    expect((await remove({ price: 200, unit: 'pcs' })).status).toBe(204);
  });

  test('an edit of what somebody has deleted is told who and when; of what never was, that there is nothing', async () => {
    const { path } = await newProduct();
    await manager(path, { method: 'DELETE', headers: { 'idempotency-key': `gone-${path}` } });
    expect(await patch(path, { price: 1 })).toMatchObject({
      status: 404,
      body: { code: 'deleted', conflicts: [{ by: expect.stringMatching(/\w/), at: expect.stringMatching(/Z$/) }] },
    });
    expect((await patch('/products/never', { price: 1 })).body.code).toBe('not-found');
  });

  test('of many who change one field at one time, each from what it was, one gets their way', async () => {
    const { path } = await newProduct();
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, at) => patch(path, { price: 1000 + at, saw: { price: 100 } })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409, 409, 409]);
    expect((await manager(path)).body).toMatchObject({ version: 2 });
  });

  test('an edit is found by what is new, and not by what is old', async () => {
    const { path } = await newProduct();
    await patch(path, { name: 'Oolong' });
    await patch(path, { name: 'Lapsang Souchong', barcode: '4012345' });
    const found = async (q: string) => (await manager(`/products?q=${q}`)).body.page;
    expect(await found('lapsang')).toMatchObject({ total: 1 });
    expect(await found('4012345')).toMatchObject({ total: 1 });
    expect(await found('oolong')).toMatchObject({ total: 0 });
  });

  test('If-Match holds, or nothing happens', async () => {
    const { path, etag } = await newProduct();
    expect((await patch(path, { price: 1 }, { 'if-match': '"v1-0000000000000000"' })).body.code).toBe(
      'precondition-failed',
    );
    expect((await patch(path, { price: 1 }, { 'if-match': etag })).status).toBe(200);
    expect((await manager(path, { method: 'DELETE', headers: { 'if-match': etag } })).status).toBe(412);
    expect((await manager(path, { method: 'DELETE', headers: { 'if-match': '*' } })).status).toBe(204);
    expect((await manager(path)).status).toBe(404);
  });

  test('a product that was ever moved stays', async () => {
    const { path, body } = await newProduct();
    await post('/receipts', { storeId: 'S001', lines: [{ productId: body.id, qty: 1, unitCost: 1 }] });
    expect(await manager(path, { method: 'DELETE' })).toMatchObject({ status: 409, body: { code: 'in-use' } });
  });

  test('what must be unique is, and what is referred to must exist', async () => {
    const { path, body } = await newProduct();
    const product = { sku: 'OTHER', name: 'Other', price: 1 };
    expect(await post('/products', { ...product, id: body.id })).toMatchObject({
      status: 409,
      body: { code: 'exists' },
    });
    const duplicate = { status: 409, body: { code: 'duplicate', errors: [{ path: 'sku' }] } };
    expect(await post('/products', { ...product, sku: body.sku })).toMatchObject(duplicate);
    expect(await patch(path, { sku: 'SKU-1' })).toMatchObject(duplicate);
    expect(await post('/products', { ...product, categoryId: 'none' })).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'categoryId' }] },
    });
    expect(await post('/categories', { name: 'Child', parentId: 'none' })).toMatchObject({ status: 400 });
    const customer = await admin('/customers', { method: 'POST', body: { code: 'X', name: 'X', storeId: 'S999' } });
    expect(customer).toMatchObject({ status: 400, body: { errors: [{ path: 'storeId' }] } });
  });

  test('of many who take one sku at one time, one gets it, and the others hear why', async () => {
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => post('/products', { sku: 'RACE', name: 'Race', price: 1 })),
    );
    const told = answers.map(({ status, body }) => [status, body.code ?? null]);
    const refused = Array.from({ length: 5 }, () => [409, 'duplicate']);
    expect(told.sort()).toEqual([[201, null], ...refused]);
  });

  test("another store's customer does not exist, and none is given away", async () => {
    const customer = (storeId: string) =>
      admin('/customers', { method: 'POST', body: { code: `Y-${storeId}`, name: 'Y', storeId } });
    const [own, other] = [await customer('S001'), await customer('S002')];
    expect((await patch(`/customers/${String(other.body.id)}`, { name: 'Z' })).status).toBe(404);
    expect(await patch(`/customers/${String(own.body.id)}`, { storeId: 'S002' })).toMatchObject({
      status: 403,
      body: { code: 'other-store' },
    });
    expect((await patch(`/customers/${String(own.body.id)}`, { storeId: null })).body).toMatchObject({ version: 2 });
  });

  test.each([
    ['text/plain', '{"price":1}', 415, 'unsupported-media-type'],
    ['application/json', '{"price":', 400, 'invalid-body'],
    ['application/json', '{"price":"1"}', 400, 'invalid-body'],
    ['application/merge-patch+json; charset=utf-8', '{"price":1}', 200, undefined],
  ])('a body of %s, %s, is answered with %i', async (type, body, status, code) => {
    const { path } = await newProduct();
    const answer = await manager(path, { method: 'PATCH', body, headers: { 'content-type': type } });
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });
});
