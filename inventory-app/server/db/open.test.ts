import { expect, test } from 'vitest';
import { describeBothDatabases } from './both-databases.ts';
import { openConnection } from './connection.ts';
import { openDatabase, type Transaction } from './open.ts';

const setting = (name: string, value: string) => ({ data: { name, value } });

describeBothDatabases('A database', (databases) => {
  test('keeps what a transaction wrote, and nothing of one that threw', async () => {
    const db = await databases.make();
    await db.transaction((tx) => tx.setting.create(setting('kept', '1')));
    const failed = db.transaction(async (tx) => {
      await tx.setting.create(setting('lost', '1'));
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(await db.prisma.setting.findMany()).toEqual([{ name: 'kept', value: '1' }]);
  });

  test('shows a reader outside a transaction nothing of it before it commits', async () => {
    const db = await databases.make();
    const seen = await db.transaction(async (tx) => {
      await tx.setting.create(setting('a', '1'));
      return db.prisma.setting.count();
    });
    expect(seen).toBe(0);
    expect(await db.prisma.setting.count()).toBe(1);
  });

  test('keeps a write that was made beside a transaction which rolls back', async () => {
    const db = await databases.make();
    let beside: Promise<unknown> = Promise.resolve();
    const failed = db.transaction(async (tx) => {
      await tx.setting.create(setting('inside', '1'));
      // Prisma sends a query only when somebody waits for it.
      beside = db.prisma.setting.create(setting('beside', '1')).then(() => undefined);
      await tx.setting.create(setting('inside too', '1'));
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    await beside;
    expect(await db.prisma.setting.findMany()).toEqual([{ name: 'beside', value: '1' }]);
  });

  test('gives money as bigint and positions as numbers, filtered by numbers', async () => {
    const db = await databases.make();
    const row = { tx: 't', nonce: 'n', type: 'marker', recordedAt: '2026-01-01T00:00:00.000Z' };
    const made = await db.transaction((tx) => tx.change.create({ data: row }));
    expect(made.position).toBe(1);
    await db.prisma.change.createMany({ data: [row, row] });
    const found = await db.prisma.change.findMany({ where: { position: { gt: 1 } }, orderBy: { position: 'asc' } });
    expect(found.map(({ position }) => position)).toEqual([2, 3]);
    const head = { kind: 'sales', storeId: 'S001', businessDate: '2026-01-01', occurredAt: 'x', recordedAt: 'x' };
    const fact = await db.prisma.fact.create({
      data: { ...head, id: 'f', userId: 'u', total: 9_007_199_254_740_993n },
    });
    expect(fact.total).toBe(9_007_199_254_740_993n);
  });

  test('tells that a unique value is taken as Prisma does, whatever the driver', async () => {
    const db = await databases.make();
    const product = { name: 'Mug', unit: 'pcs', price: 1n, cost: 0n, reorderLevel: 0, search: '', createdAt: 'x' };
    const data = { ...product, id: 'a', sku: 'MUG', updatedAt: 'x' };
    await db.prisma.product.create({ data });
    const taken = db.transaction((tx) => tx.product.create({ data: { ...data, id: 'b' } }));
    await expect(taken).rejects.toMatchObject({ code: 'P2002' });
    expect(await db.prisma.product.findMany({ select: { id: true, barcode: true, active: true } })).toEqual([
      { id: 'a', barcode: null, active: true },
    ]);
  });

  test('refuses a line without its fact', async () => {
    const db = await databases.make();
    const orphan = db.prisma.factLine.create({ data: { factId: 'none', lineNo: 1, productId: 'P', qty: 1 } });
    await expect(orphan).rejects.toMatchObject({ code: 'P2003' });
  });

  test('orders text by its bytes', async () => {
    const db = await databases.make();
    const names = ['b', 'B', 'a', 'ä', 'A', '_', 'Ω', '😀', 'Z'];
    await db.prisma.setting.createMany({ data: names.map((name) => ({ name, value: '' })) });
    const rows = await db.prisma.setting.findMany({ orderBy: { name: 'asc' } });
    expect(rows.map(({ name }) => name)).toEqual(
      names.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other))),
    );
  });

  test('loses no increment of many concurrent transactions', async () => {
    const db = await databases.make();
    const level = { storeId: 'S001', productId: 'P', updatedAt: 'x' };
    await db.prisma.stockLevel.create({ data: { ...level, id: 'S001:P', qty: 0 } });
    const add = async (tx: Transaction) => {
      const { qty } = await tx.stockLevel.update({ where: { id: 'S001:P' }, data: { qty: { increment: 1 } } });
      return Number(qty);
    };
    const results = await Promise.all(Array.from({ length: 40 }, () => db.transaction(add)));
    expect(results.toSorted((one, other) => one - other)).toEqual(Array.from({ length: 40 }, (_, n) => n + 1));
  });

  const writes = {
    'a query': (tx: Transaction, name: string, value: string) =>
      tx.setting.update({ where: { name }, data: { value } }),
    'raw SQL': (tx: Transaction, name: string, value: string) =>
      tx.$executeRaw`UPDATE "Setting" SET value = ${value} WHERE name = ${name}`,
  };
  test.each(Object.entries(writes))('runs a transaction again that ended in a deadlock, in %s', async (_, write) => {
    const db = await databases.make();
    await db.prisma.setting.createMany({ data: ['a', 'b'].map((name) => ({ name, value: '' })) });
    const held = new Set<string>();
    const bothHold = Promise.withResolvers<void>();
    const swap = (first: string, second: string) =>
      db.transaction(async (tx) => {
        await write(tx, first, second);
        held.add(first);
        if (held.size === 2) bothHold.resolve();
        // SQLite has one writer: the other cannot have come this far, and they cannot collide.
        if (databases.provider === 'postgresql') await bothHold.promise;
        await write(tx, second, first);
      });
    await Promise.all([swap('a', 'b'), swap('b', 'a')]);
    const values = await db.prisma.setting.findMany({ orderBy: { name: 'asc' } });
    expect(values.map(({ value }) => value)).toEqual(['b', 'a']);
  });

  test('waits for a process that is writing', async () => {
    const db = await databases.make();
    const other = await openConnection(db.url);
    await other.script(databases.provider === 'sqlite' ? 'BEGIN IMMEDIATE' : 'BEGIN');
    await other.query('INSERT INTO "Setting" (name, value) VALUES ($1, $2)', 'a', 'theirs');
    const ours = db.transaction((tx) =>
      tx.setting.upsert({ where: { name: 'a' }, create: { name: 'a', value: 'ours' }, update: { value: 'ours' } }),
    );
    await db.prisma.setting.count();
    await other.script('COMMIT');
    await other.close();
    await ours;
    expect(await db.prisma.setting.findMany()).toEqual([{ name: 'a', value: 'ours' }]);
  });

  test('lets positions ascend in commit order once the feed is locked', async () => {
    const db = await databases.make();
    const row = (tx: string) => ({ tx, nonce: 'n', type: 'marker', recordedAt: 'x' });
    const order: string[] = [];
    const write = (name: string) =>
      db.transaction(async (tx) => {
        await db.lockFeed(tx);
        await tx.change.create({ data: row(name) });
        order.push(name);
        await tx.change.count();
      });
    const names = Array.from({ length: 12 }, (_, n) => `t${n}`);
    await Promise.all(names.map(write));
    const rows = await db.prisma.change.findMany({ orderBy: { position: 'asc' } });
    expect(rows.map(({ tx }) => tx)).toEqual(order);
  });
});

test('An address of another kind is refused without repeating it', async () => {
  await expect(openDatabase('mysql://root:secret@host/db')).rejects.toThrow(/^DATABASE_URL must be file:/u);
  await expect(openDatabase('file::memory:')).rejects.toThrow(/^DATABASE_URL must be file:/u);
});

test('A PostgreSQL that is not there is told at once', async () => {
  await expect(openDatabase('postgresql://nobody@127.0.0.1:1/none')).rejects.toThrow(/reach|refused/u);
});
