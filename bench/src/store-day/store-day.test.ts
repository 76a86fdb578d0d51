import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres, type PostgresHarness } from '../../../inventory-app/server/db/postgres-harness.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../stage/client.ts';
import { importCloud, seedCloud, sqliteIn } from '../stage/cloud.ts';
import { ROOT } from '../stage/process.ts';
import { Stage } from '../stage/stage.ts';
import {
  audit,
  compare,
  CUTS,
  openBooks,
  sellMany,
  SETTLING,
  settled,
  signIn,
  wholeDay,
  type Day,
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
    await settled(stage, staff, books.sold, SETTLING);
    expect(books.acknowledged).toHaveLength(8);
    expect([books.missed, books.failed]).toEqual([[], []]);
    expect(await audit(stage, staff, books)).toEqual([]);
  });

  test('loses and doubles nothing through a cut, a kill -9, and changes made elsewhere', async () => {
    const day = await wholeDay(stage, staff);
    await isInOrder(stage, staff, day);
  });
});

describe('a store whose cloud runs on PostgreSQL', () => {
  let postgres: PostgresHarness;
  let stage: Stage;
  let staff: Staff;

  beforeAll(async () => {
    postgres = await startPostgres();
    stage = await Stage.start({
      async database() {
        const database = await postgres.createDatabase();
        await seedCloud(database);
        return database;
      },
    });
    await stage.ready();
    staff = await signIn(stage);
  });
  afterAll(async () => {
    await stage.close();
    await postgres.stop();
  });

  test('loses and doubles nothing through a cut, a kill -9, and changes made elsewhere', async () => {
    const day = await wholeDay(stage, staff);
    await isInOrder(stage, staff, day);
  });
});

/** The data set is not part of the project: it is looked for beside it, or where the environment says. */
const RETAIL = process.env['ONLINE_RETAIL'] ?? join(ROOT, '../shared/data/online-retail.csv.gz');
const present = existsSync(RETAIL);
if (!present)
  process.stderr.write('The Online Retail data is not here (ONLINE_RETAIL names it): its day is not run.\n');

describe.runIf(present)('a store with the Online Retail data', () => {
  let stage: Stage;
  let staff: Staff;

  beforeAll(async () => {
    stage = await Stage.start({
      async database(directory) {
        await importCloud(sqliteIn(directory), RETAIL);
        return sqliteIn(directory);
      },
    });
    await stage.ready(300_000);
    staff = await signIn(stage);
  }, 600_000);
  afterAll(() => stage.close());

  test('loses and doubles nothing through a cut, a kill -9, and changes made elsewhere', async () => {
    const day = await wholeDay(stage, staff);
    await isInOrder(stage, staff, day);
  }, 300_000);
});

/** Every acknowledged write once, the edits settled or in the inbox, stock right, the replica equal to the cloud. */
async function isInOrder(stage: Stage, staff: Staff, day: Day): Promise<void> {
  const { books, merged, disputed } = day;
  expect(books.acknowledged).toHaveLength(55);
  expect([books.missed, books.failed]).toEqual([[], []]);
  expect(books.reads).toBeGreaterThan(100);
  expect([day.edits, day.elsewhere]).toEqual([
    [202, 202],
    [200, 200, 201],
  ]);
  expect(await audit(stage, staff, books)).toEqual([]);
  // Different fields are merged; the same field is a person's to decide, and nothing was overwritten.
  const atCloud = staff.manager.at(stage.cloud.url);
  expect((await atCloud.get(`/products/${merged}`)).body).toMatchObject({ price: 777, name: 'Renamed elsewhere' });
  expect((await atCloud.get(`/products/${disputed}`)).body).toMatchObject({ name: 'Named elsewhere' });
  expect((await stage.status()).queue).toMatchObject({ length: 0, inbox: 1 });
  await stage.link.set('down');
  await until('the cut is noticed', async () => (await stage.status()).link.state === 'offline');
  expect(await compare(stage, staff)).toEqual([]);
}
