import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Adjustment, Movement, Product, Return, Sale } from '../../rules/documents.ts';
import { describeBothDatabases } from '../db/both-databases.ts';
import type { Database } from '../db/open.ts';
import { factDocument, movementDocument, productDocument } from '../resources/documents.ts';
import { seed } from '../seed/seed.ts';
import { importOnlineRetail } from './online-retail.ts';
import { reportText } from './report.ts';

/** Made up, with every oddity of the real file. */
const CSV = `InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
500001,10001A,BLUE ENAMEL MUG,6,2011-03-01 09:30:00,2.55,12001,United Kingdom
500001,10002,"TEA TOWEL, STRIPED",12,2011-03-01 09:30:00,1.25,12001,United Kingdom
500001,POST,POSTAGE,1,2011-03-01 09:30:00,4.95,12001,United Kingdom
500002,10001a,BLUE ENAMEL MUG,2,2011-07-01 10:00:00,2.55,,United Kingdom
500002,10001A,BLUE ENAMEL MUG CHIPPED,1,2011-07-01 10:00:00,1.99,,United Kingdom
500002,10003,PENCIL,10,2011-07-01 10:00:00,0.001,,United Kingdom
500002,10002,"TEA TOWEL, STRIPED",1,2011-07-01 10:01:00,0,,United Kingdom
C500003,10001A,BLUE ENAMEL MUG,-2,2011-07-02 10:00:00,2.55,12001,France
C500003,D,Discount,-1,2011-07-02 10:00:00,5.00,12001,France
500004,10002,damaged,-5,2011-07-03 10:00:00,0,,United Kingdom
500005,10002,?,-1,2011-07-03 10:05:00,0,,United Kingdom
500006,10004,,8,2011-07-03 10:06:00,0,,United Kingdom
500007,10003,PENCIL,3,2011-07-03 11:00:00,0,12002,France
A500008,B,Adjust bad debt,1,2011-07-03 12:00:00,-11062.06,,United Kingdom
500009,BANK CHARGES,Bank Charges,1,2011-07-03 12:00:00,15,,United Kingdom
500010,10005,never read,x,2011-07-03 12:00:00,1,,United Kingdom
500011,10005,no such day,1,2011-99-03 12:00:00,1,,United Kingdom
500001,10003,PENCIL,4,2011-03-01 09:31:00,0.10,12001,United Kingdom
`;

let directory = '';
const file = (name: string) => join(directory, name);
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'larder-import-'));
  await writeFile(file('retail.csv.gz'), gzipSync(CSV));
  await writeFile(file('retail.csv'), CSV);
  await writeFile(file('other.csv'), 'a,b\n1,2\n');
  await writeFile(file('broken.csv.gz'), gzipSync(CSV.repeat(50)).subarray(0, 200));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const facts = ({ prisma }: Database) =>
  prisma.fact.findMany({ orderBy: { id: 'asc' }, include: { lines: { orderBy: { lineNo: 'asc' } } } });

