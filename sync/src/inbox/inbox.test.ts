import { beforeEach, describe, expect, test } from 'vitest';
import type { Doc, Json } from '../profile.ts';
import { until, useEdge } from '../test-app/edge.ts';
import type { Actor, ActOrder, InboxDone, InboxItem, ListOrder } from './types.ts';

const edge = useEdge();

const OPERATOR: Actor = { type: 'operator', name: 'the operator' };
const userOf = (id: string): Actor => ({
  type: 'user',
  user: { id, store: 'S1' },
  manages: id === 'max',
  authorization: `Bearer ${id}`,
  claims: { sub: id },
});

beforeEach(async () => {
  await edge.openComplete();
  edge.back.link('offline', false);
});

const act = <O extends ActOrder>(order: O, actor: Actor = OPERATOR) =>
  edge.back.inbox(order, actor) as Promise<InboxDone>;
const show = (seq: number, actor: Actor = OPERATOR) => edge.back.inbox({ type: 'show', seq }, actor);
const list = async (order: Partial<ListOrder> = {}, actor: Actor = OPERATOR): Promise<InboxItem[]> =>
  (await edge.back.inbox({ limit: 100, ...order, type: 'list' }, actor)).data;
const retry = (seq: number, body?: Json, dependants = false): ActOrder => ({
  type: 'retry',
  seq,
  dependants,
  ...(body === undefined ? {} : { body }),
});

/** Sends what waits, and waits for so many to be in the inbox. */
async function settle(count: number): Promise<InboxItem[]> {
  edge.back.link('online', false);
  await edge.drained();
  await until(`${count} are in the inbox`, () => edge.back.status.queue.inbox === count);
  return list();
}

const refusedEdit = async () => {
  await edge.edit('k1', 'a', { name: 'forbidden' });
  const [item] = await settle(1);
  return item?.seq ?? 0;
};

describe('what was refused', () => {
  test('is shown with payload, reason, who, when, and what each choice will do', async () => {
    const seq = await refusedEdit();
    expect(await show(seq)).toMatchObject({
      seq,
      kind: 'refused',
      fact: false,
      state: 'refused',
      route: 'PATCH /articles/:id',
      path: '/articles/a',
      user: 'ann',
      at: expect.stringMatching(/^\d{4}-.*Z$/),
      settledAt: expect.stringMatching(/^\d{4}-.*Z$/),
      reason: 'The cloud said: You may not.',
      body: { name: 'forbidden', saw: { name: 'article a' } },
      answer: { status: 403, body: { code: 'forbidden' } },
      waiting: [],
      choices: [{ action: 'retry' }, { action: 'edit' }, { action: 'discard' }],
      history: [],
    });
  });

  test('is tried again as a new entry with a new key, and who did it is kept over a restart', async () => {
    const seq = await refusedEdit();
    const done = await act(retry(seq));
    const as = done.retried[0]?.as ?? 0;
    expect(done).toEqual({ seq, action: 'retry', retried: [{ seq, as }], discarded: [], left: [] });
    await until('it is refused again, and the old one is gone', async () => (await list())[0]?.seq === as);
    const keys = edge.cloud.arrived.map(({ key }) => key);
    expect(new Set(keys).size).toBe(2);
    await edge.back.stop();
    await edge.open();
    expect(await show(seq)).toMatchObject({
      kind: null,
      state: 'refused',
      retriedAs: as,
      history: [{ action: 'retry', who: 'the operator', at: expect.stringMatching(/Z$/) }],
    });
  });

  test('is edited and tried again, and seen at once', async () => {
    const seq = await refusedEdit();
    edge.back.link('offline', false);
    await act(retry(seq, { name: 'allowed' }));
    expect((await edge.read('/articles/a'))?.body['name']).toBe('allowed');
    await settle(0);
    expect(edge.cloud.articles.get('a')?.['name']).toBe('allowed');
    expect((await show(seq)).history).toMatchObject([{ action: 'edit' }]);
  });

  test('that the check refuses stays in the inbox as it is', async () => {
    const seq = await refusedEdit();
    edge.cloud.removeArticle('a');
    await until('the replica knows', async () => (await edge.read('/articles/a'))?.status === 404);
    await expect(act(retry(seq))).rejects.toMatchObject({ code: 'LARDER_RETRY_REFUSED' });
    expect(await show(seq)).toMatchObject({ kind: 'refused', retriedAs: null, history: [] });
    expect(edge.back.status.queue.length).toBe(0);
  });

  test('is discarded once; the same word again changes nothing, another one is told who was first', async () => {
    const seq = await refusedEdit();
    const order: ActOrder = { type: 'discard', seq, dependants: false };
    const done = await act(order);
    expect(done.discarded).toEqual([seq]);
    expect(await act(order, userOf('max'))).toEqual(done);
    await expect(act(retry(seq))).rejects.toMatchObject({
      code: 'LARDER_ENTRY_DONE',
      detail: expect.stringContaining('the operator'),
    });
    expect((await show(seq)).history).toHaveLength(1);
    await until('the inbox is empty', () => edge.back.status.queue.inbox === 0);
    expect(await list()).toEqual([]);
    expect(await list({ settled: true })).toMatchObject([{ seq, state: 'discarded' }]);
  });

  test('a retry that is ordered twice makes one entry', async () => {
    const seq = await refusedEdit();
    edge.back.link('offline', false);
    const [one, other] = await Promise.all([act(retry(seq)), act(retry(seq))]);
    expect(one).toEqual(other);
    await until('it waits', () => edge.back.status.queue.length > 0);
    expect(edge.back.status.queue.length).toBe(1);
  });
});

