import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { BackStatus } from './client.ts';
import { PATIENT, until, useEdge } from './test-app/edge.ts';

const edge = useEdge();

describe('the replica', () => {
  test('I9: says nothing before it is complete, everything afterwards', async () => {
    await edge.open();
    expect(await edge.read('/articles')).toBeNull();
    edge.back.link('online', false);
    await edge.complete();
    expect((await edge.read('/articles'))?.body['data']).toHaveLength(5);
    expect((await edge.read('/articles/z'))?.status).toBe(404);
  });

  test('follows what others do in the cloud', async () => {
    await edge.openComplete();
    const before = edge.back.tags.generation(['articles/b']);
    edge.cloud.setArticle('b', { qty: 3 });
    await until('the change arrives', async () => (await edge.quantity('b')) === 3);
    expect(edge.back.tags.generation(['articles/b'])).toBeGreaterThan(before);
    edge.cloud.removeArticle('c');
    await until('the removal arrives', async () => (await edge.read('/articles/c'))?.status === 404);
  });

  test('is fetched anew, beside the old one, when the cloud was restored', async () => {
    await edge.openComplete();
    edge.cloud.setArticle('b', { qty: 3 });
    edge.cloud.restore([{ id: 'a', name: 'article a', qty: 50, version: 1 }]);
    await until('the restored state is there', async () => (await edge.quantity('a')) === 50);
    await until(
      'what the restored cloud does not know is gone',
      async () => (await edge.read('/articles/b'))?.status === 404,
    );
    expect((await edge.read('/articles'))?.body['data']).toHaveLength(1);
  });
});

describe('a write', () => {
  beforeEach(async () => {
    await edge.openComplete();
  });

  test("gets the cloud's own answer within patience", async () => {
    const accepted = await edge.order('k1', 'a', 2, PATIENT);
    expect(accepted).toMatchObject({ type: 'cloud', answer: { status: 201 } });
    expect(edge.cloud.articles.get('a')?.['qty']).toBe(98);
    await edge.drained();
    expect(await edge.quantity()).toBe(98);
  });

  test('I6: is seen at once by every read while the link is down, and still after it is back', async () => {
    edge.back.link('offline', false);
    const accepted = await edge.order('k1', 'a', 2);
    expect(accepted).toMatchObject({ type: 'queued', state: 'queued', answer: { status: 201 } });
    expect(edge.back.tags.pending(['articles/a'])).toBe(true);
    expect(edge.back.tags.pending(['articles/b'])).toBe(false);
    expect(await edge.quantity()).toBe(98);
    edge.back.link('online', false);
    await edge.drained();
    expect(await edge.quantity()).toBe(98);
    expect(edge.cloud.orders.size).toBe(1);
  });

  test('I6: is added to what others did meanwhile, and never counted twice', async () => {
    edge.back.link('offline', false);
    await Promise.all(Array.from({ length: 20 }, (_, n) => edge.order(`k${n}`)));
    edge.cloud.setArticle('a', { qty: 40 });
    expect(await edge.quantity()).toBe(80);
    const seen: unknown[] = [];
    edge.back.link('online', false);
    await until('the queue drains', async () => {
      seen.push(await edge.quantity());
      return edge.back.status.queue.length === 0 && !edge.back.tags.pending(['articles/a']);
    });
    expect(await edge.quantity()).toBe(20);
    expect(new Set(seen.filter((qty) => qty !== 80))).toEqual(new Set([20]));
    expect(edge.cloud.articles.get('a')?.['qty']).toBe(20);
  });

  test('a repeat of a key gets the recorded state, and another request under it is a mismatch', async () => {
    edge.back.link('offline', false);
    const [first, again] = await Promise.all([edge.order('k1'), edge.order('k1')]);
    expect(again).toEqual(first);
    await expect(edge.order('k1', 'b')).rejects.toMatchObject({ code: 'LARDER_KEY_MISMATCH' });
    edge.back.link('online', false);
    await edge.drained();
    expect(await edge.order('k1')).toMatchObject({ type: 'cloud', answer: { status: 201 } });
    expect(edge.cloud.orders.size).toBe(1);
  });

  test('I2: whose answers are lost is sent again under its key and takes effect once', async () => {
    edge.cloud.mood = 'lose-answers';
    const accepted = await edge.order('k1', 'a', 1, 300);
    expect(accepted.type).toBe('queued');
    await until('it is of unknown outcome', () => edge.back.status.queue.states.unknown === 1);
    edge.cloud.mood = 'well';
    await edge.drained();
    expect(edge.cloud.orders.size).toBe(1);
    expect(new Set(edge.cloud.arrived.map(({ key }) => key))).toEqual(new Set(['k1']));
    expect(edge.cloud.arrived.length).toBeGreaterThan(1);
  });

  test('I2, I12: is in the cloud once though the edge ends while it is being sent', async () => {
    edge.cloud.mood = 'silent';
    await edge.order('k1', 'a', 1, 100);
    await until('it is on its way', () => edge.cloud.arrived.length > 0);
    await edge.back.stop();
    edge.cloud.mood = 'well';
    await edge.open();
    expect(edge.back.status.queue.length).toBe(1);
    expect(await edge.quantity()).toBe(99);
    edge.back.link('online', false);
    await edge.drained();
    expect(edge.cloud.orders.size).toBe(1);
  });

  test('a 503 is no verdict: it is tried again, and settles without another word', async () => {
    edge.cloud.mood = 'crash';
    await edge.order('k1', 'a', 1, 100);
    await until('it was tried twice', () => edge.cloud.arrived.length >= 2);
    edge.cloud.mood = 'well';
    await edge.drained();
    expect(edge.cloud.orders.size).toBe(1);
  });

  test('a portal is not the cloud', async () => {
    const faults: string[] = [];
    edge.back.on('fate', (fate) => fate.type === 'failed' && faults.push(fate.fault));
    edge.cloud.mood = 'portal';
    await edge.order('k1', 'a', 1, 200);
    await until('it is noticed', () => faults.includes('portal'));
    edge.cloud.mood = 'well';
    await edge.drained();
    expect(edge.cloud.orders.size).toBe(1);
  });
});