describeBothDatabases('Importing', (databases) => {
  test('keeps every line of goods and says of the others why not', async () => {
    const database = await databases.make();
    const report = await importOnlineRetail(database, file('retail.csv.gz'));
    expect(report).toMatchObject({ lines: 18, kept: 12 });
    expect(Object.fromEntries(report.skipped)).toEqual({
      'not goods: POST (postage)': 1,
      'not goods: D (discount)': 1,
      'not goods: B (bad debt)': 1,
      'not goods: BANK CHARGES (bank charges)': 1,
      'unusable quantity': 1,
      'unusable date': 1,
    });
    expect(Object.fromEntries(report.changed)).toEqual({
      'price rounded to the penny': 1,
      'sold at no charge': 3,
      'stock correction taken as an adjustment: damaged': 1,
      'stock correction taken as an adjustment: correction': 2,
    });
    expect(reportText(report)).toContain('Read 18 lines and kept 12');
  });

  test('makes sales, returns and adjustments under the numbers of the file', async () => {
    const database = await databases.make();
    await importOnlineRetail(database, file('retail.csv'));
    const all = await facts(database);
    expect(all.map(({ id, kind }) => [id, kind])).toEqual([
      ['500001', 'sales'],
      ['500002', 'sales'],
      ['500004-damaged', 'adjustments'],
      ['500005-correction', 'adjustments'],
      ['500006-correction', 'adjustments'],
      ['500007', 'sales'],
      ['C500003', 'returns'],
    ]);
    const [sale] = all;
    expect(sale).toMatchObject({ storeId: 'S001', customerId: '12001', total: 3070n, businessDate: '2011-03-01' });
    // Its last line stands apart in the file.
    expect(sale?.lines.map(({ productId, qty }) => [productId, qty])).toEqual([
      ['10001A', 6],
      ['10002', 12],
      ['10003', 4],
    ]);
    expect(all[1]?.occurredAt).toBe('2011-07-01T09:00:00.000Z');
  });

  test('makes documents that the API could have made', async () => {
    const database = await databases.make();
    await importOnlineRetail(database, file('retail.csv'));
    const schemas = { sales: Sale, returns: Return, adjustments: Adjustment };
    for (const row of await facts(database)) {
      const kind = row.kind as keyof typeof schemas;
      expect(schemas[kind].safeParse(factDocument(kind, row)).error).toBeUndefined();
    }
    for (const row of await database.prisma.product.findMany()) {
      expect(Product.safeParse(productDocument(row)).error).toBeUndefined();
    }
    for (const row of await database.prisma.movement.findMany()) {
      expect(Movement.safeParse(movementDocument(row)).error).toBeUndefined();
    }
  });

  test('gives a product its commonest name and price, and a customer the commonest country', async () => {
    const database = await databases.make();
    await importOnlineRetail(database, file('retail.csv'));
    const products = await database.prisma.product.findMany({ orderBy: { id: 'asc' } });
    expect(products.map(({ id, name, price, active }) => [id, name, price, active])).toEqual([
      ['10001A', 'BLUE ENAMEL MUG', 255n, true],
      ['10002', 'TEA TOWEL, STRIPED', 125n, true],
      ['10003', 'PENCIL', 10n, true],
      ['10004', 'Unnamed article 10004', 0n, false],
    ]);
    const customers = await database.prisma.customer.findMany({ orderBy: { id: 'asc' } });
    expect(customers.map(({ code, country }) => [code, country])).toEqual([
      ['12001', 'United Kingdom'],
      ['12002', 'France'],
    ]);
  });

  test('opens the books so that no level was ever negative, and each is the sum of its movements', async () => {
    const database = await databases.make();
    await importOnlineRetail(database, file('retail.csv'));
    const movements = await database.prisma.movement.findMany({ orderBy: [{ occurredAt: 'asc' }, { id: 'asc' }] });
    for (const { id, productId, qty } of await database.prisma.stockLevel.findMany()) {
      const moved = movements.filter((row) => row.productId === productId);
      expect(id).toBe(`S001:${productId}`);
      expect(moved[0]).toMatchObject({ id: `opening:S001:${productId}`, type: 'opening' });
      const balances = moved.map((_, at) => moved.slice(0, at + 1).reduce((sum, row) => sum + row.qty, 0));
      expect(Math.min(...balances)).toBeGreaterThanOrEqual(0);
      expect(balances.at(-1)).toBe(Number(qty));
    }
  });

  test('goes beside the seeded shop, ends with a new epoch, and happens once', async () => {
    const database = await databases.make();
    await seed(database);
    const epoch = () => database.prisma.setting.findUniqueOrThrow({ where: { name: 'epoch' } });
    const before = await epoch();
    await importOnlineRetail(database, file('retail.csv'));
    const after = await epoch();
    expect(after).not.toEqual(before);
    const number = await database.prisma.fact.count();
    await expect(importOnlineRetail(database, file('retail.csv'))).rejects.toThrow('already');
    expect(await database.prisma.fact.count()).toBe(number);
    expect(await epoch()).toEqual(after);
    expect(await database.prisma.user.count()).toBe(5);
  });

  test('leaves nothing behind of a file that is another one, broken, or not there', async () => {
    const database = await databases.make();
    await expect(importOnlineRetail(database, file('other.csv'))).rejects.toThrow('not the Online Retail file');
    await expect(importOnlineRetail(database, file('broken.csv.gz'))).rejects.toThrow('unexpected end of file');
    await expect(importOnlineRetail(database, file('none.csv'))).rejects.toThrow('ENOENT');
    expect(await database.prisma.fact.count()).toBe(0);
  });

  test('tells how far it is', async () => {
    const database = await databases.make();
    const steps: string[] = [];
    await importOnlineRetail(database, file('retail.csv'), {
      onProgress: ({ step, part }) => part === 1 && steps.push(step),
    });
    expect(steps).toEqual(['reading', 'writing']);
  });
});
