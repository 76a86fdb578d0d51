/** The inbox against real processes: what a store's people and its operator see of conflicts, and what they can do. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../stage/client.ts';
import { runProcess } from '../stage/process.ts';
import { Stage } from '../stage/stage.ts';
import { signIn, type Staff } from '../store-day/store-day.ts';

let stage: Stage;
let staff: Staff;

beforeAll(async () => {
  stage = await Stage.start();
  await stage.ready();
  staff = await signIn(stage);
});
afterAll(() => stage.close());

interface Item {
  seq: number;
  kind: string | null;
  reason: string;
  conflict: { type: string; fields: { field: string; current: unknown; wanted: unknown }[]; by: string; at: string };
  history: { action: string; who: string }[];
}

const larder = async (...args: string[]) => {
  const shared = ['--edge', stage.edge.url, '--data', join(stage.directory, 'edge')];
  return runProcess({ name: 'larder inbox', file: 'proxy/src/main.ts', args: ['inbox', ...args, ...shared] });
};
const json = async <T>(...args: string[]) => JSON.parse(await larder(...args, '--json')) as T;

/** As a page of the app would ask, with its user's token; null: without one. */
async function ask<T>(path: string, token: string | null, body?: unknown): Promise<{ status: number; body: T }> {
  const response = await fetch(`${stage.edge.url}/_edge/inbox${path}`, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
  });
  return { status: response.status, body: (await response.json()) as T };
}
const tokenOf = async (username: string) => {
  const body = { username, password: 'larder-demo' };
  const answer = await stage.atEdge.send<{ token: string }>('POST', '/session', body);
  return answer.body.token;
};

let made = 0;
async function newProduct(): Promise<string> {
  made += 1;
  const body = { sku: `INBOX-${made}`, name: `Disputed ${made}`, price: 100 };
  const answer = await staff.manager.write('POST', '/products', body);
  expect(answer.status).toBe(201);
  return String(answer.body['id']);
}

const inbox = (count: number) =>
  until(`${count} in the inbox, nothing waiting`, async () => {
    const { queue } = await stage.status();
    return queue.inbox === count && queue.length === 0;
  });

/** What the manager does while the store is cut off, and what somebody elsewhere does meanwhile. */
async function apart(offline: () => Promise<unknown>, elsewhere: () => Promise<unknown>): Promise<void> {
  await stage.link.set('down');
  await until('the cut is noticed', async () => (await stage.status()).link.state === 'offline');
  await offline();
  await elsewhere();
  await stage.link.set('up');
}

test('the same field twice: both values, who and when; tried again from the command line, it has its way', async () => {
  const [id, manager, clerk] = [await newProduct(), await tokenOf('manager'), await tokenOf('clerk')];
  await apart(
    () => staff.manager.write('PATCH', `/products/${id}`, { price: 300 }),
    () => staff.elsewhere.write('PATCH', `/products/${id}`, { price: 200 }),
  );
  await inbox(1);
  expect((await ask<{ data: Item[] }>('', clerk)).body.data).toEqual([]);
  expect((await ask('', null)).status).toBe(401);
  expect((await ask('', 'nonsense')).status).toBe(401);
  const [item] = (await ask<{ data: Item[] }>('?kind=conflict', manager)).body.data;
  const seq = item?.seq ?? 0;
  expect((await ask(`/${seq}`, clerk)).status).toBe(404);
  expect((await ask<Item>(`/${seq}`, manager)).body.conflict).toMatchObject({
    type: 'same-field',
    fields: [{ field: 'price', current: 200, wanted: 300 }],
    by: expect.stringMatching(/\w/),
    at: expect.stringMatching(/Z$/),
  });
  const metrics = await (await fetch(`${stage.edge.url}/metrics`)).text();
  expect(metrics).toMatch(/^larder_inbox_entries\{kind="conflict".*\} 1$/m);
  expect(metrics).toMatch(/^larder_inbox_oldest_seconds.* [0-9.]+$/m);

  expect(await larder('list')).toContain(`#${seq}  conflict  PATCH /api/v1/products/${id}`);
  expect(await larder('show', String(seq))).toContain('price 200 becomes 300');
  await stage.crashEdge();
  expect(await json<{ retried: unknown[] }>('retry', String(seq))).toMatchObject({ retried: [{ seq }] });
  await stage.crashEdge();
  await inbox(0);
  expect((await staff.manager.at(stage.cloud.url).get(`/products/${id}`)).body).toMatchObject({ price: 300 });
  expect((await json<Item>('show', String(seq))).history).toMatchObject([
    { action: 'retry', who: expect.stringMatching(/^operator at/) },
  ]);
  await expect(larder('discard', String(seq))).rejects.toThrow('LARDER_ENTRY_DONE');
});

test('a deletion against an edit, and an edit against a deletion, are conflicts', async () => {
  const [edited, deleted, manager] = [await newProduct(), await newProduct(), await tokenOf('manager')];
  await until('the store knows both', async () => (await staff.manager.get(`/products/${deleted}`)).status === 200);
  await apart(
    async () => {
      expect((await staff.manager.write('DELETE', `/products/${edited}`, undefined)).status).toBe(202);
      expect((await staff.manager.write('PATCH', `/products/${deleted}`, { price: 1 })).status).toBe(202);
    },
    async () => {
      expect((await staff.elsewhere.write('PATCH', `/products/${edited}`, { price: 2 })).status).toBe(200);
      expect((await staff.elsewhere.write('DELETE', `/products/${deleted}`, undefined)).status).toBe(204);
    },
  );
  await inbox(2);
  const { data } = (await ask<{ data: Item[] }>('', manager)).body;
  const details = await Promise.all(data.map(async ({ seq }) => (await ask<Item>(`/${seq}`, manager)).body));
  expect(details.map(({ conflict }) => [conflict.type, /\w/.test(conflict.by)])).toEqual([
    ['delete-of-edited', true],
    ['edit-of-deleted', true],
  ]);
  // Nothing was deleted that its deleter had not seen, and the store sees it again.
  expect((await staff.manager.get(`/products/${edited}`)).body).toMatchObject({ price: 2 });
  const [first, second] = details.map(({ seq }) => seq);
  expect((await ask(`/${first}/retry`, manager, {})).status).toBe(200);
  expect((await ask<{ code: string }>(`/${second}/retry`, manager, {})).body.code).toBe('LARDER_RETRY_REFUSED');
  expect((await ask(`/${second}/discard`, manager, {})).status).toBe(200);
  await inbox(0);
  expect((await staff.manager.at(stage.cloud.url).get(`/products/${edited}`)).status).toBe(404);
});

test('what is not understood is said, and nothing is done', async () => {
  const manager = await tokenOf('manager');
  const code = async (path: string, body?: unknown) => (await ask<{ code: string }>(path, manager, body)).body.code;
  expect(await code('?kind=nonsense')).toBe('LARDER_BODY_INVALID');
  expect(await code('?limit=100000')).toBe('LARDER_BODY_INVALID');
  expect(await code('/999')).toBe('LARDER_ENTRY_UNKNOWN');
  expect(await code('/999/discard', { dependants: 'yes' })).toBe('LARDER_BODY_INVALID');
  expect(await code('/999/nonsense', {})).toBe('LARDER_NOT_FOUND');
  await expect(larder('decide', '999')).rejects.toThrow('LARDER_CONFIG_INVALID');
  await expect(larder('show', 'x')).rejects.toThrow('LARDER_CONFIG_INVALID');
});
