import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Doc } from '@larder/sync/profile';
import { formatNumber, gapsIn } from '../../rules/receipt-numbers.ts';
import { describeBothDatabases } from '../db/both-databases.ts';
import { type Ask, type Cloud, startCloud } from '../test-cloud.ts';

/** From this minute on generations follow the clock, too. */
const NOW = '2026-11-01T00:00:00.000Z';

describeBothDatabases('Tills', (databases) => {
  let cloud: Cloud;
  let clerk: Ask;
  let manager: Ask;
  let now = NOW;

  beforeAll(async () => {
    cloud = await startCloud(await databases.make(), () => new Date(now));
    clerk = await cloud.as('clerk');
    manager = await cloud.as('manager');
  });
  afterAll(() => cloud.close());

  const post = (path: string, body: object, by: Ask = clerk, key?: string) =>
    by(path, { method: 'POST', body, ...(key !== undefined && { headers: { 'idempotency-key': key } }) });
  const start = (till: string, more: object = {}, by: Ask = clerk, key?: string) =>
    post('/till-starts', { storeId: 'S001', till, device: 'Tablet', ...more }, by, key);
  const exceptions = async (documentId: string) =>
    (await clerk(`/exceptions?documentId=${documentId}&sort=id`)).body.data as Doc[];
  const line = { productId: 'p1', qty: 1, unitPrice: 100 };
  const sale = (number: string, more: object = {}, by: Ask = clerk) =>
    post('/sales', { storeId: 'S001', number, lines: [line], ...more }, by);
  const gapsOf = async (till: string) => {
    const { status, body } = await manager(`/number-gaps?storeId=S001&till=${till}`);
    expect(status).toBe(200);
    return body.data as Doc[];
  };

  describe('that start at the cloud', () => {
    test('get odd generations, each its own, and are shown as they were answered, to the store alone', async () => {
      const cursor = await cloud.end();
      const first = await start('T1');
      expect(first).toMatchObject({
        status: 201,
        body: { till: 'T1', generation: 1, device: 'Tablet', startedAt: NOW, userId: 'u-clerk', version: 1 },
      });
      expect((await start('T1')).body).toMatchObject({ generation: 3 });
      expect((await start('T2')).body).toMatchObject({ generation: 1 });
      const path = `/till-starts/${String(first.body.id)}`;
      const item = await clerk(path);
      expect(item.body).toEqual(first.body);
      expect(item.headers.get('etag')).toBe(first.headers.get('etag'));
      expect((await (await cloud.as('clerk2'))(path)).status).toBe(404);
      const fed = (await cloud.changes('S001', cursor)).filter(({ resource }) => resource === 'till-starts');
      expect(fed[0]?.doc).toEqual(first.body);
      expect(fed).toHaveLength(3);
      const { data } = (await clerk('/till-starts?till=T1&sort=-generation')).body;
      expect(data).toMatchObject([{ generation: 3 }, { generation: 1 }]);
    });

    test('at one time get different generations, however many they are', async () => {
      const started = await Promise.all(Array.from({ length: 20 }, () => start('T3')));
      const generations = started.map(({ body }) => Number(body.generation)).toSorted((a, b) => a - b);
      expect(generations).toEqual(Array.from({ length: 20 }, (_, at) => 2 * at + 1));
    });

    test('under one id or one key are one start', async () => {
      const key = 'start-once';
      const [one, two] = [await start('T4', {}, clerk, key), await start('T4', {}, clerk, key)];
      expect(two.text).toBe(one.text);
      const named = await start('T4', { id: 'named' });
      expect((await start('T4', { id: 'named' }, manager)).body).toEqual(named.body);
      expect((await start('T4', { id: 'named', generation: named.body.generation })).body).toEqual(named.body);
      for (const other of [{ device: 'Another' }, { generation: 999 }, { startedAt: '2026-01-01T00:00:00.000Z' }])
        expect(await start('T4', { id: 'named', ...other })).toMatchObject({ status: 409, body: { code: 'exists' } });
      const together = await Promise.all(Array.from({ length: 5 }, () => start('T4', { id: 'together' })));
      expect(new Set(together.map(({ text }) => text)).size).toBe(1);
      expect((await clerk('/till-starts?till=T4')).body.page).toMatchObject({ total: 3 });
    });

    test('get none that a number has already which is known without its start', async () => {
      await sale('S001-T5-g40-000001');
      expect((await start('T5')).body).toMatchObject({ generation: 41 });
    });

    test('get none from before the present minute, so that a restored cloud gives none again', async () => {
      now = '2026-11-01T01:00:00.000Z';
      expect((await start('T6')).body).toMatchObject({ generation: 121 });
      now = NOW;
    });

    test.each([
      ['no till', { till: 'Till 1' }, 400, 'invalid-body'],
      ['another store', { storeId: 'S002' }, 403, 'other-store'],
      ['an unknown field', { colour: 'red' }, 400, 'invalid-body'],
    ])('with %s are refused', async (_what, more, status, code) => {
      expect(await start('T7', more)).toMatchObject({ status, body: { code } });
    });
  });

  describe('that started at the edge', () => {
    test('keep what it gave, and the cloud goes on beyond it', async () => {
      const edge = cloud.edge('S001', 'u-clerk');
      const given = { id: 'at-edge', generation: 6, startedAt: '2026-09-30T20:00:00.000Z' };
      const replayed = await start('T8', given, edge, 'k-edge');
      expect(replayed).toMatchObject({ status: 201, body: { ...given, userId: 'u-clerk' } });
      expect(await exceptions('at-edge')).toEqual([]);
      expect((await start('T8')).body).toMatchObject({ generation: 7 });
    });

    test('are taken whatever has become of who started them, and of another with the same series', async () => {
      await cloud.services.database.prisma.user.update({ where: { id: 'u-clerk2' }, data: { active: false } });
      const edge = cloud.edge('S002', 'u-clerk2');
      const there = { storeId: 'S002', generation: 4 };
      expect((await start('T1', { ...there, id: 'one-box' }, edge)).status).toBe(201);
      expect((await start('T1', { ...there, id: 'copied-box' }, edge)).status).toBe(201);
      const raised = async (id: string) => (await cloud.edge('S002')(`/exceptions?documentId=${id}&sort=id`)).body.data;
      expect(await raised('one-box')).toMatchObject([{ type: 'revoked-user', document: 'till-starts' }]);
      expect(await raised('copied-box')).toMatchObject([
        { type: 'duplicate-number', detail: 'one-box, on Tablet, has generation 4 of till T1 too.' },
        { type: 'revoked-user' },
      ]);
      expect(await start('T1', there, cloud.edge('S001', 'u-clerk'))).toMatchObject({ status: 403 });
    });
  });

  describe('with a number that another document has', () => {
    test('are an exception, of whatever kind and till the documents are', async () => {
      const number = 'S001-T9-g1-000001';
      await sale(number, { id: 'd-1', till: 'T9' });
      expect(await exceptions('d-1')).toEqual([]);
      const twice = await sale(number, { id: 'd-2' });
      expect(twice.status).toBe(201);
      expect(await exceptions('d-2')).toMatchObject([
        { type: 'duplicate-number', document: 'sales', detail: `d-1 has the number ${number} too.` },
      ]);
      await post('/returns', { storeId: 'S001', number, till: 'T9', id: 'd-3', lines: [line] });
      expect(await exceptions('d-3')).toMatchObject([{ type: 'duplicate-number', document: 'returns' }]);
      // The same number elsewhere is another one's, and written as this store's it is not a till's.
      expect((await sale(number, { id: 'd-4', storeId: 'S002' }, await cloud.as('manager2'))).status).toBe(201);
      expect((await manager('/number-gaps?storeId=S001&till=T9')).body.data).toMatchObject([{ count: 1 }]);
    });

    test('at one time are all exceptions but one', async () => {
      // Of different products, whose levels do not have one wait for the other.
      const ids = Array.from({ length: 5 }, (_, at) => `same-${at + 1}`);
      const sold = ids.map((id, at) =>
        sale('S001-T10-g1-000001', { id, lines: [{ ...line, productId: `p${at + 1}` }] }),
      );
      expect((await Promise.all(sold)).map(({ status }) => status)).toEqual([201, 201, 201, 201, 201]);
      const raised = await Promise.all(ids.map(exceptions));
      expect(raised.map((all) => all.length).toSorted()).toEqual([0, 1, 1, 1, 1]);
    });
  });

  describe('whose numbers do not all arrive', () => {
    test('have gaps, which close when late ones come, in whatever order', async () => {
      const arbitrary = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 14 });
      for (const [at, seqs] of fc.sample(arbitrary, 8).entries()) {
        const series = { storeId: 'S001', till: 'T20', generation: at + 1 };
        const arrived: number[] = [];
        for (const seq of seqs) {
          await sale(formatNumber({ ...series, seq }));
          arrived.push(seq);
        }
        const [shown] = await gapsOf('T20');
        const last = Math.max(...arrived);
        expect({ seqs, ...shown }).toEqual({
          seqs, till: 'T20', generation: at + 1, first: Math.min(...arrived), last, count: arrived.length,
          missing: last - arrived.length, gaps: gapsIn(arrived),
        }); // prettier-ignore
      }
      expect(await gapsOf('T20')).toMatchObject([8, 7, 6, 5, 4, 3, 2, 1].map((generation) => ({ generation })));
    });

    test('count returns and sales together, and each number once', async () => {
      for (const seq of [1, 3, 3]) await sale(formatNumber({ storeId: 'S001', till: 'T21', generation: 1, seq }));
      expect(await gapsOf('T21')).toMatchObject([
        { first: 1, last: 3, count: 2, missing: 1, gaps: [{ from: 2, to: 2 }] },
      ]);
      await post('/returns', { storeId: 'S001', number: 'S001-T21-g1-000002', lines: [line] });
      expect(await gapsOf('T21')).toMatchObject([{ count: 3, missing: 0, gaps: [] }]);
    });

    test('are shown within bounds: the latest hundred runs, and two hundred series', async () => {
      const row = { storeId: 'S001', documentId: 'x' };
      const { receiptNumber } = cloud.services.database.prisma;
      await receiptNumber.createMany({
        data: Array.from({ length: 150 }, (_, at) => ({ ...row, till: 'T30', generation: 1, seq: 2 * at + 2 })),
      });
      const [shown] = await gapsOf('T30');
      expect(shown).toMatchObject({ first: 2, last: 300, count: 150, missing: 150 });
      const gaps = shown?.gaps as Doc[];
      expect([gaps.length, gaps[0], gaps.at(-1)]).toEqual([100, { from: 101, to: 101 }, { from: 299, to: 299 }]);
      expect((await manager('/number-gaps?storeId=S001')).body.more).toBe(false);
      await receiptNumber.createMany({
        data: Array.from({ length: 201 }, (_, at) => ({ ...row, till: 'T31', generation: at + 1, seq: 1 })),
      });
      const { data, more } = (await manager('/number-gaps?storeId=S001&till=T31')).body;
      expect([(data as Doc[]).length, (data as Doc[])[0]?.generation, more]).toEqual([200, 201, true]);
    });

    test('are for managers of the store and for admins', async () => {
      const ask = async (by: Ask, query = 'storeId=S001') => (await by(`/number-gaps?${query}`)).body;
      expect(await ask(await cloud.as('admin'))).toMatchObject({ storeId: 'S001' });
      expect(await ask(clerk)).toMatchObject({ code: 'forbidden' });
      expect(await ask(await cloud.as('manager2'))).toMatchObject({ code: 'other-store' });
      expect(await ask(cloud.ask)).toMatchObject({ code: 'unauthenticated' });
      for (const query of ['', 'storeId=1', 'storeId=S001&till=1', 'storeId=S001&limit=1', 'storeId=S001&storeId=S001'])
        expect(await ask(manager, query)).toMatchObject({ code: 'invalid-query' });
    });
  });
});
