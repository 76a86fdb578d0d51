import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Call } from './call.ts';
import { describeBothDatabases } from './db/both-databases.ts';
import type { Database } from './db/open.ts';
import { LEASE_MS } from './idempotency.ts';
import { ProblemError } from '../rules/problems.ts';
import { type Cloud, startCloud } from './test-cloud.ts';
import { type Effect, Overtaken, write } from './write.ts';

describeBothDatabases('The write pipeline', (databases) => {
  let database: Database;
  let cloud: Cloud;
  let ahead = 0;
  let made = 0;
  const now = () => new Date(Date.now() + ahead);

  beforeAll(async () => {
    database = await databases.make();
    cloud = await startCloud(database, now);
  });
  afterAll(() => cloud.close());

  const newCall = (): Call => ({
    method: 'POST',
    url: '/api/v1/sales',
    params: {},
    query: new URLSearchParams(),
    headers: {
      authorization: 'Bearer edge_test_S001',
      'on-behalf-of': 'u-clerk',
      'idempotency-key': `write-${(made += 1)}`,
    },
    body: Buffer.from('{}'),
  });
  const takeOne: Effect = async ({ tx }) => {
    await tx.stockLevel.update({ where: { id: 'S001:p1' }, data: { qty: { decrement: 1 } } });
    return { status: 200, headers: {}, body: { took: 1 } };
  };
  const qty = async () => {
    const level = await database.prisma.stockLevel.findUniqueOrThrow({ where: { id: 'S001:p1' } });
    return Number(level.qty);
  };

  test('a fault rolls back, records nothing, and gives the key back', async () => {
    const call = newCall();
    const before = await qty();
    const start = await cloud.end();
    const failing = write(cloud.services, call, async (work) => {
      await takeOne(work);
      throw new Error('a fault');
    });
    await expect(failing).rejects.toThrow('a fault');
    expect(await qty()).toBe(before);
    expect(await cloud.changes('S001', start)).toEqual([]);
    expect(await write(cloud.services, call, takeOne)).toMatchObject({ status: 200 });
  });

  test.each(['throttled', 'unauthenticated', 'unavailable'] as const)('"%s" is never recorded', async (code) => {
    const call = newCall();
    const asking = write(cloud.services, call, async () => {
      throw new ProblemError(code);
    });
    await expect(asking).rejects.toMatchObject({ code });
    expect(await write(cloud.services, call, takeOne)).toMatchObject({ status: 200 });
  });

  test('what a refused effect did before it refused is undone', async () => {
    const before = await qty();
    const refused = await write(cloud.services, newCall(), async (work) => {
      await takeOne(work);
      throw new ProblemError('in-use');
    });
    expect(refused.status).toBe(409);
    expect(await qty()).toBe(before);
  });

  test('an effect that was overtaken runs again from the start, and counts once', async () => {
    const before = await qty();
    const start = await cloud.end();
    let runs = 0;
    await write(cloud.services, newCall(), async (work) => {
      work.changes.put('stores', null, { id: 'S001', version: 1 });
      const answer = await takeOne(work);
      runs += 1;
      if (runs < 3) throw new Overtaken();
      return answer;
    });
    expect(runs).toBe(3);
    expect(await qty()).toBe(before - 1);
    expect((await cloud.changes('S001', start)).map(({ type }) => type)).toEqual(['put', 'marker']);
  });

  test('one that is overtaken for ever is told to come back, and its key is free', async () => {
    const call = newCall();
    const losing = write(cloud.services, call, async () => {
      throw new Overtaken();
    });
    await expect(losing).rejects.toMatchObject({ code: 'unavailable' });
    expect(await write(cloud.services, call, takeOne)).toMatchObject({ status: 200 });
  });

  // SQLite has one writer: while a transaction is open nobody can take its lease over.
  test.runIf(databases.provider === 'postgresql')(
    'I2: a request that stalls in its transaction until a repeat has taken over changes nothing, and repeats that answer',
    async () => {
      const call = newCall();
      const before = await qty();
      let taken: unknown;
      const stalled = await write(cloud.services, call, async (work) => {
        ahead += LEASE_MS;
        taken = await write(cloud.services, call, takeOne);
        await work.tx.stockLevel.update({ where: { id: 'S001:p1' }, data: { qty: { decrement: 1000 } } });
        return { status: 200, headers: {}, body: { took: 1000 } };
      });
      expect(taken).toMatchObject({ status: 200, body: '{"took":1}' });
      expect(stalled).toMatchObject({ status: 200, body: '{"took":1}', headers: { 'idempotent-replayed': 'true' } });
      expect(await qty()).toBe(before - 1);
    },
  );
});
