import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Actor, InboxDetail } from './inbox/types.ts';
import { PATIENT, until, useEdge } from './test-app/edge.ts';
import { LONGEST_IN_FLIGHT } from './test-app/keyless.ts';
import { headOf, Relay, type Cut } from './test-app/relay.ts';

const profileOf = (name: string) => ({ profile: join(import.meta.dirname, 'test-app', name) });
const KEYLESS = profileOf('keyless.ts');
const SLOW = profileOf('keyless-slow.ts');
const OPERATOR: Actor = { type: 'operator', name: 'the operator' };

const edge = useEdge();
let relay: Relay;

async function open(options: { profile: string }): Promise<void> {
  edge.cloud.keepsKeys = false;
  relay = new Relay(edge.origin);
  await edge.openComplete({ ...options, cloud: await relay.listen() });
}
afterEach(() => relay.close());

/** The write of this key meets that cut. */
const cut = (key: string, how: Cut) => relay.cut(`"ref":"${key}"`, how);
const writes = () => edge.cloud.arrived.length;
const emptied = () => until('the queue is empty', () => edge.back.status.queue.length === 0);
const inboxed = () => until('it is in the inbox', () => edge.back.status.queue.inbox === 1);
const shown = (seq: number): Promise<InboxDetail> => edge.back.inbox({ type: 'show', seq }, OPERATOR);
const onlyItem = async () => {
  const { data } = await edge.back.inbox({ type: 'list', limit: 10 }, OPERATOR);
  expect(data).toHaveLength(1);
  return shown(data[0]?.seq ?? 0);
};

const CUTS: [string, Cut][] = [
  ['before its first byte', { in: 'request', pass: () => 0 }],
  ['after its first byte', { in: 'request', pass: () => 1 }],
  ['in its head', { in: 'request', pass: (whole) => Math.floor(headOf(whole) / 2) }],
  ['after its head', { in: 'request', pass: headOf }],
  ['before its last byte', { in: 'request', pass: (whole) => whole.length - 1 }],
  ['before the answer', { in: 'answer', pass: () => 0 }],
  ["after the answer's first byte", { in: 'answer', pass: () => 1 }],
  ["after the answer's head", { in: 'answer', pass: headOf }],
  ["before the answer's last byte", { in: 'answer', pass: (whole) => whole.length - 1 }],
  ["after the answer's last byte", { in: 'answer', pass: (whole) => whole.length }],
];

