import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startBack, type Accepted, type Back, type Call } from './client.ts';
import type { Doc } from './profile.ts';
import { TestCloud } from './test-app/cloud.ts';

const PROFILE = join(import.meta.dirname, 'test-app/profile.ts');

let cloud: TestCloud;
let origin: URL;
let data: string;
let back: Back;

const open = (changes: Partial<Parameters<typeof startBack>[0]> = {}) =>
  startBack({
    data,
    profile: PROFILE,
    cloud: origin,
    store: 'S1',
    credential: 'Bearer edge',
    sealKey: new Uint8Array(32).fill(7),
    maxQueue: 1000,
    connectTimeout: 500,
    answerTimeout: 1500,
    ...changes,
  });

beforeEach(async () => {
  cloud = new TestCloud();
  origin = await cloud.listen();
  data = mkdtempSync(join(tmpdir(), 'larder-back-'));
  for (const id of ['a', 'b', 'c', 'd', 'e']) cloud.setArticle(id, { name: `article ${id}`, qty: 100 });
});

afterEach(async () => {
  await back.stop();
  await cloud.close();
  rmSync(data, { recursive: true });
});

const callOf = (method: string, path: string, body: Doc | null, key = '', user = 'ann'): Call => ({
  method,
  path,
  search: '',
  headers: { authorization: `Bearer ${user}`, 'content-type': 'application/json', 'idempotency-key': key },
  body: body === null ? null : JSON.stringify(body),
  claims: { sub: user },
  user: { id: user, store: 'S1' },
});

const order = (key: string, article = 'a', qty = 1, patience = 0): Promise<Accepted> =>
  back.accept(callOf('POST', '/orders', { article, qty }, key), { patience });
const edit = (key: string, id: string, fields: Doc, patience = 0): Promise<Accepted> =>
  back.accept(callOf('PATCH', `/articles/${id}`, fields, key), { patience });

async function read(path: string): Promise<{ status: number; body: Doc } | null> {
  const found = await back.read(callOf('GET', path, null));
  return found === null ? null : { status: found.answer.status, body: JSON.parse(found.answer.body) as Doc };
}
const quantity = async (id = 'a') => (await read(`/articles/${id}`))?.body['qty'];

