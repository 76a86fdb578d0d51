import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Doc } from '@larder/sync/profile';
import { describeBothDatabases } from '../db/both-databases.ts';
import { type Cloud, startCloud } from '../test-cloud.ts';

/** A cloud that was put back knows what it knew at first, and nothing that it was told since: as another one does. */
describeBothDatabases('A cloud that was put back', (databases) => {
  let before: Cloud;
  let restored: Cloud;

  beforeAll(async () => {
    before = await startCloud(await databases.make());
    restored = await startCloud(await databases.make());
  });
  afterAll(async () => {
    await before.close();
    await restored.close();
  });

  const send = (cloud: Cloud, path: string, key: string, body: object) =>
    cloud.edge('S001', 'u-manager')(path, { method: 'POST', body, headers: { 'idempotency-key': key } });
  const dataOf = async (cloud: Cloud, path: string) => {
    const clerk = await cloud.as('clerk');
    return (await clerk(path)).body.data as Doc[];
  };

  test('I2: takes what was under way and names what it has lost, with exceptions, and moves its stock once', async () => {
    const product = await send(before, '/products', 'k1', { sku: 'LOST-1', name: 'Lost', price: 100, cost: 50 });
    const customer = await send(before, '/customers', 'k2', { code: 'LOST', name: 'Lost too' });
    expect([product.status, customer.status]).toEqual([201, 201]);
    const [productId, customerId] = [String(product.body.id), String(customer.body.id)];
    const lines = [{ productId, qty: 4, unitPrice: 100 }];
    const first = await send(before, '/sales', 'k3', { id: 'first', storeId: 'S001', lines });
    expect(first.status).toBe(201);

    // Its answer was lost with the cloud that gave it: the same bytes under the same key, and then once more.
    const mixed = [...lines, { productId: 'p1', qty: 1, unitPrice: 100 }];
    const sale = { id: 'under-way', storeId: 'S001', customerId, lines: mixed };
    expect((await send(before, '/sales', 'k4', sale)).status).toBe(201);
    const back = { id: 'back', storeId: 'S001', reason: 'torn', saleId: 'first', lines: [{ ...lines[0], qty: 1 }] };
    for (const replayed of [null, 'true']) {
      const sold = await send(restored, '/sales', 'k4', sale);
      const returned = await send(restored, '/returns', 'k5', back);
      for (const { status, headers } of [sold, returned])
        expect([status, headers.get('idempotent-replayed')]).toEqual([201, replayed]);
    }

    const doubts = await dataOf(restored, '/exceptions?sort=id');
    expect(doubts.map(({ documentId, type, productId: of }) => [documentId, type, of])).toEqual([
      ['back', 'unknown-product', productId],
      ['back', 'unknown-sale', null],
      ['under-way', 'negative-stock', productId],
      ['under-way', 'unknown-customer', null],
      ['under-way', 'unknown-product', productId],
    ]);
    for (const [id, opened, moved] of [
      [productId, 0, [1, -4]],
      ['p1', 100, [-1]],
    ] as const) {
      const ledger = await dataOf(restored, `/movements?productId=${id}&sort=id`);
      expect(ledger.map(({ qty }) => qty)).toEqual(moved);
      const levels = await dataOf(restored, `/stock-levels?productId=${id}&storeId=S001`);
      expect(levels.map(({ qty }) => qty)).toEqual([moved.reduce<number>((sum, by) => sum + by, opened)]);
    }
  });
});