/** A write that is cut off on its way to the cloud; it arrives when told to. */
function inTransit(key: string): { arrive(): Promise<void> } {
  const [arriving, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  cut(key, { in: 'transit', until: arriving.promise, answered: answered.resolve });
  return {
    arrive() {
      arriving.resolve();
      return answered.promise;
    },
  };
}

/** The link comes back, which ends delays: also that of a look which was under way at the time before. */
async function foundOnReturn(): Promise<void> {
  let last = -Infinity;
  await until('it is found', () => {
    if (performance.now() - last > 1000) {
      edge.back.link('offline', false);
      edge.back.link('online', false);
      last = performance.now();
    }
    return edge.back.status.queue.length === 0;
  });
}

describe('I2: in an app without keys a write is done once', () => {
  test('wherever the connection is cut', async () => {
    await open(KEYLESS);
    const all = CUTS.map(([place, how], at) => ({ place, how, key: `cut-${at}` }));
    for (const { key, how } of all) cut(key, how);
    await Promise.all(all.map(({ key }) => edge.order(key)));
    await until('each has met its cut', () => relay.hasCut);
    await edge.drained();
    const orders = [...edge.cloud.orders.values()];
    const done = all.map(({ place, key }) => [place, orders.filter(({ ref }) => ref === key).length]);
    expect(done).toEqual(all.map(({ place }) => [place, 1]));
    // The whole of each has reached the app once: at the first attempt or, where that was cut short, at the second.
    expect([orders.length, writes()]).toEqual([CUTS.length, CUTS.length]);
    expect(edge.cloud.articles.get('a')?.['qty']).toBe(100 - CUTS.length);
    expect(await edge.quantity()).toBe(100 - CUTS.length);
  });

  test('though the request is still on its way when it is first looked for', async () => {
    await open(SLOW);
    const { arrive } = inTransit('k1');
    await edge.order('k1');
    await until('it was looked for', () => edge.cloud.lookedFor.length > 0);
    expect(edge.cloud.orders.size).toBe(0);
    await arrive();
    await foundOnReturn();
    await edge.drained();
    expect([edge.cloud.orders.size, writes()]).toEqual([1, 1]);
    expect(await edge.quantity()).toBe(99);
  });

  test('though the edge is started anew before it could look', async () => {
    await open(SLOW);
    const { arrive } = inTransit('k1');
    await edge.order('k1');
    await until('it was looked for', () => edge.cloud.lookedFor.length > 0);
    await edge.back.stop();
    const before = edge.cloud.lookedFor.length;
    await edge.open(SLOW);
    edge.back.link('online', false);
    await until('it was looked for again', () => edge.cloud.lookedFor.length > before);
    await arrive();
    await foundOnReturn();
    expect([edge.cloud.orders.size, writes()]).toEqual([1, 1]);
  });

  test('though the app fails when it is asked: that is not "not there"', async () => {
    await open(KEYLESS);
    cut('k1', { in: 'answer', pass: () => 0 });
    edge.cloud.listsLeft = 0;
    await edge.order('k1');
    await until('it is of unknown outcome', () => edge.back.status.queue.states.unknown === 1);
    const passed = performance.now() + LONGEST_IN_FLIGHT * 1000;
    await until('the longest time in flight has passed', () => performance.now() > passed);
    const looked = edge.cloud.lookedFor.length;
    // One look at a time: the last but one of these was begun since, and is done with.
    await until('it was looked for since', () => edge.cloud.lookedFor.length > looked + 2);
    expect(writes()).toBe(1);
    edge.cloud.listsLeft = Infinity;
    await edge.drained();
    expect([edge.cloud.orders.size, writes()]).toEqual([1, 1]);
  });
});

describe('I2: what nobody can find out', () => {
  beforeEach(() => open(KEYLESS));

  test('because there is more than one, is in the inbox, and a person says which it was', async () => {
    const cause = { user: 'ann', key: 'k1' };
    for (const _ of [1, 2]) edge.cloud.writeDirectly('POST', '/orders', { article: 'b', qty: 1, ref: 'k1' }, cause);
    cut('k1', { in: 'request', pass: () => 1 });
    await edge.order('k1', 'a', 1, 100);
    await inboxed();
    const item = await onlyItem();
    expect(item).toMatchObject({ kind: 'unknown', state: 'unknown', fact: true, user: 'ann' });
    expect(item.reason).toContain('It may have been applied');
    const decide = (ids: Record<string, string>) =>
      edge.back.inbox({ type: 'decide', seq: item.seq, applied: true, attempts: item.attempts, ids }, OPERATOR);
    await expect(decide({})).rejects.toMatchObject({ code: 'LARDER_CHOICE_INVALID' });
    await decide({ [item.temporaryIds[0] ?? '']: 'order-2' });
    await emptied();
    expect(writes()).toBe(0);
    expect((await edge.read(`/orders/${item.temporaryIds[0]}`))?.body).toMatchObject({ id: 'order-2' });
    expect((await shown(item.seq)).history).toMatchObject([{ action: 'decide', who: 'the operator' }]);
  });

  test('because there is no way to look, waits for a person, holds up nobody else, and is not sent on a guess', async () => {
    cut('k1', { in: 'answer', pass: () => 0 });
    await edge.edit('k1', 'a', { name: 'renamed' }, 100);
    await inboxed();
    expect(await edge.order('k2', 'b', 1, PATIENT)).toMatchObject({ type: 'cloud' });
    await until('only that one waits', () => edge.back.status.queue.length === 1);
    expect(edge.back.status.queue.inboxKinds.unknown).toBe(1);
    expect(writes()).toBe(2);
    const { seq, attempts } = await onlyItem();
    const decide = () => edge.back.inbox({ type: 'decide', seq, applied: true, attempts, ids: {} }, OPERATOR);
    expect(await decide()).toEqual(await decide());
    await emptied();
    await edge.drained();
    expect((await edge.read('/articles/a'))?.body['name']).toBe('renamed');
    expect(writes()).toBe(2);
  });

  test('and of which a person says that it was not applied, is sent again; that word counts once', async () => {
    cut('k1', { in: 'request', pass: () => 1 });
    await edge.edit('k1', 'a', { name: 'renamed' }, 100);
    await inboxed();
    const { seq, attempts } = await onlyItem();
    const decide = () => edge.back.inbox({ type: 'decide', seq, applied: false, attempts, ids: {} }, OPERATOR);
    cut('k1', { in: 'answer', pass: () => 0 });
    await decide();
    await until('the cloud has done it', () => writes() === 1);
    // Asked for itself: the status may still be the one from before the decision.
    await until('it is in doubt again', async () => (await shown(seq)).kind === 'unknown');
    // The word of before, delivered once more: the entry may have been applied since.
    await decide();
    const again = await shown(seq);
    expect(again).toMatchObject({ kind: 'unknown', attempts: attempts + 1 });
    const stale = { type: 'decide', seq, applied: true, attempts, ids: {} } as const;
    await expect(edge.back.inbox(stale, OPERATOR)).rejects.toMatchObject({ code: 'LARDER_CHOICE_INVALID' });
    expect(writes()).toBe(1);
    await edge.back.inbox({ ...stale, attempts: again.attempts }, OPERATOR);
    await emptied();
    expect(edge.cloud.articles.get('a')?.['name']).toBe('renamed');
  });

  test('stays so over a restart', async () => {
    cut('k1', { in: 'answer', pass: () => 0 });
    await edge.edit('k1', 'a', { name: 'renamed' }, 100);
    await inboxed();
    await edge.back.stop();
    await edge.open(KEYLESS);
    edge.back.link('online', false);
    expect(edge.back.status.queue).toMatchObject({ length: 1, inbox: 1, inboxKinds: { unknown: 1 } });
    await edge.order('k2', 'b', 1, PATIENT);
    expect(writes()).toBe(2);
    expect((await edge.read('/articles/a'))?.body['name']).toBe('renamed');
  });
});
