import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../stage/client.ts';
import { Stage } from '../stage/stage.ts';
import type { Books } from './till.ts';
import {
  audit,
  compare,
  CUTS,
  keepLooking,
  offerAgain,
  openBooks,
  sellMany,
  settled,
  signIn,
  type Staff,
} from './store-day.ts';

describe('a store whose link is cut', () => {
  let stage: Stage;
  let staff: Staff;

  beforeAll(async () => {
    stage = await Stage.start();
    await stage.ready();
    staff = await signIn(stage);
  });
  afterAll(() => stage.close());

  test.each(CUTS)('I2, I5, I6: keeps reading and selling through "%s", and settles by itself', async (cut) => {
    const [books, products] = await openBooks(stage, staff, 4);
    await stage.link.set(cut);
    await sellMany(staff.clerk, books, products, { total: 8, tills: 4 });
    const { status, headers, body } = await staff.clerk.get<{ data: unknown[] }>(`/customers?q=a&sort=-name&limit=7`);
    expect([status, headers.get('larder-source')]).toEqual([200, 'replica']);
    expect(body.data).toHaveLength(7);
    await stage.link.set('up');
    await settled(stage, staff, books.sold, 10_000);
    expect(books.acknowledged).toHaveLength(8);
    expect([books.missed, books.failed]).toEqual([[], []]);
    expect(await audit(stage, staff, books)).toEqual([]);
  });

  test('loses and doubles nothing through a cut, a kill -9, and changes made elsewhere', async () => {
    const [books, products] = await openBooks(stage, staff, 5);
    const [merged, disputed] = products;
    if (merged === undefined || disputed === undefined) throw new Error('the cloud has no products');
    const watch = keepLooking(staff.clerk, books);
    await sellMany(staff.clerk, books, products, { total: 5, tills: 2 });
    await stage.link.set('blackhole');
    await sellMany(staff.clerk, books, products, { total: 25, tills: 8 });
    expect((await staff.manager.write('PATCH', `/products/${merged.id}`, { price: 777 })).status).toBe(202);
    expect((await staff.manager.write('PATCH', `/products/${disputed.id}`, { name: 'Named here' })).status).toBe(202);
    await changeElsewhere(staff, merged.id, disputed.id);

    const rest = sellMany(staff.clerk, books, products, { total: 25, tills: 8 });
    await until('some of it is under way', () => books.sold.length > 40);
    await stage.crashEdge();
    await rest;
    await offerAgain(staff.clerk, books);
    expect(books.acknowledged).toHaveLength(55);

    await stage.link.set('up');
    await settled(stage, staff, books.sold, 10_000);
    await watch.stop();
    expect(books.missed).toEqual([]);
    expect(books.failed).toEqual([]);
    expect(await audit(stage, staff, books)).toEqual([]);
    await theEdits(stage, staff, merged.id, disputed.id);
    await theReplica(stage, staff, books);
  });
});

/** Meanwhile, in the cloud, someone of another store changes both products and sells the same goods. */
async function changeElsewhere({ elsewhere }: Staff, merged: string, disputed: string): Promise<void> {
  expect((await elsewhere.write('PATCH', `/products/${merged}`, { name: 'Renamed elsewhere' })).status).toBe(200);
  expect((await elsewhere.write('PATCH', `/products/${disputed}`, { name: 'Named elsewhere' })).status).toBe(200);
  const lines = [{ productId: merged, qty: 3, unitPrice: 100 }];
  expect((await elsewhere.write('POST', '/sales', { storeId: 'S002', lines })).status).toBe(201);
}

/** Different fields are merged; the same field is a person's to decide, and nothing was overwritten. */
async function theEdits(stage: Stage, staff: Staff, merged: string, disputed: string): Promise<void> {
  const atCloud = staff.manager.at(stage.cloud.url);
  expect((await atCloud.get(`/products/${merged}`)).body).toMatchObject({ price: 777, name: 'Renamed elsewhere' });
  expect((await atCloud.get(`/products/${disputed}`)).body).toMatchObject({ name: 'Named elsewhere' });
  expect((await stage.status()).queue.inbox).toBe(1);
}

async function theReplica(stage: Stage, staff: Staff, books: Books): Promise<void> {
  await stage.link.set('down');
  await until('the cut is noticed', async () => (await stage.status()).link.state === 'offline');
  expect(await compare(stage, staff)).toEqual([]);
  expect(books.reads).toBeGreaterThan(100);
}
