/** Kills the process at the durable steps of settling and of what people do: either all of it is there or nothing (I12). */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, test } from 'vitest';
import type { CrashPoint } from '../crash-point.ts';
import { dieAt as die } from '../test-app/die-at.ts';
import { until, useEdge } from '../test-app/edge.ts';
import type { Actor, ActOrder, InboxDone } from './types.ts';

const OPERATOR: Actor = { type: 'operator', name: 'the operator' };

const edge = useEdge();
beforeEach(async () => {
  await edge.openComplete();
  edge.back.link('offline', false);
});

const dieAt = (point: CrashPoint, order: ActOrder | null = null) =>
  die(edge, point, order === null ? { type: 'link', state: 'online' } : { type: 'inbox', order });

/** As the dead process left it: the maker's state, and what the others say of the article that it makes. */
function left(): { applied: boolean; temporary: boolean } {
  const db = new DatabaseSync(join(edge.data, 'edge.db'), { readOnly: true });
  const rows = db.prepare('SELECT seq, state, path, body FROM entry ORDER BY seq').all();
  db.close();
  const others = rows.slice(1).map(({ path, body }) => `${String(path)} ${String(body)}`);
  expect(new Set(others.map((text) => text.includes('tmp-'))).size).toBe(1);
  return { applied: rows[0]?.['state'] === 'applied', temporary: others[0]?.includes('tmp-') === true };
}

describe("the cloud's id in place of a temporary one", () => {
  test.for([
    ['answered', false],
    ['settle:uncommitted', false],
    ['settle:committed', true],
  ] as const)('I3, I12: is written everywhere or nowhere, killed at %s', async ([point, settled]) => {
    const id = await edge.make('k1', 'new one');
    await edge.edit('k2', id, { name: 'renamed' });
    await edge.order('k3', id, 4);
    await dieAt(point);
    expect(left()).toEqual({ applied: settled, temporary: !settled });
    await edge.open();
    edge.back.link('online', false);
    await edge.drained();
    expect(edge.cloud.articles.size).toBe(6);
    expect(edge.cloud.articles.get('made-1')).toMatchObject({ name: 'renamed', qty: -4 });
    expect((await edge.read(`/articles/${id}`))?.body).toMatchObject({ id: 'made-1', name: 'renamed', qty: -4 });
    // Still understood in a list's filter.
    const orders = (await edge.read(`/orders?article=${id}`))?.body['data'];
    expect(orders).toMatchObject([{ article: 'made-1', qty: 4 }]);
  });
});

describe('what a person does', () => {
  const orders: [string, (seq: number) => ActOrder][] = [
    ['retry', (seq) => ({ type: 'retry', seq, body: { name: 'allowed' }, dependants: true })],
    ['discard', (seq) => ({ type: 'discard', seq, dependants: true })],
  ];
  const cases = orders.flatMap(([name, order]) =>
    (['inbox:uncommitted', 'inbox:committed'] as const).map((point) => [name, point, order] as const),
  );

  test.for(cases)('I2, I12: to %s, killed at %s, is done once when it is said again', async ([, point, orderOf]) => {
    await edge.edit('k1', 'a', { name: 'forbidden' });
    await edge.edit('k2', 'a', { name: 'upon that' });
    edge.back.link('online', false);
    await until('both are in the inbox', () => edge.back.status.queue.inbox === 2);
    await edge.drained();
    edge.back.link('offline', false);
    const order = orderOf(1);
    await dieAt(point, order);
    await edge.open();
    const whole = point === 'inbox:committed';
    expect(edge.back.status.queue.inbox).toBe(whole ? 0 : 2);
    const show = () => edge.back.inbox({ type: 'show', seq: 1 }, OPERATOR);
    expect((await show()).history).toHaveLength(whole ? 1 : 0);
    const done: InboxDone = await edge.back.inbox(order, OPERATOR);
    expect(await edge.back.inbox(order, OPERATOR)).toEqual(done);
    expect((await show()).history).toHaveLength(1);
    edge.back.link('online', false);
    await edge.drained();
    await until('nothing is left', () => edge.back.status.queue.inbox === 0);
    const name = order.type === 'retry' ? 'upon that' : 'article a';
    expect(edge.cloud.articles.get('a')?.['name']).toBe(name);
    expect(edge.cloud.arrived).toHaveLength(order.type === 'retry' ? 3 : 1);
  });
});
