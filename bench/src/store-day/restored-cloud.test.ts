/** The cloud's database is put back to a backup while the store goes on: nothing that was acknowledged is lost (I2). */
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../stage/client.ts';
import { sqliteIn } from '../stage/cloud.ts';
import { Stage } from '../stage/stage.ts';
import {
  audit,
  compare,
  keepLooking,
  openBooks,
  sellMany,
  SETTLING,
  settled,
  signIn,
  type Staff,
} from './store-day.ts';

let stage: Stage;
let staff: Staff;

beforeAll(async () => {
  stage = await Stage.start();
  await stage.ready();
  staff = await signIn(stage);
});
afterAll(() => stage.close());

const file = () => join(stage.directory, 'cloud.db');
const copy = () => join(stage.directory, 'backup.db');

/** As an administrator does it, of the database in use. */
function backUp(): void {
  const database = new DatabaseSync(file(), { readOnly: true });
  database.prepare('VACUUM INTO ?').run(copy());
  database.close();
}

function putBack(): void {
  for (const ending of ['-wal', '-shm']) rmSync(file() + ending, { force: true });
  copyFileSync(copy(), file());
}

test('I2, I3, I6: a cloud put back to a backup has everything once, and no read missed anything', async () => {
  const [books, products] = await openBooks(stage, staff, 4);
  const [edited] = products;
  if (edited === undefined) throw new Error('the cloud has no products');
  await sellMany(staff.clerk, books, products, { total: 6, tills: 2 });
  await settled(stage, staff, books.sold, SETTLING);
  backUp();

  // All of this is in the cloud, and will not have been.
  const made = await staff.manager.write('POST', '/products', newProduct('P-NEW'));
  const created = { id: String(made.body['id']), price: 500 };
  books.setOpening(created.id, 0);
  const edit = await staff.manager.write('PATCH', `/products/${edited.id}`, { price: 777 });
  await sellMany(staff.clerk, books, [...products, created], { total: 20, tills: 4 });
  await settled(stage, staff, books.sold, SETTLING);
  expect([made.status, edit.status]).toEqual([201, 200]);

  const watch = keepLooking(staff.clerk, books);
  await stage.link.set('down');
  await sellMany(staff.clerk, books, [...products, created], { total: 10, tills: 4 });
  const offline = await staff.manager.write('PATCH', `/products/${created.id}`, { name: 'Named while cut off' });
  expect(offline.status).toBe(202);
  await stage.crashCloud(sqliteIn(stage.directory), putBack);
  await stage.link.set('up');
  await settled(stage, staff, books.sold, SETTLING);
  await watch.stop();

  expect([books.missed, books.failed]).toEqual([[], []]);
  expect(books.acknowledged).toHaveLength(36);
  expect(await audit(stage, staff, books)).toEqual([]);
  const atCloud = staff.manager.at(stage.cloud.url);
  expect((await atCloud.get(`/products/${edited.id}`)).body).toMatchObject({ price: 777 });
  expect((await atCloud.get(`/products/${created.id}`)).body).toMatchObject({ name: 'Named while cut off' });
  expect((await stage.status()).queue).toMatchObject({ length: 0, inbox: 0 });
  await stage.link.set('down');
  await until('the cut is noticed', async () => (await stage.status()).link.state === 'offline');
  expect(await compare(stage, staff)).toEqual([]);
});

const newProduct = (sku: string) => ({
  sku,
  name: 'A new article',
  unit: 'pc',
  price: 500,
  cost: 300,
  reorderLevel: 0,
});
