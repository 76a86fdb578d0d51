import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Back } from './client.ts';
import { dieAt } from './test-app/die-at.ts';
import { PATIENT, until, useEdge } from './test-app/edge.ts';

const profileOf = (name: string) => ({ profile: join(import.meta.dirname, 'test-app', name) });
const BOXES = profileOf('boxes-profile.ts');
const KEYLESS = profileOf('keyless-boxes-profile.ts');

const edge = useEdge();
let copies: string;
beforeEach(() => (copies = mkdtempSync(join(tmpdir(), 'larder-copies-'))));
afterEach(() => rmSync(copies, { recursive: true }));

const standing = (back = edge.back) => back.status.box.standing;
const stands = (as: string, back = edge.back) => until(`the box is ${as}`, () => standing(back) === as);

/** A copy of the directory as it is now, while nothing runs on it. */
function copy(name: string): string {
  const data = join(copies, name);
  cpSync(edge.data, data, { recursive: true });
  return data;
}

/** Of the entries in a directory on which nothing runs, in order. */
function statesIn(data: string): unknown[] {
  const db = new DatabaseSync(join(data, 'edge.db'), { readOnly: true });
  const rows = db.prepare('SELECT state FROM entry ORDER BY seq').all();
  db.close();
  return rows.map(({ state }) => state);
}

/** Ends the back that runs, as at the end of a day, and starts on another directory. */
async function goOnWith(data: string, options = BOXES): Promise<Back> {
  await edge.back.stop();
  return edge.open({ ...options, data });
}

/** A box that the cloud takes for the current one. */
async function openCurrent(options = BOXES): Promise<void> {
  await edge.openComplete(options);
  await stands('current');
}

/** Starts on another directory, which the cloud takes for that of another box. */
async function holdOn(data: string, options = BOXES): Promise<void> {
  await goOnWith(data, options);
  edge.back.link('online', false);
  await stands('fork');
}

/** The store has lost its link: three orders wait, and there is a copy of the box as it was with two of them. */
async function cutOffWithCopy(options = BOXES): Promise<string> {
  await openCurrent(options);
  edge.back.link('offline', false);
  await edge.order('k1', 'a', 1);
  await edge.order('k2', 'b', 2);
  await edge.back.stop();
  const backup = copy('backup');
  await edge.open(options);
  await edge.order('k3', 'c', 3);
  return backup;
}

/** The same, with the link back and all of it sent; the copy of before is held. */
async function holdCopy(): Promise<string> {
  const backup = await cutOffWithCopy();
  edge.back.link('online', false);
  await edge.drained();
  await holdOn(backup);
  return backup;
}

const sold = () => ['a', 'b', 'c'].map((id) => 100 - Number(edge.cloud.articles.get(id)?.['qty']));

describe('one box', () => {
  test('goes on over any number of starts; a start that never reached the cloud harms nothing', async () => {
    await openCurrent();
    for (const isSeen of [true, false, true]) {
      await edge.back.stop();
      await edge.open(BOXES);
      if (!isSeen) continue;
      edge.back.link('online', false);
      await stands('current');
    }
    expect(edge.cloud.starts).toHaveLength(3);
  });

  test('I2: tells of its start before anything is sent, at each contact', async () => {
    await openCurrent();
    edge.back.link('offline', false);
    await edge.order('k1');
    edge.cloud.startsStatus = 503;
    const told = edge.cloud.startsTold;
    edge.back.link('online', false);
    await until('it was told', () => edge.cloud.startsTold > told + 1 && edge.back.status.replica.feed.live);
    expect(edge.cloud.arrived).toEqual([]);
    edge.cloud.startsStatus = 200;
    await edge.drained();
    expect(edge.cloud.orders.size).toBe(1);
  });

  test('is simply left alone by a cloud that knows nothing of starts, or no such edge', async () => {
    for (const status of [404, 403, 401]) {
      edge.cloud.startsStatus = status;
      await edge.openComplete(BOXES);
      await stands('off');
      await edge.order(`k${status}`, 'a', 1, PATIENT);
      await expect(edge.back.box('authorise', 'Ann')).rejects.toMatchObject({ code: 'LARDER_BOX_NOT_HELD' });
      await edge.back.stop();
    }
    expect(edge.cloud.orders.size).toBe(3);
    await edge.openComplete();
    expect(standing()).toBe('off');
    await expect(edge.back.box('take-over', 'Ann')).rejects.toMatchObject({ code: 'LARDER_BOX_NOT_HELD' });
  });

  test('goes on with a cloud that was restored from a backup, which has forgotten its latest starts', async () => {
    await openCurrent();
    await edge.back.stop();
    await edge.open(BOXES);
    edge.back.link('online', false);
    await stands('current');
    edge.cloud.starts.pop();
    edge.back.link('offline', false);
    const told = edge.cloud.startsTold;
    edge.back.link('online', false);
    await until('it was told again', () => edge.cloud.startsTold > told && edge.cloud.starts.length === 2);
    expect(standing()).toBe('current');
  });
});

