import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Doc } from '@larder/sync/profile';
import { describeBothDatabases } from './db/both-databases.ts';
import type { Database } from './db/open.ts';
import { LEASE_MS, LeaseLost, claimKey, completeKey, purgeKeys, releaseKey } from './idempotency.ts';
import { type Ask, type Cloud, startCloud } from './test-cloud.ts';

describeBothDatabases('An Idempotency-Key', (databases) => {
  let database: Database;
  let cloud: Cloud;
  let clerk: Ask;
  let manager: Ask;
  let start: string;
  let made = 0;
  let ahead = 0;
  const now = () => new Date(Date.now() + ahead);

  beforeAll(async () => {
    database = await databases.make();
    cloud = await startCloud(database, now);
    clerk = await cloud.as('clerk');
    manager = await cloud.as('manager');
  });
  beforeEach(async () => {
    start = await cloud.end();
  });
  afterAll(() => cloud.close());

  const newKey = () => `key-${(made += 1)}`;
  const sale = { storeId: 'S001', lines: [{ productId: 'p1', qty: 1, unitPrice: 5 }] };
  const sell = (key: string, body: unknown = sale, by: Ask = clerk) =>
    by('/sales', { method: 'POST', body, headers: { 'idempotency-key': key } });
  const qty = async () => Number((await clerk('/stock-levels/S001:p1')).body.qty);
  const markers = async (key: string) =>
    (await cloud.changes('S001', start)).filter(({ type, cause }) => type === 'marker' && (cause as Doc).key === key);

  test('I2: a repeat gets the recorded answer to the byte, and nothing happens twice', async () => {
    const key = newKey();
    const before = await qty();
    const first = await sell(key);
    const again = await sell(key);
    expect(first.status).toBe(201);
    expect(first.headers.get('idempotent-replayed')).toBeNull();
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.text).toBe(first.text);
    expect(again.status).toBe(first.status);
    for (const name of ['etag', 'location', 'content-type'])
      expect(again.headers.get(name)).toBe(first.headers.get(name));
    expect(await qty()).toBe(before - 1);
    expect(await markers(key)).toHaveLength(1);
  });

  test('I2: of many repeats at one time one takes effect, and the others are in flight or repeats of it', async () => {
    const key = newKey();
    const before = await qty();
    const answers = await Promise.all(Array.from({ length: 20 }, () => sell(key)));
    const firsts = answers.filter(({ status, headers }) => status === 201 && !headers.has('idempotent-replayed'));
    expect(firsts).toHaveLength(1);
    const [repeats, others] = [201, 409].map((code) => answers.filter(({ status }) => status === code));
    expect(new Set(repeats?.map(({ text }) => text))).toEqual(new Set([firsts[0]?.text]));
    for (const { body, headers } of others ?? [])
      expect([body.code, headers.get('retry-after')]).toEqual(['in-flight', '1']);
    expect((repeats?.length ?? 0) + (others?.length ?? 0)).toBe(20);
    expect(await qty()).toBe(before - 1);
    expect(await markers(key)).toHaveLength(1);
  });

  test('a refusal is final too, and has its marker', async () => {
    const key = newKey();
    const refused = await sell(key, { ...sale, lines: [] });
    expect(refused).toMatchObject({ status: 400, body: { code: 'invalid-body' } });
    const again = await sell(key, { ...sale, lines: [] });
    expect(again.text).toBe(refused.text);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    const changes = await cloud.changes('S001', start);
    expect(changes).toEqual([{ type: 'marker', cause: { user: 'u-clerk', key }, tx: expect.any(String) as string }]);
  });

  test('a refusal stays what it was when its reason has gone', async () => {
    const key = newKey();
    const etag = String((await manager('/products/p2')).headers.get('etag'));
    const edit = (name: string, headers: Record<string, string>) =>
      manager('/products/p2', { method: 'PATCH', body: { name }, headers });
    const refused = await edit('Once', { 'idempotency-key': key, 'if-match': '"v9-0"' });
    expect(refused).toMatchObject({ status: 412, body: { code: 'precondition-failed' } });
    // The key is looked up before preconditions: this one would hold now.
    const again = await edit('Once', { 'idempotency-key': key, 'if-match': etag });
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([412, 'true']);
  });

  test.each([
    ['another body', '/sales', 'POST', { ...sale, note: 'other' }],
    ['another path', '/returns', 'POST', sale],
    ['another query', '/sales?x=1', 'POST', sale],
    ['white space', '/sales', 'POST', `${JSON.stringify(sale)} `],
    ['something invalid', '/sales', 'POST', '{'],
    ['something forbidden', '/products', 'POST', {}],
  ])('%s under a used key is a mismatch, before anything else is said about it', async (_what, path, method, body) => {
    const key = newKey();
    await sell(key);
    const answer = await clerk(path, { method, body, headers: { 'idempotency-key': key } });
    expect(answer).toMatchObject({ status: 422, body: { code: 'key-mismatch' } });
  });

  test('authentication comes before the key, and is never recorded', async () => {
    const key = newKey();
    const anyone = await cloud.ask('/sales', { method: 'POST', body: sale, headers: { 'idempotency-key': key } });
    expect(anyone).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect(anyone.headers.get('www-authenticate')).toBe('Bearer');
    expect((await sell(key)).status).toBe(201);
  });

  test('two users may use one key', async () => {
    const key = newKey();
    const answers = [await sell(key), await sell(key, sale, manager)];
    expect(answers.map(({ headers }) => headers.get('idempotent-replayed'))).toEqual([null, null]);
    expect(await markers(key)).toHaveLength(2);
  });

  test.each(['', 'a b', 'é', 'x'.repeat(256)])('%j is no key', async (key) => {
    // Written by hand: fetch refuses some of these itself.
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { authorization: `Bearer edge_test_S001`, 'on-behalf-of': 'u-clerk', 'idempotency-key': key };
      const sending = httpRequest(`${cloud.url}/api/v1/sales`, { method: 'POST', headers }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode));
      });
      sending.once('error', reject).end(JSON.stringify(sale));
    });
    expect(status).toBe(400);
  });

  describe('whose holder died', () => {
    const scope = { userId: 'u-clerk', key: '' };
    const claim = (key: string) => claimKey(cloud.services, { ...scope, key }, 'a fingerprint');
    const lease = async (key: string) => {
      const claimed = await claim(key);
      if (claimed.type !== 'leased') throw new Error(`the claim came to ${claimed.type}`);
      return claimed.lease;
    };
    const answer = { status: 201, headers: { etag: '"v1-a"' }, body: '{}' };

    test('is in flight until its lease runs out, and can then be taken over', async () => {
      const key = newKey();
      // As a process leaves it that dies between the claim and the commit.
      const body = JSON.stringify(sale);
      const { fingerprintOf } = await import('./idempotency.ts');
      const fingerprint = fingerprintOf({ method: 'POST', url: '/api/v1/sales', body: Buffer.from(body) });
      await claimKey(cloud.services, { ...scope, key }, fingerprint);
      expect(await sell(key, body)).toMatchObject({ status: 409, body: { code: 'in-flight' } });
      ahead += LEASE_MS;
      expect(await sell(key, body)).toMatchObject({ status: 201 });
      expect(await markers(key)).toHaveLength(1);
    });

    test('I2: fences the old holder off: what it did rolls back with its commit', async () => {
      const key = newKey();
      const old = await lease(key);
      ahead += LEASE_MS;
      const taken = await lease(key);
      const stalled = database.transaction(async (tx) => {
        await tx.stockLevel.update({ where: { id: 'S001:p3' }, data: { qty: { decrement: 1000 } } });
        await completeKey(tx, old, answer);
      });
      await expect(stalled).rejects.toThrow(LeaseLost);
      expect((await clerk('/stock-levels/S001:p3')).body.qty).toBe(100);
      await database.transaction((tx) => completeKey(tx, taken, answer));
      expect(await claim(key)).toEqual({ type: 'done', answer });
    });

    test('is given to one of many who would take over', async () => {
      const key = newKey();
      await lease(key);
      ahead += LEASE_MS;
      const claims = await Promise.all(Array.from({ length: 10 }, () => claim(key)));
      expect(claims.filter(({ type }) => type === 'leased')).toHaveLength(1);
      expect(claims.filter(({ type }) => type === 'in-flight')).toHaveLength(9);
    });

    test('is not given back by an old holder, nor once it is done', async () => {
      const key = newKey();
      const old = await lease(key);
      ahead += LEASE_MS;
      const taken = await lease(key);
      await releaseKey(cloud.services, old);
      expect((await claim(key)).type).toBe('in-flight');
      await database.transaction((tx) => completeKey(tx, taken, answer));
      await releaseKey(cloud.services, taken);
      expect((await claim(key)).type).toBe('done');
    });

    test('is kept for 90 days', async () => {
      const key = newKey();
      const taken = await lease(key);
      await database.transaction((tx) => completeKey(tx, taken, answer));
      const day = 24 * 60 * 60 * 1000;
      ahead += 89 * day;
      await purgeKeys(cloud.services);
      expect((await claim(key)).type).toBe('done');
      ahead += 2 * day;
      await purgeKeys(cloud.services);
      expect((await claim(key)).type).toBe('leased');
    });
  });
});
