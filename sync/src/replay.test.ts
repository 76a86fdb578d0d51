import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { UNREADABLE, UNSENDABLE } from './test-app/cloud.ts';
import { PATIENT, until, useEdge } from './test-app/edge.ts';

const edge = useEdge();

/** Complete, and then cut off. */
async function openOffline(changes: Parameters<typeof edge.open>[0] = {}): Promise<void> {
  await edge.openComplete(changes);
  edge.back.link('offline', false);
}

describe('what builds on a refused entry', () => {
  test('I4: goes to the inbox once, however many ways lead to it', async () => {
    await openOffline();
    await edge.edit('k1', 'a', { name: 'forbidden' });
    await edge.edit('k2', 'a', { qty: 7 });
    await edge.edit('k3', 'a', { qty: 8 });
    await edge.edit('k4', 'a', { qty: 9 });
    await edge.order('k5', 'b', 1);
    edge.back.link('online', false);
    await edge.drained();
    await until('all four are in the inbox', () => edge.back.status.queue.inbox === 4);
    expect(edge.cloud.articles.get('b')?.['qty']).toBe(99);
    expect(await edge.quantity('a')).toBe(100);
  });
});

describe('what names an article that is still to be made', () => {
  test('I3, I4: waits for its making, and not for an edit of it that does not get through', async () => {
    await openOffline();
    const id = await edge.make('k1', 'new one');
    await edge.edit('k2', id, { name: UNSENDABLE });
    await edge.order('k3', id, 1);
    edge.back.link('online', false);
    await until('it is there', () => edge.cloud.orders.size === 1);
    expect([...edge.cloud.orders.values()]).toMatchObject([{ article: 'made-1' }]);
    await until('the edit alone waits', () => edge.back.status.queue.length === 1);
  });
});

describe('a clock that was turned back', () => {
  test('I5: stretches no delay', async () => {
    await openOffline();
    await edge.order('k1');
    await edge.back.stop();
    const db = new DatabaseSync(join(edge.data, 'edge.db'));
    db.prepare(`UPDATE meta SET value = ? WHERE name = 'as-of'`).run(String(Date.now() + 365 * 24 * 3600 * 1000));
    db.close();
    await edge.open();
    edge.cloud.mood = 'crash';
    edge.back.link('online', false);
    await until('it was tried three times', () => edge.cloud.arrived.length >= 3);
    edge.cloud.mood = 'well';
    await edge.drained();
    expect(edge.cloud.orders.size).toBe(1);
  });
});

describe('a key that stands for another request in the cloud', () => {
  test('I2: is an alarm, lies in the inbox, and has no effect', async () => {
    const logged: string[] = [];
    await openOffline();
    edge.back.on('log', (level, message) => level === 'error' && logged.push(message));
    edge.cloud.writeDirectly('PATCH', '/articles/b', { name: 'another one' }, { user: 'ann', key: 'k1' });
    await edge.edit('k1', 'a', { name: 'renamed' });
    edge.back.link('online', false);
    await until('it is in the inbox', () => edge.back.status.queue.inboxKinds['key-mismatch'] === 1);
    await until('it is said', () => logged.includes('the cloud knows this key for another request'));
    await edge.drained();
    expect((await edge.read('/articles/a'))?.body['name']).toBe('article a');
    expect(edge.cloud.articles.get('a')?.['name']).toBe('article a');
  });
});

describe('a write that does not apply any more to what has changed beneath it', () => {
  /** What its last run threw. */
  function fault(): unknown {
    const db = new DatabaseSync(join(edge.data, 'edge.db'), { readOnly: true });
    const row = db.prepare('SELECT fault FROM entry').get();
    db.close();
    return row?.['fault'];
  }

  test('loses its effect and is flagged, has it again once it applies, and is sent in any case', async () => {
    await openOffline();
    await edge.edit('k1', 'a', { name: 'renamed' });
    edge.cloud.mood = 'silent';
    edge.back.link('online', false);
    edge.cloud.removeArticle('a');
    await until('it is gone here too', async () => (await edge.read('/articles/a'))?.status === 404);
    expect(fault()).toBe('the article is gone');
    edge.cloud.setArticle('a', { name: 'made again', qty: 3 });
    await until('it applies again', async () => (await edge.read('/articles/a'))?.body['name'] === 'renamed');
    expect(fault()).toBe(null);
    expect(await edge.quantity()).toBe(3);
    edge.cloud.removeArticle('a');
    await until('it is gone again', async () => (await edge.read('/articles/a'))?.status === 404);
    edge.cloud.mood = 'well';
    await until('the cloud has judged it', () => edge.back.status.queue.inboxKinds.conflict === 1);
    expect(edge.back.status.queue.length).toBe(0);
  });
});

