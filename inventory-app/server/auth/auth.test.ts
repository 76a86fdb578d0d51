import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Doc } from '@larder/sync/profile';
import { describeBothDatabases } from '../db/both-databases.ts';
import type { Database } from '../db/open.ts';
import { type Ask, type Cloud, startCloud } from '../test-cloud.ts';

const HOUR = 60 * 60 * 1000;

describeBothDatabases('Who may do what', (databases) => {
  let database: Database;
  let cloud: Cloud;
  let clerk: Ask;
  let ahead = 0;

  beforeAll(async () => {
    database = await databases.make();
    cloud = await startCloud(database, () => new Date(Date.now() + ahead));
    clerk = await cloud.as('clerk');
    await database.prisma.user.create({
      data: {
        id: 'u-gone',
        username: 'gone',
        name: 'Gone',
        role: 'clerk',
        storeId: 'S001',
        active: false,
        passwordHash: '',
      },
    });
  });
  afterAll(() => cloud.close());

  const login = (username: string, password: string) =>
    cloud.ask('/session', { method: 'POST', body: { username, password } });
  const post = (by: Ask, path: string, body: object) => by(path, { method: 'POST', body });
  const sale = (storeId = 'S001') => ({ storeId, lines: [{ productId: 'p1', qty: 1, unitPrice: 5 }] });
  const category = { name: 'Spices' };
  const exceptionsOf = async (sold: { body: Doc }) => {
    const { body } = await cloud.edge('S001')(`/exceptions?documentId=${String(sold.body.id)}`);
    return (body.data as Doc[]).map(({ type }) => type);
  };

  test('a session is a token that the published keys verify', async () => {
    const { status, body, headers } = await login('clerk', 'larder-demo');
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(body.user).toEqual({
      id: 'u-clerk',
      username: 'clerk',
      name: 'clerk',
      role: 'clerk',
      storeId: 'S001',
      active: true,
      version: 1,
    });
    const keys = createRemoteJWKSet(new URL(`${cloud.url}/.well-known/jwks.json`));
    const { payload, protectedHeader } = await jwtVerify(String(body.token), keys, { issuer: 'inventory-app' });
    expect(protectedHeader.alg).toBe('ES256');
    expect(payload).toMatchObject({ sub: 'u-clerk', username: 'clerk', name: 'clerk', role: 'clerk', storeId: 'S001' });
    expect(Date.parse(String(body.expiresAt))).toBe((payload.exp ?? 0) * 1000);
    expect((await cloud.ask('/.well-known/jwks.json')).text).not.toContain('"d"');
  });

  test.each([
    ['clerk', 'wrong'],
    ['nobody', 'larder-demo'],
    ['gone', 'larder-demo'],
  ])('%s with %s gets no session, and no reason', async (username, password) => {
    const { status, body } = await login(username, password);
    expect([status, body.code]).toEqual([401, 'wrong-credentials']);
  });

  test('a name at which many passwords were guessed is not looked at for a while, whether anybody has it or not', async () => {
    for (const name of ['guessed', 'manager2']) {
      const answers = [];
      for (let at = 0; at < 12; at += 1) answers.push(await login(name, 'wrong'));
      const statuses = answers.map(({ status }) => status);
      expect([name, statuses.slice(0, 10), statuses.at(-1)]).toEqual([name, Array(10).fill(401), 429]);
      expect(Number(answers.at(-1)?.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect((await login('manager2', 'larder-demo')).status).toBe(429);
    expect((await login('clerk', 'larder-demo')).status).toBe(200);
    ahead = HOUR;
    expect((await login('manager2', 'larder-demo')).status).toBe(200);
    ahead = 0;
  });

  test('an edge learns who may act in its store now, and of others nothing', async () => {
    const users = 'u-clerk,u-admin,u-manager2,u-gone,u-nobody';
    const { status, body } = await cloud.edge('S001')(`/standings?users=${users}`);
    expect(status).toBe(200);
    const data = body.data as Doc[];
    expect(data.map(({ sub }) => sub).sort()).toEqual(['u-admin', 'u-clerk']);
    expect(data).toContainEqual({ sub: 'u-clerk', username: 'clerk', name: 'clerk', role: 'clerk', storeId: 'S001' });
    expect(await clerk(`/standings?users=${users}`)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    const many = Array.from({ length: 201 }, (_, at) => `u${at}`).join(',');
    expect((await cloud.edge('S001')(`/standings?users=${many}`)).status).toBe(400);
  });

  test('a token lasts twelve hours', async () => {
    const early = await cloud.as('clerk');
    ahead = 11.9 * HOUR;
    expect((await early('/stores')).status).toBe(200);
    ahead = 12.1 * HOUR;
    expect(await early('/stores')).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    ahead = 0;
  });

  test.each(['', 'Basic YTpi', 'Bearer', 'Bearer x.y.z', 'Bearer edge_unknown', 'Bearer a b'])(
    'the credential "%s" is none',
    async (authorization) => {
      const { status, headers } = await cloud.ask('/stores', { headers: { authorization } });
      expect([status, headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    },
  );

  test('who is no longer active is no longer signed in, whatever their token says', async () => {
    const manager2 = await cloud.as('manager2');
    const active = (yes: boolean) =>
      database.prisma.user.update({ where: { id: 'u-manager2' }, data: { active: yes } });
    await active(false);
    expect((await manager2('/stores')).status).toBe(401);
    await active(true);
    expect((await manager2('/stores')).status).toBe(200);
  });

  test('a clerk sells in their own store, keeps customers, and leaves the catalogue alone', async () => {
    expect((await post(clerk, '/sales', sale())).status).toBe(201);
    expect(await post(clerk, '/sales', sale('S002'))).toMatchObject({ status: 403, body: { code: 'other-store' } });
    expect((await post(clerk, '/customers', { code: 'K', name: 'Kim', storeId: 'S001' })).status).toBe(201);
    expect(await post(clerk, '/customers', { code: 'L', name: 'Lee', storeId: 'S002' })).toMatchObject({
      status: 403,
      body: { code: 'other-store' },
    });
    expect(await post(clerk, '/categories', category)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(await clerk('/products/p1', { method: 'PATCH', body: { price: 1 } })).toMatchObject({ status: 403 });
    expect(await clerk('/products/p1', { method: 'DELETE' })).toMatchObject({ status: 403 });
    // Rights come before validation: what may not be asked is not discussed.
    expect(await clerk('/products', { method: 'POST', body: '{' })).toMatchObject({ status: 403 });
  });

  test('an edge writes only on behalf of somebody', async () => {
    expect(await post(cloud.edge('S001'), '/sales', sale())).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
    expect((await post(cloud.edge('S001', 'u-nobody'), '/sales', sale())).status).toBe(403);
    const sold = await post(cloud.edge('S001', 'u-clerk'), '/sales', sale());
    expect(sold).toMatchObject({ status: 201, body: { userId: 'u-clerk' } });
    expect(await exceptionsOf(sold)).toEqual([]);
    expect((await post(cloud.edge('S001', 'u-admin'), '/sales', sale())).status).toBe(201);
  });

  test('On-Behalf-Of counts for nothing with a token of one’s own', async () => {
    const sold = await clerk('/sales', { method: 'POST', body: sale(), headers: { 'on-behalf-of': 'u-admin' } });
    expect(sold.body.userId).toBe('u-clerk');
  });

  test("an edge speaks for its own store only, on an admin's behalf too", async () => {
    const asAdmin = cloud.edge('S001', 'u-admin');
    expect(await post(asAdmin, '/sales', sale('S002'))).toMatchObject({ status: 403, body: { code: 'other-store' } });
    expect(await post(asAdmin, '/customers', { code: 'M', name: 'Mo', storeId: 'S002' })).toMatchObject({
      status: 403,
    });
    expect((await post(asAdmin, '/categories', category)).status).toBe(201);
  });

  test('what a user did is taken after they were deactivated, with an exception; what they ask for is not', async () => {
    const gone = cloud.edge('S001', 'u-gone');
    const sold = await post(gone, '/sales', sale());
    expect(sold).toMatchObject({ status: 201, body: { userId: 'u-gone' } });
    expect(await exceptionsOf(sold)).toEqual(['revoked-user']);
    expect(await post(gone, '/customers', { code: 'N', name: 'Ned' })).toMatchObject({ status: 403 });
  });

  test('what a user did where they do not work (any more) is taken with an exception; what they ask for is not', async () => {
    const moved = cloud.edge('S001', 'u-manager2');
    const sold = await post(moved, '/sales', sale());
    expect(sold.status).toBe(201);
    expect(await exceptionsOf(sold)).toEqual(['rights-at-replay']);
    expect(await post(moved, '/categories', category)).toMatchObject({ status: 403, body: { code: 'other-store' } });
  });

  test("an edge sees the marker of what it sent, wherever the user's own store is", async () => {
    const start = await cloud.end();
    const headers = { 'idempotency-key': 'moved-1' };
    await cloud.edge('S001', 'u-manager2')('/sales', { method: 'POST', body: sale(), headers });
    const changes = await cloud.changes('S001', start);
    expect(changes.at(-1)).toMatchObject({ type: 'marker', cause: { user: 'u-manager2', key: 'moved-1' } });
  });
});