describe('refusal', () => {
  beforeEach(async () => {
    await edge.openComplete();
  });

  test('by the check is the answer, and leaves nothing behind', async () => {
    const accepted = await edge.edit('k1', 'z', { name: 'new' });
    expect(accepted).toMatchObject({ type: 'refused', answer: { status: 404 } });
    expect(edge.back.status.queue.length).toBe(0);
    expect(edge.cloud.arrived).toHaveLength(0);
  });

  test('while the caller waits is the answer, and the overlay lets go before it is given', async () => {
    const accepted = await edge.edit('k1', 'a', { name: 'forbidden' }, PATIENT);
    expect(accepted).toMatchObject({ type: 'cloud', answer: { status: 403 } });
    expect((await edge.read('/articles/a'))?.body['name']).toBe('article a');
    await edge.drained();
  });

  test('I2: while the caller waits is in the inbox until it has reached them', async () => {
    const accepted = await edge.edit('k1', 'a', { name: 'forbidden' }, PATIENT);
    expect(accepted).toMatchObject({ type: 'cloud', answer: { status: 403 } });
    await until('it is in the inbox', () => edge.back.status.queue.inbox === 1);
    edge.back.delivered(accepted.type === 'cloud' ? accepted.entry : 0);
    await until('the inbox is empty', () => edge.back.status.queue.inbox === 0);
  });

  test('I2: after a 202 stays in the inbox, though a repeat of the request is told of it', async () => {
    edge.back.link('offline', false);
    await edge.edit('k1', 'a', { name: 'forbidden' });
    edge.back.link('online', false);
    await edge.drained();
    const again = await edge.edit('k1', 'a', { name: 'forbidden' }, PATIENT);
    expect(again).toMatchObject({ type: 'cloud', answer: { status: 403 } });
    edge.back.delivered(again.type === 'cloud' ? again.entry : 0);
    // What comes after it has been dealt with, so it has too.
    await edge.order('k2', 'b', 1, PATIENT);
    const status = await new Promise<BackStatus>((resolve) => edge.back.on('status', resolve));
    expect(status.queue.inbox).toBe(1);
  });

  test('I4: after a 202 goes to the inbox, and stops only what builds on it', async () => {
    edge.back.link('offline', false);
    await edge.edit('k1', 'a', { name: 'forbidden' });
    await edge.edit('k2', 'a', { qty: 7 });
    await edge.edit('k3', 'b', { name: 'renamed' });
    await edge.order('k4', 'a', 5);
    edge.back.link('online', false);
    await edge.drained();
    expect(edge.cloud.articles.get('a')).toMatchObject({ name: 'article a', qty: 95 });
    expect(edge.cloud.articles.get('b')).toMatchObject({ name: 'renamed' });
    await until('both edits of a are in the inbox', () => edge.back.status.queue.inbox === 2);
    expect(await edge.quantity()).toBe(95);
  });

  test('the queue has a limit that is said clearly, and reads go on', async () => {
    await edge.back.stop();
    await edge.open({ maxQueue: 2 });
    await edge.order('k1');
    await edge.order('k2');
    await expect(edge.order('k3')).rejects.toMatchObject({ code: 'LARDER_QUEUE_FULL' });
    expect(await edge.quantity()).toBe(98);
  });
});