describe('a profile that throws', () => {
  test('I4: while sending, holds up that entry alone, and is said so', async () => {
    const logged: string[] = [];
    await openOffline();
    edge.back.on('log', (level, message) => level === 'error' && logged.push(message));
    await edge.edit('k1', 'a', { name: UNSENDABLE });
    await edge.edit('k2', 'b', { name: 'renamed' });
    edge.back.link('online', false);
    await until('the other one is there', () => edge.cloud.articles.get('b')?.['name'] === 'renamed');
    await until('it is said', () => logged.length > 0);
    expect(logged).toContain('the profile cannot send this entry');
    await until('the other one has settled', () => edge.back.status.queue.length === 1);
    await until('the first waits', () => edge.back.status.queue.states.queued === 1);
  });

  test('I4: while reading the answer, leaves that entry unknown, and is said so', async () => {
    const logged: string[] = [];
    await openOffline();
    edge.back.on('log', (level, message) => level === 'error' && logged.push(message));
    await edge.edit('k1', 'a', { name: UNREADABLE });
    await edge.edit('k2', 'b', { name: 'renamed' });
    edge.back.link('online', false);
    await until('the other one has settled', () => edge.back.status.queue.length === 1);
    await until('the first is of unknown outcome', () => edge.back.status.queue.states.unknown === 1);
    await until('it is said', () => logged.length > 0);
    expect(logged).toContain("the profile cannot read the cloud's answer to this entry");
  });
});

describe('a credential', () => {
  test('I5: that came with a repeat of a key is what the waiting entry is sent with', async () => {
    await openOffline({ credential: null });
    edge.cloud.rejected.add('Bearer ann');
    await edge.order('k1');
    edge.back.link('online', false);
    await until('the old token was refused', () => edge.cloud.arrived.length === 1);
    await edge.call('POST', '/orders', { article: 'a', qty: 1 }, 'k1', { user: 'ann#2' });
    await until('the new one is used at once', () => edge.cloud.orders.size === 1, 5000);
    expect(edge.cloud.arrived.map(({ authorization }) => authorization)).toEqual(['Bearer ann', 'Bearer ann#2']);
  });

  test('I5: that is new is not thrown away with the old one, whose refusal was under way', async () => {
    await openOffline({ credential: null });
    edge.cloud.rejected.add('Bearer ann');
    await edge.order('k1');
    const answering = Promise.withResolvers<void>();
    edge.cloud.answerAfter = answering.promise;
    edge.back.link('online', false);
    await until('the old token is on its way', () =>
      edge.cloud.arrived.some(({ authorization }) => authorization === 'Bearer ann'),
    );
    await edge.call('POST', '/orders', { article: 'a', qty: 2 }, 'k2', { user: 'ann#2' });
    answering.resolve();
    await until('both are sent with the new one', () => edge.cloud.orders.size === 2, 5000);
    expect(edge.cloud.arrived.filter(({ authorization }) => authorization === 'Bearer ann')).toHaveLength(1);
  });
});

describe('a fact', () => {
  const sentBy = () => edge.cloud.arrived.map(({ authorization, actingFor }) => [authorization, actingFor]);

  test("goes with the edge's credential, whatever has become of the user's since", async () => {
    await openOffline();
    edge.cloud.rejected.add('Bearer ann');
    await edge.order('k1');
    edge.back.link('online', false);
    await edge.drained();
    expect(sentBy()).toEqual([['Bearer edge', 'ann']]);
  });

  test("I5: goes with the user's own where the edge's is refused", async () => {
    await openOffline();
    edge.cloud.rejected.add('Bearer edge');
    await edge.order('k1');
    edge.back.link('online', false);
    await until('it is there', () => edge.cloud.orders.size === 1, 5000);
    expect(sentBy()).toEqual([
      ['Bearer edge', 'ann'],
      ['Bearer ann', ''],
    ]);
  });
});

test('I5: a user who signs in again sets free at once what waits for them, without another write', async () => {
  await openOffline({ credential: null });
  edge.cloud.rejected.add('Bearer ann');
  await edge.order('k1');
  edge.back.link('online', false);
  await until('the old token was refused', () => edge.cloud.arrived.length === 1);
  edge.back.signedIn('ann', 'Bearer ann#2', { sub: 'ann' });
  await until('the new one is used', () => edge.cloud.orders.size === 1, 5000);
  expect(edge.cloud.arrived.map(({ authorization }) => authorization)).toEqual(['Bearer ann', 'Bearer ann#2']);
});