describe('a copy of a box', () => {
  test('I2: that comes second holds what it has, over restarts, until somebody lets it go; nothing is done twice', async () => {
    const backup = await cutOffWithCopy();
    edge.back.link('online', false);
    await edge.drained();
    await goOnWith(backup);
    await edge.order('k4', 'c', 4);
    edge.back.link('online', false);
    await stands('fork');
    // Cut off, it still knows: and it takes nothing.
    await goOnWith(backup);
    expect(standing()).toBe('fork');
    await expect(edge.order('k5')).rejects.toMatchObject({ code: 'LARDER_BOX_NOT_CURRENT' });
    expect(await edge.order('k4', 'c', 4)).toMatchObject({ type: 'queued' });
    expect(await edge.quantity()).toBe(99);
    const told = edge.cloud.startsTold;
    edge.back.link('online', false);
    await until('it was told, and the feed is live', () => {
      return edge.cloud.startsTold > told && edge.back.status.replica.feed.live;
    });
    expect(sold()).toEqual([1, 2, 3]);
    expect(edge.back.status.queue.length).toBe(3);

    expect(await edge.back.box('authorise', 'Ann')).toMatchObject({ standing: 'fork', authorised: { by: 'Ann' } });
    await edge.drained();
    expect(sold()).toEqual([1, 2, 7]);
    expect(edge.cloud.orders.size).toBe(4);
    await expect(edge.order('k6')).rejects.toMatchObject({ code: 'LARDER_BOX_NOT_CURRENT' });
  });

  test('I2: that comes first is the current one, and the box itself is held', async () => {
    const backup = await cutOffWithCopy();
    await goOnWith(backup);
    edge.back.link('online', false);
    await edge.drained();
    expect(sold()).toEqual([1, 2, 0]);
    await holdOn(edge.data);
    expect(edge.back.status.queue.length).toBe(3);
    await edge.back.box('authorise', 'Ann');
    await edge.drained();
    expect(sold()).toEqual([1, 2, 3]);
    expect(edge.cloud.orders.size).toBe(3);
  });

  test('I2, I3: that drains makes the same of temporary ids as the box has made of them', async () => {
    await openCurrent();
    edge.back.link('offline', false);
    const id = await edge.make('k1', 'new one');
    await edge.edit('k2', id, { name: 'renamed' });
    for (let n = 0; n < 40; n += 1) await edge.order(`o${n}`, id, 1);
    await edge.back.stop();
    const backup = copy('backup');
    await edge.open(BOXES);
    edge.back.link('online', false);
    await edge.drained();
    await holdOn(backup);
    await edge.back.box('authorise', 'Ann');
    await edge.drained();
    expect(edge.back.status.queue.inbox).toBe(0);
    expect(edge.cloud.articles.get('made-1')).toMatchObject({ name: 'renamed', qty: -40 });
    expect(edge.cloud.articles.size).toBe(6);
  });

  test('I2: of an app without keys looks for what the box may have sent, and leaves to people what it cannot find', async () => {
    await openCurrent(KEYLESS);
    edge.back.link('offline', false);
    await edge.order('k1', 'a', 1);
    await edge.edit('k2', 'b', { name: 'renamed' });
    await edge.back.stop();
    const backup = copy('backup');
    edge.cloud.keepsKeys = false;
    await edge.open(KEYLESS);
    edge.back.link('online', false);
    await until('it is sent', () => edge.back.status.queue.length === 0);
    await goOnWith(backup, KEYLESS);
    await edge.order('k3', 'c', 3);
    edge.back.link('online', false);
    await stands('fork');
    await edge.back.box('authorise', 'Ann');
    await until('what can be found out has been', () => edge.back.status.queue.states.unknown === 1);
    await until('the order of its own is done', () => edge.cloud.orders.size === 2);
    expect(sold()).toEqual([1, 0, 3]);
    expect(edge.cloud.lookedFor).toEqual(expect.arrayContaining(['k1', 'k3']));
    await until('the edit is left to people', () => edge.back.status.queue.inboxKinds.unknown === 1);
  });

  test('I2: let go once, it doubts all it holds anew at each start: a copy of it may be let go as well', async () => {
    const backup = await holdCopy();
    edge.cloud.mood = 'busy';
    await edge.back.box('authorise', 'Ann');
    await until('it was asked, in vain', () => edge.back.status.queue.states.queued === 2);
    await goOnWith(backup);
    expect(edge.back.status.queue.states).toEqual({ queued: 0, sending: 0, unknown: 2 });
    edge.cloud.mood = 'well';
    edge.back.link('online', false);
    await edge.drained();
    expect(sold()).toEqual([1, 2, 3]);
  });
});

