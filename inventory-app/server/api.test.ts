import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Doc } from '@larder/sync/profile';
import { describeBothDatabases } from './db/both-databases.ts';
import { type Ask, type Cloud, startCloud } from './test-cloud.ts';

describeBothDatabases('The API', (databases) => {
  let cloud: Cloud;
  let clerk: Ask;
  let manager: Ask;

  beforeAll(async () => {
    cloud = await startCloud(await databases.make());
    clerk = await cloud.as('clerk');
    manager = await cloud.as('manager');
  });
  afterAll(() => cloud.close());

  test('sells: the answer, the item, the stock and the ledger agree', async () => {
    const sold = await clerk('/sales', {
      method: 'POST',
      body: {
        storeId: 'S001',
        occurredAt: '2026-07-01T23:30:00.000Z',
        lines: [{ productId: 'p1', qty: 3, unitPrice: 99, discount: 7, tax: 10 }],
        tenders: [{ type: 'cash', amount: 290 }],
        fiscal: { signature: 'ab', counter: [1, 2] },
      },
    });
    expect(sold.status).toBe(201);
    expect(sold.body).toMatchObject({ total: 290, tax: 10, businessDate: '2026-07-02', userId: 'u-clerk' });
    const item = await clerk(`/sales/${String(sold.body.id)}`);
    expect(item.body).toEqual(sold.body);
    expect(item.headers.get('etag')).toBe(sold.headers.get('etag'));
    expect(sold.headers.get('location')).toBe(`/api/v1/sales/${String(sold.body.id)}`);
    const level = await clerk('/stock-levels/S001:p1');
    expect(level.body).toMatchObject({ qty: 97, version: 2 });
    const moved = await clerk(`/movements?documentId=${String(sold.body.id)}`);
    expect(moved.body.data).toMatchObject([{ productId: 'p1', qty: -3, type: 'sale', lineNo: 1 }]);
  });

  test('searches literally: % and _ are characters', async () => {
    const names = async (q: string) =>
      ((await clerk(`/products?q=${encodeURIComponent(q)}`)).body.data as Doc[]).map(({ name }) => name);
    expect(await names('100%')).toEqual(['Coffee 100% arabica']);
    expect(await names('r_c')).toEqual(['Sugar_cube']);
    expect(await names('CREME')).toEqual(['Crème brûlée']);
    expect(await names('% %')).toEqual(['Coffee 100% arabica']);
  });

  test('pages', async () => {
    const seen: unknown[] = [];
    let after = '';
    do {
      const { body, status } = await clerk(`/products?sort=-price&limit=2${after}`);
      expect(status).toBe(200);
      seen.push(...(body.data as Doc[]).map(({ id }) => id));
      const { next } = body.page as { next: string | null };
      after = next === null ? '' : `&after=${next}`;
    } while (after !== '');
    expect(seen).toEqual(['p5', 'p4', 'p3', 'p2', 'p1']);
  });

  test('edits', async () => {
    const edited = await manager('/products/p2', { method: 'PATCH', body: { price: 777, saw: { price: 200 } } });
    expect(edited.body).toMatchObject({ price: 777, version: 2 });
    const feed = await clerk('/changes');
    expect(feed.status).toBe(200);
  });
});
