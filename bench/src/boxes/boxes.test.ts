/** Boxes that are copied, restored and replaced, against the real cloud: what each may do, and what becomes of what they hold. */
import { randomUUID } from 'node:crypto';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Status } from '../../../proxy/src/console/status.ts';
import { startPostgres } from '../../../inventory-app/server/db/postgres-harness.ts';
import { type Client, until } from '../stage/client.ts';
import { seedCloud } from '../stage/cloud.ts';
import { startEdge } from '../stage/edge.ts';
import { runProcess, type Running } from '../stage/process.ts';
import { Stage, type StageOptions } from '../stage/stage.ts';

interface Box {
  data: string;
  edge: Running;
}

/** What each test has started, ended in reverse. */
let parts: AsyncDisposableStack;
beforeEach(() => void (parts = new AsyncDisposableStack()));
afterEach(() => parts.disposeAsync());

let stage: Stage;
let clerk: Client;
let product: string;
let before: number;
/** The boxes besides the stage's own. */
let others: Running[];
/** Every sale that somebody was told of as taken. */
let taken: string[];

/** Over SQLite, unless another database is made and filled. */
async function begin(database?: StageOptions['database']): Promise<void> {
  [others, taken] = [[], []];
  stage = await Stage.start(database === undefined ? {} : { database });
  parts.defer(() => stage.close());
  parts.defer(async () => {
    for (const each of others) await each.stop('SIGKILL');
  });
  await stage.ready();
  clerk = await stage.atEdge.signIn('clerk');
  const { data } = (await clerk.get<{ data: { id: string }[] }>('/products?limit=1')).body;
  product = data[0]?.id ?? '';
  before = await stock();
}

/** A PostgreSQL of its own, which ends after the stage. */
async function inPostgres(): Promise<string> {
  const postgres = parts.adopt(await startPostgres(), (part) => part.stop());
  const url = await postgres.createDatabase();
  await seedCloud(url);
  return url;
}

const stock = async () =>
  Number((await clerk.at(stage.cloud.url).get(`/stock-levels/${encodeURIComponent(`S001:${product}`)}`)).body['qty']);
const dataOf = (name: string) => join(stage.directory, name);
const main = (): Box => ({ data: dataOf('edge'), edge: stage.edge });

async function statusOf({ edge }: Box): Promise<Status> {
  return (await (await fetch(`${edge.url}/_edge/status`)).json()) as Status;
}
const stands = (box: Box, as: string) => until(`it is ${as}`, async () => (await statusOf(box)).box?.standing === as);
const drained = (box: Box) => until('it is empty', async () => (await statusOf(box)).queue?.length === 0);

async function start(name: string): Promise<Box> {
  const edge = await startEdge({ cloud: stage.link.url, data: dataOf(name) });
  others.push(edge);
  return { data: dataOf(name), edge };
}

async function larder({ data, edge }: Box, ...words: string[]): Promise<string> {
  return runProcess({
    name: 'larder',
    file: 'proxy/src/main.ts',
    args: [...words, '--edge', edge.url, '--data', data],
  });
}

/** Sells one; true if it was taken. */
async function sell({ edge }: Box): Promise<{ status: number; code: unknown }> {
  const id = randomUUID();
  const lines = [{ productId: product, qty: 1, unitPrice: 100 }];
  const { status, body } = await clerk.at(edge.url).write('POST', '/sales', { id, storeId: 'S001', lines }, id);
  if (status < 300) taken.push(id);
  return { status, code: body['code'] };
}

async function cutOff(box: Box): Promise<void> {
  await stage.link.set('down');
  await until('it is cut off', async () => (await statusOf(box)).link.state === 'offline');
}

/** I2: each sale once in the cloud, and the stock says the same. What an edge says of its queue may be a moment old. */
async function expectEachOnce(): Promise<void> {
  for (const id of taken)
    await until('it is in the cloud', async () => {
      return (await clerk.at(stage.cloud.url).get(`/sales/${id}`)).status === 200;
    });
  expect(await stock()).toBe(before - taken.length);
}