describe('order and identity', () => {
  beforeEach(async () => {
    await edge.openComplete();
    edge.back.link('offline', false);
  });

  test('I3: an entry waits for the one that makes the document it names; temporary ids are replaced', async () => {
    const id = await edge.make('k1', 'new one');
    expect(id).toMatch(/^tmp-/);
    await edge.edit('k2', id, { name: 'renamed' });
    await edge.order('k3', id, 4);
    expect((await edge.read(`/articles/${id}`))?.body).toMatchObject({ name: 'renamed', qty: -4 });
    edge.back.link('online', false);
    await edge.drained();
    // Once it is made, the edit and the order have nothing to do with each other.
    const [first, ...others] = edge.cloud.arrived.map(({ key }) => key);
    expect([first, others.toSorted()]).toEqual(['k1', ['k2', 'k3']]);
    expect(edge.cloud.articles.get('made-1')).toMatchObject({ name: 'renamed', qty: -4 });
    expect([...edge.cloud.orders.values()][0]).toMatchObject({ article: 'made-1' });
    expect((await edge.read(`/articles/${id}`))?.body).toMatchObject({ id: 'made-1', name: 'renamed' });
  });

  test("is sent with the user's own credential, or else with the edge's, naming the user", async () => {
    edge.cloud.rejected.add('Bearer bob');
    await edge.edit('k1', 'a', { name: 'by Ann' });
    await edge.call('PATCH', '/articles/b', { name: 'by Bob' }, 'k1', { user: 'bob' });
    edge.back.link('online', false);
    await edge.drained();
    expect(edge.cloud.articles.get('b')).toMatchObject({ name: 'by Bob' });
    expect(edge.cloud.arrived).toContainEqual(expect.objectContaining({ authorization: 'Bearer ann', actingFor: '' }));
    expect(edge.cloud.arrived).toContainEqual(
      expect.objectContaining({ authorization: 'Bearer edge', actingFor: 'bob' }),
    );
  });

  test('nothing is sent while the operator holds', async () => {
    await edge.order('k1');
    edge.back.link('online', true);
    await edge.order('k2');
    expect(edge.cloud.arrived).toHaveLength(0);
    edge.back.link('online', false);
    await edge.drained();
    expect(edge.cloud.orders.size).toBe(2);
  });
});

describe('state', () => {
  test('is kept over a restart until it expires', async () => {
    await edge.open();
    await edge.back.state.set('a', 'one', null);
    await edge.back.state.set('b', 'two', Date.now() - 1);
    await edge.back.stop();
    await edge.open();
    expect(await edge.back.state.get('a')).toBe('one');
    expect(await edge.back.state.get('b')).toBeUndefined();
    expect(await edge.back.state.delete('a')).toBe(true);
    expect(await edge.back.state.delete('a')).toBe(false);
  });

  test('a profile that is none is said so', async () => {
    await edge.open();
    await expect(edge.open({ profile: join(import.meta.dirname, 'uuid.ts') })).rejects.toMatchObject({
      code: 'LARDER_PROFILE_INVALID',
    });
  });
});
