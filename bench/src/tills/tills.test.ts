/** Tills that start and number their receipts in every state of the link: real processes, a link that is really cut. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { formatNumber } from '../../../inventory-app/rules/receipt-numbers.ts';
import { type Client, type Page, until } from '../stage/client.ts';
import { Stage } from '../stage/stage.ts';

const LIMIT = 120_000;

interface Start {
  id: string;
  till: string;
  generation: number;
}

let stage: Stage;
let atEdge: Client;
let atCloud: Client;
let product: string;

beforeAll(async () => {
  stage = await Stage.start();
  await stage.ready();
  // A manager may see the gaps, too.
  atEdge = await stage.atEdge.signIn('manager');
  atCloud = atEdge.at(stage.cloud.url);
  product = (await atCloud.get<Page<{ id: string }>>('/products?limit=1')).body.data[0]?.id ?? '';
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

const start = (by: Client, till: string, key: string = randomUUID()) =>
  by.write<Start>('POST', '/till-starts', { storeId: 'S001', till, device: 'Tablet' }, key);

async function inTheCloud(path: string): Promise<Record<string, unknown>> {
  let found: Record<string, unknown> = {};
  await until(`${path} is in the cloud`, async () => {
    const { status, body } = await atCloud.get(path);
    found = body;
    return status === 200;
  });
  return found;
}

const settled = () => until('nothing waits', async () => (await stage.status()).queue.length === 0);

async function sell(by: Client, { till, generation }: Start, seq: number): Promise<string> {
  const number = formatNumber({ storeId: 'S001', till, generation, seq });
  const sale = { storeId: 'S001', till, number, lines: [{ productId: product, qty: 1, unitPrice: 100 }] };
  const { status, body } = await by.write<{ id: string }>('POST', '/sales', sale);
  expect(status).toBeLessThan(300);
  return body.id;
}

test(
  'I2: one till started at the cut-off box and in the cloud at one time has two series, and keeps what it was told',
  async () => {
    await cut();
    const key = randomUUID();
    const [there, here] = await Promise.all([start(atCloud, 'T2'), start(atEdge, 'T2', key)]);
    expect([there.status, here.status]).toEqual([201, 202]);
    expect([there.body.generation % 2, here.body.generation % 2]).toEqual([1, 0]);
    expect((await start(atEdge, 'T2', key)).body).toEqual(here.body);
    const again = await start(atEdge, 'T2');
    expect(again.body.generation).toBeGreaterThan(here.body.generation);
    await stage.crashEdge();
    await until('it knows that it is cut off', async () => (await stage.status()).link.state === 'offline');
    // A wiped device after a power cut: what the box gave, it still knows.
    const after = await start(atEdge, 'T2');
    expect(after.body.generation).toBeGreaterThan(again.body.generation);

    await stage.link.set('up');
    for (const { body } of [here, again, after]) expect(await inTheCloud(`/till-starts/${body.id}`)).toEqual(body);
    await settled();
    expect((await stage.status()).queue.inbox).toBe(0);
    // Cloud and edge answer equally (I7), and each goes on beyond what the other gave.
    const path = '/till-starts?till=T2&sort=generation';
    await until('the edge knows of both', async () => (await atEdge.get<Page<Start>>(path)).body.page.total === 4);
    expect((await atEdge.get(path)).body).toEqual((await atCloud.get(path)).body);
    const later = [await start(atCloud, 'T2')];
    await until('the edge knows', async () => (await atEdge.get<Page<Start>>(path)).body.page.total === 5);
    later.push(await start(atEdge, 'T2'));
    const given = [there, here, again, after, ...later].map(({ body }) => body.generation);
    expect(new Set(given).size).toBe(6);
    expect(Math.max(...given)).toBe(given.at(-1));
  },
  LIMIT,
);

test(
  'the cloud reports the gap that a cut-off box leaves, until what waited there arrives; a number used twice is flagged',
  async () => {
    const till = (await start(atEdge, 'T3')).body;
    await sell(atEdge, till, 1);
    await cut();
    await sell(atEdge, till, 2);
    await sell(atEdge, till, 3);
    // The box is out of reach of this till, which then finds the cloud.
    await sell(atCloud, till, 4);
    const path = '/number-gaps?storeId=S001&till=T3';
    const series = { till: 'T3', generation: till.generation };
    const missing = { ...series, first: 1, last: 4, count: 2, missing: 2, gaps: [{ from: 2, to: 3 }] };
    expect((await atCloud.get(path)).body).toEqual({ storeId: 'S001', data: [missing], more: false });
    expect((await atEdge.get(path)).status).toBe(503);

    const twice = await sell(atEdge, till, 4);
    await stage.link.set('up');
    await inTheCloud(`/sales/${twice}`);
    await settled();
    const all = { ...series, first: 1, last: 4, count: 4, missing: 0, gaps: [] };
    for (const by of [atCloud, atEdge])
      expect((await by.get(path)).body).toEqual({ storeId: 'S001', data: [all], more: false });
    const { data } = (await atCloud.get<Page<{ type: string }>>(`/exceptions?documentId=${twice}`)).body;
    expect(data.map(({ type }) => type)).toContain('duplicate-number');
  },
  LIMIT,
);