test.each([
  ['edge', 'copy'],
  ['copy', 'edge'],
])('I2: a directory was copied with what waits in it: the %s comes first, the %s holds', async (first, second) => {
  await begin();
  await cutOff(main());
  for (let n = 0; n < 3; n += 1) expect(await sell(main())).toMatchObject({ status: 202 });
  await stage.edge.stop('SIGKILL');
  cpSync(dataOf('edge'), dataOf('copy'), { recursive: true });
  await stage.link.set('up');

  const current = await start(first);
  await drained(current);
  await stands(current, 'current');
  await expectEachOnce();

  await stage.link.set('down');
  const copy = await start(second);
  await until('it is cut off', async () => (await statusOf(copy)).link.state === 'offline');
  expect(await sell(copy)).toMatchObject({ status: 202 });
  await stage.link.set('up');
  await stands(copy, 'fork');
  expect(await sell(copy)).toEqual({ status: 503, code: 'LARDER_BOX_NOT_CURRENT' });
  expect((await clerk.at(copy.edge.url).get(`/products/${product}`)).status).toBe(200);
  expect((await sell(current)).status).toBeLessThan(300);

  expect(await larder(copy, 'box', 'status')).toMatch(/NOT THE CURRENT ONE \(a copy.*; 4 held: larder box authorise/);
  const summary = ['status', '--edge', copy.edge.url];
  expect(await runProcess({ name: 'larder status', file: 'proxy/src/main.ts', args: summary })).toContain(
    'NOT THE CURRENT ONE',
  );
  const metrics = await (await fetch(`${copy.edge.url}/metrics`)).text();
  expect(metrics).toMatch(/^larder_box_standing\{standing="fork".*\} 1$/m);
  expect(metrics).toMatch(/^larder_box_held.* 4$/m);
  await until('the feed is live', async () => (await statusOf(copy)).replica?.feed.live === true);
  expect((await statusOf(copy)).queue).toMatchObject({ length: 4, inbox: 0 });

  expect(await larder(copy, 'box', 'authorise')).toContain('operator at');
  await drained(copy);
  await drained(current);
  await expectEachOnce();
  expect((await statusOf(copy)).queue?.inbox).toBe(0);
  expect((await sell(copy)).status).toBe(503);
  await expect(larder(current, 'box', 'authorise')).rejects.toThrow('LARDER_BOX_NOT_HELD');
});

test('I2: an older backup is put back, takes over, and goes on where it was', async () => {
  await begin();
  await cutOff(main());
  await sell(main());
  await stage.edge.stop('SIGKILL');
  cpSync(dataOf('edge'), dataOf('backup'), { recursive: true });
  await stage.link.set('up');
  const box = await start('edge');
  await sell(box);
  await drained(box);
  await box.edge.stop('SIGKILL');
  rmSync(dataOf('edge'), { recursive: true });
  cpSync(dataOf('backup'), dataOf('edge'), { recursive: true });

  const restored = await start('edge');
  await stands(restored, 'fork');
  expect((await statusOf(restored)).queue?.length).toBe(1);
  expect(await larder(restored, 'box', 'take-over')).toContain('the current one');
  await drained(restored);
  expect((await sell(restored)).status).toBeLessThan(300);
  await drained(restored);
  await expectEachOnce();
});

test.each([
  ['SQLite', undefined],
  ['PostgreSQL', inPostgres],
])(
  'I2: on %s a new box takes over with the queue of the old one, which comes back and books nothing twice',
  async (_name, database) => {
    await begin(database);
    await cutOff(main());
    await sell(main());
    await sell(main());
    await stage.edge.stop('SIGKILL');
    const run = (...args: string[]) => runProcess({ name: 'larder queue', file: 'proxy/src/main.ts', args });
    await run('queue', 'export', dataOf('queue.jsonl'), '--data', dataOf('edge'));
    await run('queue', 'import', dataOf('queue.jsonl'), '--data', dataOf('new'));
    await stage.link.set('up');

    const box = await start('new');
    await stands(box, 'fork');
    await until('it has all of the store', async () => (await statusOf(box)).replica?.complete === true);
    expect((await statusOf(box)).queue?.length).toBe(2);
    expect((await sell(box)).status).toBe(503);
    await larder(box, 'box', 'take-over');
    await drained(box);
    expect((await sell(box)).status).toBeLessThan(300);
    await expectEachOnce();

    const old = await start('edge');
    await stands(old, 'fork');
    expect((await statusOf(old)).queue?.length).toBe(2);
    await larder(old, 'box', 'authorise');
    await drained(old);
    await drained(box);
    await expectEachOnce();
    expect((await statusOf(old)).queue?.inbox).toBe(0);
  },
);

test('I2: another takes over while a box is cut off: it is superseded before it sends anything', async () => {
  await begin();
  const old = main();
  await cutOff(old);
  await sell(old);
  // By another way than the box's: its own link stays cut.
  const edge = await startEdge({ cloud: stage.cloud.url, data: dataOf('new') });
  others.push(edge);
  const box = { data: dataOf('new'), edge };
  await stands(box, 'fork');
  await larder(box, 'box', 'take-over');
  await stage.link.set('up');
  await stands(old, 'superseded');
  await until('the feed is live', async () => (await statusOf(old)).replica?.feed.live === true);
  expect((await statusOf(old)).queue?.length).toBe(1);
  expect(await stock()).toBe(before);
  await larder(old, 'box', 'authorise');
  await drained(old);
  await expectEachOnce();
});
