/** Who may do what while the cloud is away: real processes, a link that is really cut. */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../stage/client.ts';
import { Stage } from '../stage/stage.ts';

const PASSWORD = 'larder-demo';
const LIMIT = 120_000;

interface Reply {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

describe('While the cloud is away', () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.start();
    await stage.ready();
  }, LIMIT);
  afterAll(() => stage.close());
  beforeEach(async () => {
    await stage.link.set('up');
    await until('the link is up', async () => (await stage.status()).link.state === 'online');
  }, LIMIT);

  async function cut(): Promise<void> {
    await stage.link.set('down');
    await until('the cut is noticed', async () => (await stage.status()).link.state === 'offline');
  }

  async function ask(path: string, { token, cookie, body }: { token?: string; cookie?: string; body?: object } = {}) {
    const response = await fetch(stage.edge.url + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(cookie !== undefined && { cookie }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
    const reply: Reply = {
      status: response.status,
      headers: response.headers,
      body: JSON.parse(await response.text()),
    };
    return reply;
  }

  const signIn = (username: string, password = PASSWORD) => ask('/api/v1/session', { body: { username, password } });
  const tokenOf = async (username: string) => String((await signIn(username)).body['token']);
  const products = (token: string) => ask('/api/v1/products?limit=1', { token });

  async function sell(token: string): Promise<Reply> {
    const { body } = await products(token);
    const [product] = body['data'] as { id: string }[];
    const lines = [{ productId: product?.id, qty: 1, unitPrice: 100 }];
    return ask('/api/v1/sales', { token, body: { storeId: 'S001', lines } });
  }

  /** As an administrator of the cloud would. */
  function inCloud(sql: string): void {
    const database = new DatabaseSync(join(stage.directory, 'cloud.db'));
    database.exec(`PRAGMA busy_timeout = 10000; ${sql}`);
    database.close();
  }
  const setClerk = (column: string) => inCloud(`UPDATE "User" SET ${column} WHERE username = 'clerk'`);

  /** What the cloud says of a sale, once it is there. */
  async function inTheCloud(id: unknown): Promise<Record<string, unknown>> {
    const manager = await stage.atCloud.signIn('manager');
    let found: Record<string, unknown> = {};
    await until('the sale is in the cloud', async () => {
      const { status, body } = await manager.get(`/sales/${String(id)}`);
      found = body;
      return status === 200;
    });
    return found;
  }

  test(
    'whoever has signed in here before signs in, sells over a kill -9, and it goes under their name',
    async () => {
      const online = await signIn('clerk');
      await cut();
      const { status, body, headers } = await signIn('clerk');
      expect([status, headers.get('larder-source')]).toEqual([200, 'replica']);
      expect(body).toMatchObject({ user: online.body['user'], token: expect.stringMatching(/^larder_/) });
      const token = String(body['token']);
      const sold = await sell(token);
      expect(sold.status).toBe(202);
      await stage.crashEdge();
      await until('it knows that it is cut off', async () => (await stage.status()).link.state === 'offline');
      expect((await products(token)).status).toBe(200);
      await stage.link.set('up');
      expect(await inTheCloud(sold.body['id'])).toMatchObject({ userId: (online.body['user'] as { id: string }).id });
    },
    LIMIT,
  );

  test(
    'I8: a wrong password, a wrong name and a name that never signed in here get one and the same answer',
    async () => {
      await signIn('clerk');
      await cut();
      const answers = [await signIn('clerk', 'wrong'), await signIn('nobody'), await signIn('manager2')];
      for (const answer of answers) {
        expect([answer.status, answer.body]).toEqual([401, answers[0]?.body]);
        expect(answer.body['code']).toBe('LARDER_SIGN_IN_OFFLINE');
      }
    },
    LIMIT,
  );

  test(
    'I8: guessing is locked out, over a kill -9 too, and other people are not',
    async () => {
      await signIn('clerk');
      await signIn('manager');
      await cut();
      for (let at = 0; at < 5; at += 1) await signIn('clerk', `wrong ${at}`);
      expect((await signIn('clerk')).body['code']).toBe('LARDER_LOCKED_OUT');
      await stage.crashEdge();
      await until('it knows that it is cut off', async () => (await stage.status()).link.state === 'offline');
      expect((await signIn('clerk')).body['code']).toBe('LARDER_LOCKED_OUT');
      expect((await signIn('manager')).status).toBe(200);
      await stage.link.set('up');
      await until('the cloud decides again', async () => (await signIn('clerk')).status === 200);
    },
    LIMIT,
  );

  test(
    'I8: who was deactivated in the cloud is out as soon as the link is back, by token and by password',
    async () => {
      const token = await tokenOf('clerk');
      expect((await products(token)).status).toBe(200);
      await cut();
      setClerk('active = 0');
      try {
        expect((await products(token)).status).toBe(200);
        const local = await tokenOf('admin').catch(() => '');
        expect(local).not.toBe(token);
        await stage.link.set('up');
        await until('the token is nothing any more', async () => (await products(token)).status === 401);
        await cut();
        expect((await products(token)).body['code']).toBe('LARDER_UNAUTHENTICATED');
        expect((await signIn('clerk')).body['code']).toBe('LARDER_SIGN_IN_OFFLINE');
      } finally {
        setClerk('active = 1');
      }
    },
    LIMIT,
  );

  test(
    'I2, I8: who was moved loses this store at the next contact, and what they sold here before is taken',
    async () => {
      const token = await tokenOf('clerk');
      await cut();
      const sold = await sell(token);
      setClerk(`"storeId" = 'S002'`);
      try {
        await stage.link.set('up');
        expect(await inTheCloud(sold.body['id'])).toMatchObject({ storeId: 'S001' });
        const manager = await stage.atCloud.signIn('manager');
        const raised = await manager.get<{ data: { type: string }[] }>(
          `/exceptions?documentId=${String(sold.body['id'])}`,
        );
        expect(raised.body.data.map(({ type }) => type)).toContain('rights-at-replay');
        // The cloud has it a moment before the edge has its answer.
        await until('nothing waits', async () => (await stage.status()).queue.length === 0);
        expect((await stage.status()).queue.inbox).toBe(0);
        await cut();
        expect((await ask('/api/v1/stock-levels', { token })).status).toBe(401);
        expect((await ask('/api/v1/sales', { token, body: { storeId: 'S001', lines: [] } })).status).toBe(401);
      } finally {
        setClerk(`"storeId" = 'S001'`);
      }
    },
    LIMIT,
  );

  test(
    'a manager vouches for somebody until midnight: they read and record facts, and are listed and ended',
    async () => {
      const manager = await tokenOf('manager');
      const clerk = await tokenOf('clerk');
      const vouch = (token: string) => ask('/_edge/people/vouchings', { token, body: { name: 'Robin' } });
      expect((await vouch(manager)).body['code']).toBe('LARDER_FORBIDDEN');
      await cut();
      expect((await vouch(clerk)).body['code']).toBe('LARDER_FORBIDDEN');
      const { status, body: vouching } = await vouch(manager);
      expect(status).toBe(201);
      expect(Date.parse(String(vouching['until'])) - Date.now()).toBeLessThanOrEqual(25 * 3_600_000);
      expect((await signIn('Robin', '00000000')).status).toBe(401);
      const robin = await signIn('Robin', String(vouching['code']));
      expect(robin.body['user']).toMatchObject({
        role: 'clerk',
        name: expect.stringMatching(/^Robin, vouched for by/),
      });
      const token = String(robin.body['token']);
      const sold = await sell(token);
      expect(sold.status).toBe(202);
      const proposal = await ask('/api/v1/customers', { token, body: { code: 'X', name: 'X' } });
      expect([proposal.status, proposal.body['code']]).toEqual([403, 'LARDER_FACTS_ONLY']);
      expect((await vouch(token)).body['code']).toBe('LARDER_FORBIDDEN');
      const listed = await ask('/_edge/people/vouchings', { token: manager });
      expect(listed.body['vouchings']).toContainEqual(expect.objectContaining({ name: 'Robin', ended: null }));
      expect(JSON.stringify(listed.body)).not.toContain(String(vouching['code']));
      await ask('/_edge/people/vouchings/end', { token: manager, body: { id: vouching['id'] } });
      expect((await products(token)).status).toBe(401);
      expect((await signIn('Robin', String(vouching['code']))).status).toBe(401);
      await stage.link.set('up');
      expect(await inTheCloud(sold.body['id'])).toMatchObject({ storeId: 'S001' });
    },
    LIMIT,
  );

  test(
    'I8: a PIN switches on the device where it was set and somebody is signed in, and nowhere else',
    async () => {
      const clerk = await tokenOf('clerk');
      const set = await ask('/_edge/people/pin', { token: clerk, body: { pin: '4711' } });
      expect([set.status, set.body]).toEqual([200, { people: ['clerk'] }]);
      const given = set.headers.get('set-cookie') ?? '';
      expect(given).toMatch(/HttpOnly; SameSite=Strict/);
      const cookie = given.split(';', 1)[0] ?? '';
      const manager = await tokenOf('manager');
      const change = (pin: string, more: { token?: string; cookie?: string }) =>
        ask('/_edge/people/switch', { ...more, body: { name: 'clerk', pin } });
      const statuses = [
        await change('4711', { token: manager }),
        await change('4711', { token: manager, cookie: `larder-device=${'a'.repeat(43)}` }),
        await change('4711', { cookie }),
        await change('0000', { token: manager, cookie }),
      ].map(({ status }) => status);
      expect(statuses).toEqual([401, 401, 401, 401]);
      await cut();
      const switched = await change('4711', { token: manager, cookie });
      expect([switched.status, switched.body['token']]).toEqual([200, clerk]);
      for (const wrong of ['1111', '2222', '3333']) await change(wrong, { token: manager, cookie });
      expect((await change('4711', { token: manager, cookie })).status).toBe(401);
    },
    LIMIT,
  );
});