describe('temporary ids', () => {
  test('I3: an entry waits for what it needs though the base contains that before the answer does', async () => {
    await openOffline();
    const id = await edge.make('k1', 'new one');
    await edge.edit('k2', id, { name: 'renamed' });
    edge.cloud.mood = 'lose-answers';
    edge.back.link('online', false);
    await until('the marker is there before any answer', () => edge.back.status.queue.states.unknown > 0);
    await until('the new article came by the feed', async () => (await edge.read('/articles/made-1'))?.status === 200);
    expect((await edge.read(`/articles/${id}`))?.body).toMatchObject({ name: 'renamed' });
    expect(edge.cloud.arrived.map(({ key }) => key)).not.toContain('k2');
    edge.cloud.mood = 'well';
    await edge.drained();
    expect(edge.back.status.queue.inbox).toBe(0);
    expect(edge.cloud.articles.get('made-1')).toMatchObject({ name: 'renamed' });
    expect((await edge.read(`/articles/${id}`))?.body).toMatchObject({ id: 'made-1', name: 'renamed' });
    expect((await edge.read('/articles'))?.body['data']).toHaveLength(6);
  });

  test('I6: are replaced in the overlay too, and the front knows the new tags', async () => {
    await openOffline();
    const id = await edge.make('k1', 'new one');
    await edge.edit('k2', id, { name: UNSENDABLE });
    edge.cloud.feedHeld = true;
    edge.back.link('online', false);
    await until('the front knows the new tag', () => edge.back.tags.pending(['articles/made-1']));
    expect((await edge.read('/articles/made-1'))?.body).toMatchObject({ id: 'made-1', name: UNSENDABLE });
    expect((await edge.read(`/articles/${id}`))?.body).toMatchObject({ id: 'made-1', name: UNSENDABLE });
    expect((await edge.read('/articles'))?.body['data']).toHaveLength(6);
  });

  test('I3: are rewritten in the query of a waiting entry, as in its path and body, whatever else stands there', async () => {
    await openOffline();
    const id = await edge.make('k1', 'new one');
    const call = {
      method: 'PATCH',
      path: '/articles/a',
      search: `?like=${id}&all=b,${id}&note=tmp-of-mine`,
      headers: { authorization: 'Bearer ann', 'content-type': 'application/json', 'idempotency-key': 'k2' },
      body: JSON.stringify({ name: 'renamed' }),
      claims: { sub: 'ann' },
      user: { id: 'ann', store: 'S1' },
    };
    await edge.back.accept(call, { patience: 0 });
    edge.back.link('online', false);
    await edge.drained();
    expect(edge.cloud.arrived.map(({ key }) => key)).toEqual(['k1', 'k2']);
    const { search = '' } = edge.cloud.arrived[1] ?? {};
    expect([...new URLSearchParams(search)]).toEqual([
      ['like', 'made-1'],
      ['all', 'b,made-1'],
      ['note', 'tmp-of-mine'],
    ]);
  });

  test('that a client still uses when the cloud has replaced them are understood in writes as in reads', async () => {
    await openOffline();
    const id = await edge.make('k"1', 'new one');
    edge.back.link('online', false);
    await edge.drained();
    expect(await edge.edit('k2', id, { name: 'renamed' }, PATIENT)).toMatchObject({
      type: 'cloud',
      answer: { status: 200 },
    });
    expect(edge.cloud.articles.get('made-1')).toMatchObject({ name: 'renamed' });
  });
});

describe('a delay', () => {
  test('that the cloud asks for is kept, and ends when the link has been away', async () => {
    await openOffline();
    await edge.order('k1');
    edge.cloud.mood = 'busy';
    edge.back.link('online', false);
    await until('it was asked to come back later', () => edge.cloud.arrived.length === 1);
    edge.cloud.mood = 'well';
    expect(await edge.order('k2', 'b', 1, PATIENT)).toMatchObject({ type: 'cloud' });
    expect(edge.cloud.arrived.map(({ key }) => key)).toEqual(['k1', 'k2']);
    edge.back.link('offline', false);
    edge.back.link('online', false);
    await edge.drained();
    expect(edge.cloud.orders.size).toBe(2);
  });
});

describe('the watchdog', () => {
  test('I5: says what does not get through and why, while others do, and tries it anew', async () => {
    const alarms: Record<string, unknown>[] = [];
    await openOffline({ stallAfter: 500 });
    edge.back.on('log', (level, message, detail) => {
      if (level === 'error' && message.includes('does not get through')) alarms.push(detail);
    });
    edge.cloud.mood = 'busy';
    await edge.order('k1');
    edge.back.link('online', false);
    await until('it was asked to come back in ten minutes', () => edge.cloud.arrived.length > 0);
    await until('the alarm is raised', () => alarms.length > 0);
    expect(alarms[0]).toMatchObject({ route: 'POST /orders', reason: 'the cloud answered 429 (throttled)' });
    await until('status says so', () => edge.back.status.queue.stalled === 'the cloud answered 429 (throttled)');
    edge.cloud.mood = 'well';
    await edge.drained();
    await until('status says no more', () => edge.back.status.queue.stalled === null);
  });
});

describe('the time', () => {
  test('is the cloud\u2019s where the box is wrong, in what is written down too, and the skew is shown', async () => {
    edge.cloud.clock = () => Date.now() - 3_600_000;
    await edge.openComplete();
    await until('the skew is known', () => Math.abs((edge.back.status.clock.skew ?? 0) - 3_600_000) < 5000);
    await edge.back.stop();
    // What was learnt holds without the cloud.
    await edge.open();
    await edge.order('k1');
    const db = new DatabaseSync(join(edge.data, 'edge.db'), { readOnly: true });
    const at = Date.parse(String(db.prepare("SELECT at FROM entry WHERE key = 'k1'").get()?.['at']));
    db.close();
    expect(Math.abs(Date.now() - 3_600_000 - at)).toBeLessThan(60_000);
  });
});
