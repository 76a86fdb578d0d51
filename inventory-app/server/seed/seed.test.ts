import { expect, test } from 'vitest';
import { Customer, Product, Sale } from '../../rules/documents.ts';
import { describeBothDatabases } from '../db/both-databases.ts';
import type { Database } from '../db/open.ts';
import { verifyPassword } from '../password.ts';
import { customerDocument, factDocument, productDocument } from '../resources/documents.ts';
import { ean13 } from './ean13.ts';
import { seed } from './seed.ts';

/** Everything but the salted passwords and the random settings. */
async function contents({ prisma }: Database) {
  return {
    stores: await prisma.store.findMany({ orderBy: { id: 'asc' } }),
    users: await prisma.user.findMany({ orderBy: { id: 'asc' }, omit: { passwordHash: true } }),
    edges: await prisma.edge.findMany({ orderBy: { id: 'asc' } }),
    categories: await prisma.category.findMany({ orderBy: { id: 'asc' } }),
    products: await prisma.product.findMany({ orderBy: { id: 'asc' } }),
    customers: await prisma.customer.findMany({ orderBy: { id: 'asc' } }),
    facts: await prisma.fact.findMany({ orderBy: { id: 'asc' }, include: { lines: { orderBy: { lineNo: 'asc' } } } }),
    movements: await prisma.movement.findMany({ orderBy: { id: 'asc' } }),
    levels: await prisma.stockLevel.findMany({ orderBy: { id: 'asc' } }),
  };
}

describeBothDatabases('Seeding', (databases) => {
  test('makes the same shop every time', async () => {
    const [one, other] = [await databases.make(), await databases.make()];
    await seed(one);
    await seed(other);
    const shop = await contents(one);
    expect(await contents(other)).toEqual(shop);
    expect(shop.products).toHaveLength(120);
    expect(shop.customers).toHaveLength(20);
    expect(shop.categories).toHaveLength(8);
    expect(shop.stores.map(({ id }) => id)).toEqual(['S001', 'S002']);
  });

  test('changes nothing in a seeded database, and says so', async () => {
    const database = await databases.make();
    expect(await seed(database)).toMatch(/^Seeded 2 stores: 120 products/);
    await database.prisma.user.update({ where: { id: 'user-clerk' }, data: { active: false } });
    const before = await contents(database);
    const epoch = await database.prisma.setting.findUniqueOrThrow({ where: { name: 'epoch' } });
    expect(await seed(database)).toMatch(/seeded already/);
    expect(await contents(database)).toEqual(before);
    expect(await database.prisma.setting.findUniqueOrThrow({ where: { name: 'epoch' } })).toEqual(epoch);
  });

  test('makes documents that the API could have made', async () => {
    const database = await databases.make();
    await seed(database);
    const { products, customers, facts } = await contents(database);
    for (const row of products) {
      Product.parse(productDocument(row));
      expect(row.barcode).toBe(ean13(row.barcode?.slice(0, 12) ?? ''));
    }
    for (const row of customers) Customer.parse(customerDocument(row));
    for (const row of facts.filter(({ kind }) => kind === 'sales')) Sale.parse(factDocument('sales', row));
  });

  test('leaves every level the sum of its movements, and none negative', async () => {
    const database = await databases.make();
    await seed(database);
    const { movements, levels } = await contents(database);
    for (const { storeId, productId, qty } of levels) {
      const moved = movements.filter((row) => row.storeId === storeId && row.productId === productId);
      expect(Number(qty)).toBe(moved.reduce((sum, row) => sum + row.qty, 0));
      expect(Number(qty)).toBeGreaterThanOrEqual(0);
    }
    expect(levels).toHaveLength(240);
  });

  test('lets the demo users sign in with the demo password', async () => {
    const database = await databases.make();
    await seed(database);
    const users = await database.prisma.user.findMany({ orderBy: { username: 'asc' } });
    expect(users.map(({ username }) => username)).toEqual(['admin', 'clerk', 'clerk2', 'manager', 'manager2']);
    const fits = await Promise.all(users.map(({ passwordHash }) => verifyPassword('larder-demo', passwordHash)));
    expect(fits).toEqual([true, true, true, true, true]);
  });
});