describe('what went to the inbox with it', () => {
  /** An article that the cloud refuses to make, an edit of it, and one upon that. */
  async function family(): Promise<{ temporary: string; maker: number; others: number[] }> {
    const temporary = await edge.make('k1', 'forbidden');
    await edge.edit('k2', temporary, { name: 'renamed' });
    await edge.call('PATCH', `/articles/${temporary}`, { name: 'again' }, 'k3', { user: 'bob' });
    const items = await settle(3);
    const seqs = items.map(({ seq }) => seq);
    return { temporary, maker: seqs[0] ?? 0, others: seqs.slice(1) };
  }

  test('says so', async () => {
    const { maker, others } = await family();
    expect(await list({ kind: 'orphaned' })).toMatchObject(others.map((seq) => ({ seq, kind: 'orphaned' })));
    const detail = await show(maker);
    expect(detail).toMatchObject({ kind: 'refused', dependants: 2 });
    expect(detail.waiting.map(({ seq }) => seq)).toEqual(others);
    expect((await show(others[0] ?? 0)).reason).toContain(`#${maker}`);
  });

  test('is tried again with it, under the new temporary id, and whoever uses the old one means the new document', async () => {
    const { temporary, maker } = await family();
    edge.back.link('offline', false);
    const done = await act(retry(maker, { name: 'allowed' }, true));
    expect(done.retried).toHaveLength(3);
    expect((await edge.read(`/articles/${temporary}`))?.body).toMatchObject({ name: 'again' });
    await settle(0);
    expect(edge.cloud.articles.get('made-1')).toMatchObject({ name: 'again' });
    expect((await edge.read(`/articles/${temporary}`))?.body).toMatchObject({ id: 'made-1', name: 'again' });
    expect((await edge.read('/articles'))?.body['data']).toHaveLength(6);
    const tried = edge.cloud.arrived.slice(-3).map(({ path }) => path);
    expect(tried).toEqual(['/articles', '/articles/made-1', '/articles/made-1']);
  });

  test('stays in the inbox when it is discarded', async () => {
    const { maker, others } = await family();
    const kept = await act({ type: 'discard', seq: maker, dependants: false });
    expect(kept).toMatchObject({ discarded: [maker], left: others.map((seq) => ({ seq })) });
    expect((await list()).map(({ seq }) => seq)).toEqual(others);
  });

  test('is discarded with it, and whose it was is told who did', async () => {
    const { maker, others } = await family();
    const gone = await act({ type: 'discard', seq: maker, dependants: true });
    expect(gone.discarded).toEqual([maker, ...others]);
    await until('the inbox is empty', () => edge.back.status.queue.inbox === 0);
    expect(await list({ settled: true }, userOf('bob'))).toMatchObject([{ seq: others[1], state: 'discarded' }]);
    expect((await show(others[1] ?? 0, userOf('bob'))).history).toMatchObject([
      { action: 'discard', who: 'the operator', detail: { with: maker } },
    ]);
  });

  test('is left alone where it is not theirs who discards', async () => {
    const { maker, others } = await family();
    const done = await act({ type: 'discard', seq: maker, dependants: true }, userOf('ann'));
    expect(done.discarded).toEqual([maker, others[0]]);
    await until('one is left', () => edge.back.status.queue.inbox === 1);
  });
});

describe('a fact that the cloud insists on refusing', () => {
  test('is never edited or discarded; it can be tried again, as its author', async () => {
    await edge.call('POST', '/orders', { article: 'a', qty: 1, note: 'forbidden' }, 'k1');
    const [item] = await settle(1);
    const seq = item?.seq ?? 0;
    expect((await show(seq)).choices.map(({ action }) => action)).toEqual(['retry']);
    const refused = { code: 'LARDER_CHOICE_INVALID' };
    await expect(act({ type: 'discard', seq, dependants: false })).rejects.toMatchObject(refused);
    await expect(act(retry(seq, { article: 'a', qty: 2 }))).rejects.toMatchObject(refused);
    await act(retry(seq), userOf('max'));
    await until('it is refused again', () => edge.cloud.arrived.length === 2);
    const [first, second] = edge.cloud.arrived;
    expect(second).toMatchObject({ actingFor: 'ann', path: '/orders' });
    expect(second?.key).not.toBe(first?.key);
  });
});

