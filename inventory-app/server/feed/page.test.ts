import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Doc } from '@larder/sync/profile';
import { describeBothDatabases } from '../db/both-databases.ts';
import type { Database, Transaction } from '../db/open.ts';
import { epochOf, newEpoch } from '../settings.ts';
import { type Ask, type Cloud, startCloud } from '../test-cloud.ts';
import { pageAfter } from './page.ts';
import { pruneChanges } from './prune.ts';
import { recordChanges } from './record.ts';

describeBothDatabases('The change feed', (databases) => {
  let database: Database;
  let cloud: Cloud;
  let clerk: Ask;
  let manager: Ask;
  let edge: Ask;
  let start: string;
  /** Of an empty feed. */
  let beginning: string;

  beforeAll(async () => {
    database = await databases.make();
    cloud = await startCloud(database);
    clerk = await cloud.as('clerk');
    manager = await cloud.as('manager');
    edge = cloud.edge('S001');
    beginning = Buffer.from(`0.${await epochOf(database.prisma)}`).toString('base64url');
  });
  beforeEach(async () => {
    start = await cloud.end();
  });
  afterAll(() => cloud.close());

  const post = (by: Ask, path: string, body: object, headers = {}) => by(path, { method: 'POST', body, headers });
  const patch = (by: Ask, path: string, body: object) => by(path, { method: 'PATCH', body });
  const sale = (lines: number) => ({
    storeId: 'S001',
    lines: Array.from({ length: lines }, () => ({ productId: 'p1', qty: 1, unitPrice: 5 })),
  });
  const briefly = (changes: Doc[]) =>
    changes.map(({ type, resource, id }) => `${String(type)} ${String(resource ?? '')}/${String(id ?? '')}`);
  const page = async (after: string, query = '') => (await edge(`/changes?after=${after}${query}`)).body;

  test('a write shows as one transaction: its documents as their items show them, then the marker of its key', async () => {
    const sold = await post(clerk, '/sales', sale(2), { 'idempotency-key': 'feed-1' });
    const id = String(sold.body.id);
    const changes = await cloud.changes('S001', start);
    expect(briefly(changes)).toEqual([
      `put sales/${id}`,
      `put movements/${id}:1`,
      `put movements/${id}:2`,
      'put stock-levels/S001:p1',
      'marker /',
    ]);
    expect(new Set(changes.map(({ tx }) => tx)).size).toBe(1);
    for (const { cause } of changes) expect(cause).toEqual({ user: 'u-clerk', key: 'feed-1' });
    expect(changes[0]?.doc).toEqual(sold.body);
    expect(changes[3]).toMatchObject({ doc: (await clerk('/stock-levels/S001:p1')).body, version: 2 });
  });

  test('a write without a key has no cause and no marker; one that changes nothing leaves no trace', async () => {
    await patch(manager, '/products/p1', { reorderLevel: 9 });
    await patch(manager, '/products/p1', { reorderLevel: 9 });
    const changes = await cloud.changes('S001', start);
    expect(changes).toMatchObject([{ type: 'put', resource: 'products', id: 'p1', version: 2, cause: null }]);
  });

  test('pages end where transactions end, whatever the limit, and together are everything', async () => {
    for (let at = 0; at < 4; at += 1) await post(clerk, '/sales', sale(3), { 'idempotency-key': `pages-${at}` });
    const all = await cloud.changes('S001', start);
    expect(all).toHaveLength(4 * 6);
    for (const limit of [1, 5, 6, 7, 13, 24, 2000]) {
      const seen: Doc[] = [];
      let cursor = start;
      for (let more = true; more;) {
        const { data, page: paging } = (await page(cursor, `&limit=${limit}`)) as unknown as {
          data: Doc[];
          page: { next: string; more: boolean };
        };
        expect(new Set(seen.map(({ tx }) => tx))).not.toContain(data[0]?.tx);
        seen.push(...data);
        ({ next: cursor, more } = paging);
      }
      expect(seen).toEqual(all);
      expect(cursor).toBe(await cloud.end());
    }
  });

  test("another store's changes move the position and show nothing", async () => {
    await post(await cloud.as('clerk2'), '/sales', { ...sale(1), storeId: 'S002' }, { 'idempotency-key': 'theirs' });
    const { data, page: paging } = await page(start);
    expect(data).toEqual([]);
    expect(paging).toEqual({ next: await cloud.end(), more: false });
    expect((paging as Doc).next).not.toBe(start);
    expect(await cloud.changes('S002', start)).toHaveLength(4);
  });

  test('a customer who goes from store to store leaves the one and enters the other', async () => {
    const admin = await cloud.as('admin');
    const { body } = await post(admin, '/customers', { code: 'W', name: 'Wanda', storeId: 'S001' });
    const path = `/customers/${String(body.id)}`;
    const move = async (storeId: string | null) => {
      const from = await cloud.end();
      expect((await patch(admin, path, { storeId })).status).toBe(200);
      const [one, two] = await Promise.all([cloud.changes('S001', from), cloud.changes('S002', from)]);
      return [one, two].map((changes) => changes.map(({ type, version }) => [type, version]));
    };
    expect(await move('S002')).toEqual([[['remove', 2]], [['put', 2]]]);
    expect(await move(null)).toEqual([[['put', 3]], [['put', 3]]]);
    expect(await move('S001')).toEqual([[['put', 4]], [['remove', 4]]]);
  });

  test('a deleted product leaves every store, with a version above its last', async () => {
    await post(manager, '/products', { id: 'brief', sku: 'BRIEF', name: 'Brief', price: 1 });
    const from = await cloud.end();
    expect((await manager('/products/brief', { method: 'DELETE' })).status).toBe(204);
    for (const store of ['S001', 'S002'])
      expect(await cloud.changes(store, from)).toMatchObject([
        { type: 'remove', resource: 'products', id: 'brief', version: 2, doc: null },
      ]);
  });

  test.each([
    ['that is none', 'nonsense'],
    ['from far ahead', Buffer.from('999999.abc').toString('base64url')],
    ['of another epoch', Buffer.from('0.another').toString('base64url')],
  ])('a cursor %s is gone', async (_what, cursor) => {
    expect(await edge(`/changes?after=${cursor}`)).toMatchObject({ status: 410, body: { code: 'cursor-unknown' } });
  });

  test('a restored database is noticed: the position is there again, its nonce is not', async () => {
    await patch(manager, '/products/p2', { reorderLevel: 77 });
    const lost = await cloud.end();
    const [position] = Buffer.from(lost, 'base64url').toString().split('.');
    // As a restore of a backup and the next write leave it.
    await database.prisma.change.update({ where: { position: Number(position) }, data: { nonce: 'other' } });
    expect((await edge(`/changes?after=${lost}`)).status).toBe(410);
    await database.prisma.change.delete({ where: { position: Number(position) } });
    expect((await edge(`/changes?after=${lost}`)).status).toBe(410);
    expect((await edge(`/changes?after=${start}`)).status).toBe(200);
  });

  test('a new epoch stands on the next page, and old cursors still have their place', async () => {
    const epoch = await newEpoch(database);
    expect(await page(start)).toMatchObject({ epoch, data: [] });
  });

  test('what is asked wrongly is named', async () => {
    const admin = await cloud.as('admin');
    expect(await admin('/changes')).toMatchObject({ status: 400, body: { errors: [{ path: 'store' }] } });
    expect((await admin('/changes?store=S002')).status).toBe(200);
    expect(await edge('/changes?store=S002')).toMatchObject({ status: 403, body: { code: 'other-store' } });
    expect(await edge('/changes?limit=2001')).toMatchObject({ status: 400, body: { errors: [{ path: 'limit' }] } });
    expect(await edge('/changes?foo=1')).toMatchObject({ status: 400, body: { errors: [{ path: 'foo' }] } });
    expect((await cloud.ask('/changes')).status).toBe(401);
  });

  test('changes are forgotten when keys are, the newest never; a cursor before them is unknown, not skipped', async () => {
    const services = { ...cloud.services, now: () => new Date() };
    await post(clerk, '/sales', sale(1));
    const between = await cloud.end();
    await post(clerk, '/sales', sale(1));
    const old = await cloud.end();
    await database.prisma.change.updateMany({ data: { recordedAt: '2020-01-01T00:00:00.000Z' } });
    const sold = await post(clerk, '/sales', sale(1));
    expect(await pruneChanges(services)).toBeGreaterThan(5);
    for (const cursor of [start, between, old, beginning])
      expect(await edge(`/changes?after=${cursor}`)).toMatchObject({ status: 410, body: { code: 'cursor-unknown' } });
    const end = await cloud.end();
    await database.prisma.change.updateMany({ data: { recordedAt: '2020-01-01T00:00:00.000Z' } });
    await pruneChanges(services);
    expect(await database.prisma.change.count()).toBe(1);
    expect((await page(end)).data).toEqual([]);
    expect(sold.status).toBe(201);
  });

  describe('when transactions commit out of the order they began in', () => {
    const marker = (tx: Transaction, key: string, lock: typeof database.lockFeed) =>
      recordChanges({ ...database, lockFeed: lock }, tx, [], { userId: 'u', key, markerStore: 'S001' }, new Date());
    const keysAfter = async (cursor: string) => {
      const { data, page: paging } = await pageAfter(database, 'S001', cursor, 500);
      return { keys: data.map(({ cause }) => (cause as Doc).key), next: paging.next };
    };

    /** A transaction that has written itself into the feed and does not commit before it is told to. */
    async function stalled(key: string, lock: typeof database.lockFeed) {
      const written = Promise.withResolvers<void>();
      const commit = Promise.withResolvers<void>();
      const done = database.transaction(async (tx) => {
        await marker(tx, key, lock);
        written.resolve();
        await commit.promise;
      });
      await written.promise;
      return { commit: commit.resolve, done };
    }

    test('a reader skips nothing: who is second in the feed commits second', async () => {
      const first = await stalled('first', database.lockFeed);
      let secondDone = false;
      const second = database
        .transaction((tx) => marker(tx, 'second', database.lockFeed))
        .then(() => (secondDone = true));
      // The second has every chance to commit; a reader polls meanwhile.
      let cursor = start;
      for (let polls = 0; polls < 20; polls += 1) {
        const { keys, next } = await keysAfter(cursor);
        expect(keys).toEqual([]);
        cursor = next;
      }
      expect(secondDone).toBe(false);
      first.commit();
      await Promise.all([first.done, second]);
      expect((await keysAfter(cursor)).keys).toEqual(['first', 'second']);
    });

    // So that the test above is seen to test something: this is what the lock is for.
    test.runIf(databases.provider === 'postgresql')('without the lock a reader would skip the first', async () => {
      const noLock = async () => undefined;
      const first = await stalled('early', noLock);
      await database.transaction((tx) => marker(tx, 'late', noLock));
      const { keys, next } = await keysAfter(start);
      expect(keys).toEqual(['late']);
      first.commit();
      await first.done;
      expect((await keysAfter(next)).keys).toEqual([]);
      expect((await keysAfter(start)).keys).toEqual(['early', 'late']);
    });

    test('a reader who polls while sixty sales commit at once sees each key once', async () => {
      const keys = Array.from({ length: 60 }, (_, at) => `crowd-${at}`);
      let selling = true;
      const sold = Promise.all(
        keys.map((key, at) => post(clerk, '/sales', sale(1 + (at % 5)), { 'idempotency-key': key })),
      ).finally(() => (selling = false));
      const seen: unknown[] = [];
      let cursor = start;
      for (let last = false; !last;) {
        last = !selling;
        // SQLite answers without waiting for anything: let the sockets have their turn.
        await setImmediate();
        const { data, page: paging } = await pageAfter(database, 'S001', cursor, 7);
        seen.push(...data.filter(({ type }) => type === 'marker').map(({ cause }) => (cause as Doc).key));
        cursor = paging.next;
        if (paging.more) last = false;
      }
      expect((await sold).every(({ status }) => status === 201)).toBe(true);
      expect(seen.toSorted()).toEqual(keys.toSorted());
    });
  });
});
