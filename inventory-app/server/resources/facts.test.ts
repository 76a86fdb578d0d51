import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Doc } from '@larder/sync/profile';
import { describeBothDatabases } from '../db/both-databases.ts';
import { type Ask, type Cloud, startCloud } from '../test-cloud.ts';

describeBothDatabases('Facts', (databases) => {
  let cloud: Cloud;
  let clerk: Ask;

  beforeAll(async () => {
    cloud = await startCloud(await databases.make());
    clerk = await cloud.as('clerk');
  });
  afterAll(() => cloud.close());

  const post = (path: string, body: object, by: Ask = clerk) => by(path, { method: 'POST', body });
  const sale = (productId: string, qty: number, more: object = {}) => ({
    storeId: 'S001',
    lines: [{ productId, qty, unitPrice: 100 }],
    ...more,
  });
  const level = async (productId: string) => (await clerk(`/stock-levels/S001:${productId}`)).body;
  const exceptions = async (documentId: string) =>
    (await clerk(`/exceptions?documentId=${documentId}&sort=id`)).body.data as Doc[];

  test('a sale is answered as its item is shown, and moves stock and ledger', async () => {
    const sold = await post('/sales', {
      storeId: 'S001',
      occurredAt: '2026-07-01T23:30:00.000Z',
      till: 'T1',
      number: '17',
      lines: [
        { productId: 'p1', qty: 3, unitPrice: 99, discount: 7, tax: 10 },
        { productId: 'p1', qty: 1, unitPrice: 0, description: 'a gift' },
      ],
      tenders: [{ type: 'cash', amount: 290 }],
      fiscal: { signature: 'ab', counter: [1, 2.5, null] },
    });
    expect(sold.status).toBe(201);
    // Half past midnight, the next day, in a London summer.
    expect(sold.body).toMatchObject({ total: 290, tax: 10, businessDate: '2026-07-02', userId: 'u-clerk', version: 1 });
    const item = await clerk(`/sales/${String(sold.body.id)}`);
    expect(item.body).toEqual(sold.body);
    expect(item.headers.get('etag')).toBe(sold.headers.get('etag'));
    expect(sold.headers.get('location')).toBe(`/api/v1/sales/${String(sold.body.id)}`);
    expect(await level('p1')).toMatchObject({ qty: 96, version: 2 });
    const moved = await clerk(`/movements?documentId=${String(sold.body.id)}&sort=id`);
    expect(moved.body.data).toMatchObject([
      { id: `${String(sold.body.id)}:1`, qty: -3, type: 'sale', lineNo: 1 },
      { id: `${String(sold.body.id)}:2`, qty: -1, type: 'sale', lineNo: 2 },
    ]);
    expect(await exceptions(String(sold.body.id))).toEqual([]);
  });

  test.each([
    ['returns', { storeId: 'S001', reason: 'torn', lines: [{ productId: 'p2', qty: 2, unitPrice: 5 }] }, 102],
    ['receipts', { storeId: 'S001', supplier: 'Mill', lines: [{ productId: 'p2', qty: 10, unitCost: 5 }] }, 112],
    ['adjustments', { storeId: 'S001', reason: 'damaged', lines: [{ productId: 'p2', qty: -4 }] }, 108],
  ])('%s move stock their own way, and are shown as they were answered', async (kind, body, qty) => {
    const made = await post(`/${kind}`, body);
    expect(made.status).toBe(201);
    expect((await clerk(`/${kind}/${String(made.body.id)}`)).body).toEqual(made.body);
    expect(await level('p2')).toMatchObject({ qty });
    expect((await clerk(`/sales/${String(made.body.id)}`)).status).toBe(404);
  });

  test('a hundred sales at once leave the stock exactly as low as they should', async () => {
    const before = Number((await level('p3')).qty);
    const lines = [
      { productId: 'p4', qty: 1, unitPrice: 1 },
      { productId: 'p3', qty: 1, unitPrice: 1 },
    ];
    const sold = await Promise.all(
      Array.from({ length: 100 }, (_, at) =>
        post('/sales', { storeId: 'S001', lines: at % 2 === 0 ? lines : lines.toReversed() }),
      ),
    );
    expect(new Set(sold.map(({ status }) => status))).toEqual(new Set([201]));
    expect(await level('p3')).toMatchObject({ qty: before - 100, version: 101 });
  });

  test('what cannot be is taken, and stands in the exceptions', async () => {
    const sold = await post('/sales', {
      storeId: 'S001',
      id: 'doubtful-1',
      customerId: 'nobody',
      lines: [
        { productId: 'p5', qty: 60, unitPrice: 1 },
        { productId: 'p5', qty: 60, unitPrice: 1 },
        { productId: 'no-such', qty: 1, unitPrice: 1 },
      ],
    });
    expect(sold.status).toBe(201);
    expect(await exceptions('doubtful-1')).toMatchObject([
      { type: 'negative-stock', productId: 'no-such' },
      { type: 'negative-stock', productId: 'p5', detail: 'The stock is now -20.' },
      { type: 'unknown-customer', productId: null },
      { type: 'unknown-product', productId: 'no-such', document: 'sales', storeId: 'S001' },
    ]);
    expect(await level('no-such')).toMatchObject({ qty: -1, version: 1 });
    const back = await post('/returns', { ...sale('p5', 1), saleId: 'never-sold', id: 'doubtful-2' });
    expect(back.status).toBe(201);
    // Goods that come in are no doubt, even where they do not fill the gap.
    expect(await exceptions('doubtful-2')).toMatchObject([{ type: 'unknown-sale' }]);
  });

  test('a number that was used before is an exception', async () => {
    await post('/sales', sale('p1', 1, { id: 'n-1', till: 'T9', number: '5' }));
    await post('/sales', sale('p1', 1, { id: 'n-2', till: 'T8', number: '5' }));
    await post('/sales', sale('p1', 1, { id: 'n-3', till: 'T9', number: '5' }));
    expect(await exceptions('n-2')).toEqual([]);
    expect(await exceptions('n-3')).toMatchObject([{ type: 'duplicate-number', detail: 'n-1 has the number 5 too.' }]);
  });

  test('quantities that add up to more than 32 bits hold are taken', async () => {
    const qty = 1_000_000_000;
    const lines = Array.from({ length: 3 }, () => ({ productId: 'huge', qty, unitPrice: 0 }));
    expect((await post('/sales', { storeId: 'S001', lines })).status).toBe(201);
    expect(await level('huge')).toMatchObject({ qty: -3 * qty });
    expect(
      (await post('/receipts', { storeId: 'S001', lines: [{ productId: 'huge', qty, unitCost: 0 }] })).status,
    ).toBe(201);
    expect((await clerk('/stock-levels?sort=qty&limit=1')).body.data).toMatchObject([{ qty: -2 * qty }]);
  });

  test('the longest sale is taken', async () => {
    const lines = Array.from({ length: 1200 }, (_, at) => ({ productId: `long-${at}`, qty: 1, unitPrice: 1 }));
    const sold = await post('/sales', { storeId: 'S001', lines });
    expect(sold.status).toBe(201);
    expect((await clerk(`/sales/${String(sold.body.id)}`)).body).toEqual(sold.body);
    expect((await clerk(`/exceptions?documentId=${String(sold.body.id)}`)).body.page).toMatchObject({ total: 2400 });
  });

  test('the same id again is refused, and moves nothing', async () => {
    await post('/sales', sale('p1', 1, { id: 'twice' }));
    const { qty } = await level('p1');
    const answers = await Promise.all([
      post('/sales', sale('p1', 1, { id: 'twice' })),
      post('/returns', sale('p1', 1, { id: 'twice' })),
    ]);
    for (const answer of answers) expect(answer).toMatchObject({ status: 409, body: { code: 'exists' } });
    expect(await level('p1')).toMatchObject({ qty: qty ?? null });
  });

  test('two that come with one id at one time: one is taken', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => post('/sales', sale('p1', 1, { id: 'at-one-time' }))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 7 }, () => 409)]);
  });

  test.each([
    ['no lines', { storeId: 'S001', lines: [] }, 'lines'],
    ['a fraction', sale('p1', 0.5), 'lines.0.qty'],
    ['a time without a zone', sale('p1', 1, { occurredAt: '2026-07-01T10:00:00' }), 'occurredAt'],
    ['an unknown field', sale('p1', 1, { colour: 'red' }), ''],
    ['NUL', sale('p1', 1, { note: 'a\0b' }), 'note'],
    [
      'an amount beyond money',
      sale('p1', 1_000_000_000, { lines: [{ productId: 'p1', qty: 1e9, unitPrice: 1e11 }] }),
      'lines.0',
    ],
  ])('%s is refused with the field named', async (_what, body, path) => {
    const answer = await post('/sales', body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'invalid-body' } });
    expect((answer.body.errors as Doc[]).map((error) => error.path)).toContain(path);
  });

  test('an unknown store is refused', async () => {
    const admin = await cloud.as('admin');
    const answer = await post('/sales', { ...sale('p1', 1), storeId: 'S999' }, admin);
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'storeId' }] } });
  });
});