describe('a conflict', () => {
  test('of the same field has both values; tried again it carries those that are there now', async () => {
    await edge.edit('k1', 'a', { name: 'mine', qty: 7 });
    edge.cloud.setArticle('a', { name: 'theirs' });
    const [item] = await settle(1);
    const seq = item?.seq ?? 0;
    const field = { field: 'name', saw: 'article a', current: 'theirs', wanted: 'mine' };
    expect(await show(seq)).toMatchObject({
      kind: 'conflict',
      conflict: { type: 'same-field', fields: [field], by: 'somebody' },
      reason: 'somebody has changed the same: name was "article a", is "theirs", and should become "mine".',
    });
    edge.cloud.setArticle('a', { name: 'later' });
    await until('the replica knows', async () => (await edge.read('/articles/a'))?.body['name'] === 'later');
    expect((await show(seq)).conflict?.fields[0]?.current).toBe('later');
    const { retried } = await act(retry(seq));
    expect((await show(seq)).retriedAs).toBe(retried[0]?.as);
    await settle(0);
    expect(edge.cloud.articles.get('a')).toMatchObject({ name: 'mine', qty: 7 });
  });

  test('between an edit and a deletion says that it is gone', async () => {
    await edge.edit('k1', 'a', { name: 'mine' });
    edge.cloud.removeArticle('a');
    const [item] = await settle(1);
    await until('the replica knows', async () => (await edge.read('/articles/a'))?.status === 404);
    expect(await show(item?.seq ?? 0)).toMatchObject({
      conflict: { type: 'edit-of-deleted' },
      reason: 'Somebody else has deleted it.',
    });
  });
});

describe('who may do what', () => {
  test('I8: everybody sees their own, and who manages sees all', async () => {
    await edge.edit('k1', 'a', { name: 'forbidden' });
    await edge.call('PATCH', '/articles/b', { name: 'forbidden' }, 'k2', { user: 'bob' });
    await settle(2);
    const seen = async (actor: Actor, order: Partial<ListOrder> = {}) =>
      (await list(order, actor)).map(({ user }) => user);
    expect(await seen(userOf('ann'))).toEqual(['ann']);
    expect(await seen(userOf('ann'), { user: 'bob' })).toEqual(['ann']);
    expect(await seen(userOf('cleo'))).toEqual([]);
    expect(await seen(userOf('max'))).toEqual(['ann', 'bob']);
    const [, bobs] = await list();
    const seq = bobs?.seq ?? 0;
    for (const order of [retry(seq), { type: 'discard', seq, dependants: true } as const])
      await expect(act(order, userOf('ann'))).rejects.toMatchObject({ code: 'LARDER_ENTRY_UNKNOWN' });
    await expect(show(seq, userOf('ann'))).rejects.toMatchObject({ code: 'LARDER_ENTRY_UNKNOWN' });
  });

  test("what a manager sends again is the manager's, and judged by their rights", async () => {
    const seq = await refusedEdit();
    await act(retry(seq, { name: 'allowed' }), userOf('max'));
    await settle(0);
    expect(edge.cloud.arrived.at(-1)).toMatchObject({ authorization: 'Bearer max' });
    expect((await show(seq)).history).toMatchObject([{ who: 'user max' }]);
  });

  test('an entry that never needed anybody is not in the inbox, by number either', async () => {
    await edge.order('k1');
    await settle(0);
    await expect(show(1)).rejects.toMatchObject({ code: 'LARDER_ENTRY_UNKNOWN' });
  });
});

test('the list comes in pages, filtered by kind, user and route, and the status counts it', async () => {
  const bodies: [string, Doc, string][] = [
    ['a', { name: 'forbidden' }, 'ann'],
    ['b', { name: 'forbidden' }, 'bob'],
    ['b', { name: 'x' }, 'bob'],
    ['c', { name: 'forbidden' }, 'ann'],
  ];
  for (const [at, [id, body, user]] of bodies.entries())
    await edge.call('PATCH', `/articles/${id}`, body, `k${at}`, { user });
  await settle(4);
  const first = await edge.back.inbox({ type: 'list', limit: 3 }, OPERATOR);
  expect(first).toMatchObject({ data: [{ seq: 1 }, { seq: 2 }, { seq: 3 }], next: 3 });
  const rest = await edge.back.inbox({ type: 'list', limit: 3, after: 3 }, OPERATOR);
  expect(rest).toMatchObject({ data: [{ seq: 4 }], next: null });
  expect(await list({ user: 'bob' })).toMatchObject([{ kind: 'refused' }, { kind: 'orphaned' }]);
  expect(await list({ user: 'bob', kind: 'orphaned' })).toMatchObject([{ seq: 3 }]);
  expect(await list({ route: 'POST /orders' })).toEqual([]);
  expect(edge.back.status.queue).toMatchObject({
    inboxKinds: { refused: 3, orphaned: 1, conflict: 0, unknown: 0, 'key-mismatch': 0 },
    inboxOldest: (await list())[0]?.at,
  });
});