/** Waits until a condition holds. */
async function until(what: string, holds: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
const complete = () =>
  until('the replica is complete', () => back.status.replica.complete && back.status.replica.feed.live);
const drained = () =>
  until(
    'the queue is empty and the base contains it all',
    () => back.status.queue.length === 0 && !back.tags.pending(['orders', 'articles']),
  );

describe('the replica', () => {
  test('I9: says nothing before it is complete, everything afterwards', async () => {
    back = await open();
    expect(await read('/articles')).toBeNull();
    back.link('online', false);
    await complete();
    expect((await read('/articles'))?.body['data']).toHaveLength(5);
    expect((await read('/articles/z'))?.status).toBe(404);
  });

  test('follows what others do in the cloud', async () => {
    back = await open();
    back.link('online', false);
    await complete();
    const before = back.tags.generation(['articles/b']);
    cloud.setArticle('b', { qty: 3 });
    await until('the change arrives', async () => (await quantity('b')) === 3);
    expect(back.tags.generation(['articles/b'])).toBeGreaterThan(before);
    cloud.removeArticle('c');
    await until('the removal arrives', async () => (await read('/articles/c'))?.status === 404);
  });

  test('is fetched anew, beside the old one, when the cloud was restored', async () => {
    back = await open();
    back.link('online', false);
    await complete();
    cloud.setArticle('b', { qty: 3 });
    cloud.restore([{ id: 'a', name: 'article a', qty: 50, version: 1 }]);
    await until('the restored state is there', async () => (await quantity('a')) === 50);
    await until(
      'what the restored cloud does not know is gone',
      async () => (await read('/articles/b'))?.status === 404,
    );
    expect((await read('/articles'))?.body['data']).toHaveLength(1);
  });
});

describe('a write', () => {
  beforeEach(async () => {
    back = await open();
    back.link('online', false);
    await complete();
  });

  test("gets the cloud's own answer within patience", async () => {
    const accepted = await order('k1', 'a', 2, 5000);
    expect(accepted).toMatchObject({ type: 'cloud', answer: { status: 201 } });
    expect(cloud.articles.get('a')?.['qty']).toBe(98);
    await drained();
    expect(await quantity()).toBe(98);
  });

  test('I6: is seen at once by every read while the link is down, and still after it is back', async () => {
    back.link('offline', false);
    const accepted = await order('k1', 'a', 2);
    expect(accepted).toMatchObject({ type: 'queued', state: 'queued', answer: { status: 201 } });
    expect(back.tags.pending(['articles/a'])).toBe(true);
    expect(back.tags.pending(['articles/b'])).toBe(false);
    expect(await quantity()).toBe(98);
    back.link('online', false);
    await drained();
    expect(await quantity()).toBe(98);
    expect(cloud.orders.size).toBe(1);
  });

  test('I6: is added to what others did meanwhile, and never counted twice', async () => {
    back.link('offline', false);
    await Promise.all(Array.from({ length: 20 }, (_, n) => order(`k${n}`)));
    cloud.setArticle('a', { qty: 40 });
    expect(await quantity()).toBe(80);
    const seen: unknown[] = [];
    back.link('online', false);
    await until('the queue drains', async () => {
      seen.push(await quantity());
      return back.status.queue.length === 0 && !back.tags.pending(['articles/a']);
    });
    expect(await quantity()).toBe(20);
    expect(new Set(seen.filter((qty) => qty !== 80))).toEqual(new Set([20]));
    expect(cloud.articles.get('a')?.['qty']).toBe(20);
  });

  test('a repeat of a key gets the recorded state, and another request under it is a mismatch', async () => {
    back.link('offline', false);
    const [first, again] = await Promise.all([order('k1'), order('k1')]);
    expect(again).toEqual(first);
    await expect(order('k1', 'b')).rejects.toMatchObject({ code: 'LARDER_KEY_MISMATCH' });
    back.link('online', false);
    await drained();
    expect(await order('k1')).toMatchObject({ type: 'cloud', answer: { status: 201 } });
    expect(cloud.orders.size).toBe(1);
  });

  test('I2: whose answers are lost is sent again under its key and takes effect once', async () => {
    cloud.mood = 'lose-answers';
    const accepted = await order('k1', 'a', 1, 300);
    expect(accepted.type).toBe('queued');
    await until('it is of unknown outcome', () => back.status.queue.states.unknown === 1);
    cloud.mood = 'well';
    await drained();
    expect(cloud.orders.size).toBe(1);
    expect(new Set(cloud.arrived.map(({ key }) => key))).toEqual(new Set(['k1']));
    expect(cloud.arrived.length).toBeGreaterThan(1);
  });

  test('I2, I12: is in the cloud once though the edge ends while it is being sent', async () => {
    cloud.mood = 'silent';
    await order('k1', 'a', 1, 100);
    await until('it is on its way', () => cloud.arrived.length === 1);
    await back.stop();
    cloud.mood = 'well';
    back = await open();
    expect(back.status.queue.length).toBe(1);
    expect(await quantity()).toBe(99);
    back.link('online', false);
    await drained();
    expect(cloud.orders.size).toBe(1);
  });

  test('a 503 is no verdict: it is tried again, and settles without another word', async () => {
    cloud.mood = 'crash';
    await order('k1', 'a', 1, 100);
    await until('it was tried twice', () => cloud.arrived.length >= 2);
    cloud.mood = 'well';
    await drained();
    expect(cloud.orders.size).toBe(1);
  });

  test('a portal is not the cloud', async () => {
    const faults: string[] = [];
    back.on('fate', (fate) => fate.type === 'failed' && faults.push(fate.fault));
    cloud.mood = 'portal';
    await order('k1', 'a', 1, 200);
    await until('it is noticed', () => faults.includes('portal'));
    cloud.mood = 'well';
    await drained();
    expect(cloud.orders.size).toBe(1);
  });
});

describe('refusal', () => {
  beforeEach(async () => {
    back = await open();
    back.link('online', false);
    await complete();
  });

  test('by the check is the answer, and leaves nothing behind', async () => {
    const accepted = await edit('k1', 'z', { name: 'new' });
    expect(accepted).toMatchObject({ type: 'refused', answer: { status: 404 } });
    expect(back.status.queue.length).toBe(0);
    expect(cloud.arrived).toHaveLength(0);
  });

  test('while the caller waits is the answer, and the overlay lets go before it is given', async () => {
    const accepted = await edit('k1', 'a', { name: 'forbidden' }, 5000);
    expect(accepted).toMatchObject({ type: 'cloud', answer: { status: 403 } });
    expect((await read('/articles/a'))?.body['name']).toBe('article a');
    await drained();
    expect(back.status.queue.inbox).toBe(0);
  });

  test('I4: after a 202 goes to the inbox, and stops only what builds on it', async () => {
    back.link('offline', false);
    await edit('k1', 'a', { name: 'forbidden' });
    await edit('k2', 'a', { qty: 7 });
    await edit('k3', 'b', { name: 'renamed' });
    await order('k4', 'a', 5);
    back.link('online', false);
    await drained();
    expect(cloud.articles.get('a')).toMatchObject({ name: 'article a', qty: 95 });
    expect(cloud.articles.get('b')).toMatchObject({ name: 'renamed' });
    await until('both edits of a are in the inbox', () => back.status.queue.inbox === 2);
    expect(await quantity()).toBe(95);
  });

  test('the queue has a limit that is said clearly, and reads go on', async () => {
    await back.stop();
    back = await open({ maxQueue: 2 });
    await order('k1');
    await order('k2');
    await expect(order('k3')).rejects.toMatchObject({ code: 'LARDER_QUEUE_FULL' });
    expect(await quantity()).toBe(98);
  });
});

describe('order and identity', () => {
  beforeEach(async () => {
    back = await open();
    back.link('online', false);
    await complete();
    back.link('offline', false);
  });

  test('I3: an entry waits for the one that makes the document it names; temporary ids are replaced', async () => {
    const made = await back.accept(callOf('POST', '/articles', { name: 'new one' }, 'k1'), { patience: 0 });
    const id = String((JSON.parse(made.type === 'queued' ? made.answer.body : '{}') as Doc)['id']);
    expect(id).toMatch(/^tmp-articles-/);
    await edit('k2', id, { name: 'renamed' });
    await order('k3', id, 4);
    expect((await read(`/articles/${id}`))?.body).toMatchObject({ name: 'renamed', qty: -4 });
    back.link('online', false);
    await drained();
    expect(cloud.arrived.map(({ key }) => key).slice(0, 2)).toEqual(['k1', 'k2']);
    expect(cloud.articles.get('made-1')).toMatchObject({ name: 'renamed', qty: -4 });
    expect([...cloud.orders.values()][0]).toMatchObject({ article: 'made-1' });
    expect((await read(`/articles/${id}`))?.body).toMatchObject({ id: 'made-1', name: 'renamed' });
  });

  test("is sent with the user's own credential, or else with the edge's, naming the user", async () => {
    cloud.rejected.add('Bearer bob');
    await back.accept(callOf('POST', '/orders', { article: 'a', qty: 1 }, 'k1', 'ann'), { patience: 0 });
    await back.accept(callOf('POST', '/orders', { article: 'a', qty: 1 }, 'k1', 'bob'), { patience: 0 });
    back.link('online', false);
    await drained();
    expect(cloud.orders.size).toBe(2);
    expect(cloud.arrived).toContainEqual(expect.objectContaining({ authorization: 'Bearer ann', actingFor: '' }));
    expect(cloud.arrived).toContainEqual(expect.objectContaining({ authorization: 'Bearer edge', actingFor: 'bob' }));
  });

  test('nothing is sent while the operator holds', async () => {
    await order('k1');
    back.link('online', true);
    await order('k2');
    expect(cloud.arrived).toHaveLength(0);
    back.link('online', false);
    await drained();
    expect(cloud.orders.size).toBe(2);
  });
});

describe('state', () => {
  test('is kept over a restart until it expires', async () => {
    back = await open();
    await back.state.set('a', 'one', null);
    await back.state.set('b', 'two', Date.now() - 1);
    await back.stop();
    back = await open();
    expect(await back.state.get('a')).toBe('one');
    expect(await back.state.get('b')).toBeUndefined();
    expect(await back.state.delete('a')).toBe(true);
    expect(await back.state.delete('a')).toBe(false);
  });

  test('a profile that is none is said so', async () => {
    back = await open();
    await expect(open({ profile: join(import.meta.dirname, 'uuid.ts') })).rejects.toMatchObject({
      code: 'LARDER_PROFILE_INVALID',
    });
  });
});