describe('a box that is killed', () => {
  test.for(['box:uncommitted', 'box:committed'] as const)(
    'I2, I12: at %s, before the cloud is told of its start, goes on as the one that it is',
    async (point) => {
      await openCurrent();
      edge.back.link('offline', false);
      await edge.order('k1', 'a', 1);
      await dieAt(edge, point, { type: 'link', state: 'online' }, BOXES);
      expect(edge.cloud.starts).toHaveLength(1);
      await edge.open(BOXES);
      edge.back.link('online', false);
      await stands('current');
      await edge.drained();
      expect(edge.cloud.starts).toHaveLength(2);
      expect(sold()).toEqual([1, 0, 0]);
    },
  );

  test.for([
    ['box:uncommitted', null, ['queued', 'queued']],
    ['box:committed', { by: 'Ann' }, ['unknown', 'unknown']],
  ] as const)('I2, I12: at %s, while it is let go: that and the doubt are there together', async (row) => {
    const [point, authorised, states] = row;
    const backup = await holdCopy();
    await dieAt(edge, point, { type: 'box', order: 'authorise' }, { ...BOXES, data: backup });
    // As it was left: a box that was let go doubts what it holds at each start besides.
    expect(statesIn(backup)).toEqual(states);
    await edge.open({ ...BOXES, data: backup });
    expect([edge.back.status.box.authorised]).toMatchObject([authorised]);
    await edge.back.box('authorise', 'Ann');
    edge.back.link('online', false);
    await edge.drained();
    expect(sold()).toEqual([1, 2, 3]);
  });
});

describe('another box', () => {
  test('takes over by an authorised act; the old one comes back, is superseded, and drains', async () => {
    await cutOffWithCopy();
    await holdOn(join(copies, 'new'));
    await edge.complete();
    await expect(edge.order('k4')).rejects.toMatchObject({ code: 'LARDER_BOX_NOT_CURRENT' });
    expect(await edge.back.box('take-over', 'Ann')).toMatchObject({ standing: 'current', authorised: null });
    await edge.order('k4', 'a', 10, PATIENT);
    // Repeated, it changes nothing.
    expect(await edge.back.box('take-over', 'Ann')).toMatchObject({ standing: 'current' });

    await holdOn(edge.data);
    expect(edge.back.status.box.current).toEqual(edge.cloud.starts.at(-1));
    await edge.back.box('authorise', 'Ann');
    await edge.drained();
    expect(sold()).toEqual([11, 2, 3]);
  });

  test('that took over while this one was cut off: this one is superseded as soon as it is back, and sends nothing', async () => {
    await cutOffWithCopy();
    edge.back.link('online', false);
    await edge.drained();
    edge.back.link('offline', false);
    await edge.order('k4', 'a', 10);
    edge.cloud.starts.push({ id: 'another', box: 'till-2', at: new Date().toISOString() });
    edge.back.link('online', false);
    await stands('superseded');
    await expect(edge.order('k5')).rejects.toThrow('till-2');
    expect(sold()).toEqual([1, 2, 3]);
    await edge.back.box('authorise', 'Ann');
    await edge.drained();
    expect(sold()).toEqual([11, 2, 3]);
  });

  test('that cannot tell the cloud does not take over, and says so', async () => {
    await holdCopy();
    edge.cloud.startsStatus = 503;
    await expect(edge.back.box('take-over', 'Ann')).rejects.toMatchObject({ code: 'LARDER_OFFLINE_WRITE' });
    expect(standing()).toBe('fork');
    edge.cloud.startsStatus = 200;
    await edge.back.box('take-over', 'Ann');
    await edge.drained();
    expect(sold()).toEqual([1, 2, 3]);
    await edge.order('k9', 'a', 1, PATIENT);
  });
});
