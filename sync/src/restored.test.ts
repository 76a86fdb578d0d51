import { beforeEach, describe, expect, test } from 'vitest';
import { PATIENT, until, useEdge } from './test-app/edge.ts';

const edge = useEdge();

/** Keys of what reached the cloud since a moment, in order, each once. */
const arrivedSince = (before: number) => [...new Set(edge.cloud.arrived.slice(before).map(({ key }) => key))];

describe('a cloud that was restored from a backup', () => {
  beforeEach(() => edge.openComplete());

  test('I2, I3: is offered again what it has lost, in order, and does once what it still has', async () => {
    await edge.order('kept', 'b', 2, PATIENT);
    const backup = edge.cloud.backup();
    const id = await edge.make('k1', 'new one');
    await edge.edit('k2', id, { name: 'renamed' });
    await edge.order('k3', id, 4);
    await edge.drained();
    expect(edge.cloud.articles.get('made-1')).toMatchObject({ name: 'renamed', qty: -4 });
    edge.back.link('offline', false);
    await edge.edit('k4', 'made-1', { name: 'renamed again' });
    await edge.order('k5', 'c', 1);
    const before = edge.cloud.arrived.length;
    edge.cloud.putBack(backup);
    edge.back.link('online', false);
    await edge.drained();
    await edge.complete();
    // The app gave another id this time.
    expect(edge.cloud.articles.get('made-2')).toMatchObject({ name: 'renamed again', qty: -4 });
    expect([...edge.cloud.orders.values()].map(({ article }) => article).sort()).toEqual(['b', 'c', 'made-2']);
    expect(edge.cloud.articles.get('b')?.['qty']).toBe(98);
    const order = arrivedSince(before);
    expect(order).toContain('kept');
    expect(order.filter((key) => ['k1', 'k2', 'k4'].includes(key))).toEqual(['k1', 'k2', 'k4']);
    expect(order.indexOf('k1')).toBeLessThan(order.indexOf('k3'));
    await until('the new article is read', async () => (await edge.read('/articles/made-2'))?.status === 200);
    expect((await edge.read(`/articles/${id}`))?.body).toMatchObject({ id: 'made-2', name: 'renamed again' });
    await until('the old one is gone', async () => (await edge.read('/articles/made-1'))?.status === 404);
    expect(edge.back.status.queue.inbox).toBe(0);
  });

  test('I6: no read misses what was acknowledged, whatever the cloud has lost, and the front asks the replica', async () => {
    const backup = edge.cloud.backup();
    for (let n = 0; n < 20; n += 1) await edge.order(`k${n}`, 'a', 1, PATIENT);
    await edge.drained();
    edge.back.link('offline', false);
    for (let n = 20; n < 25; n += 1) await edge.order(`k${n}`, 'a', 1);
    edge.cloud.putBack(backup);
    expect(edge.cloud.articles.get('a')?.['qty']).toBe(100);
    const answering = Promise.withResolvers<void>();
    edge.cloud.answerAfter = answering.promise;
    edge.back.link('online', false);
    await until('what had settled is waiting again', () => edge.back.status.queue.length === 25);
    expect(edge.back.tags.pending(['articles/a'])).toBe(true);
    answering.resolve();
    const seen = new Set<unknown>();
    await until('all is in the restored cloud', async () => {
      seen.add(await edge.quantity());
      return edge.back.status.queue.length === 0 && !edge.back.tags.pending(['articles/a']);
    });
    seen.add(await edge.quantity());
    expect(seen).toEqual(new Set([75]));
    expect(edge.cloud.articles.get('a')?.['qty']).toBe(75);
  });

  test('I6: a document that it names anew is found meanwhile by every name that was given here', async () => {
    const backup = edge.cloud.backup();
    const id = await edge.make('k1', 'new one');
    await edge.order('k2', id, 4);
    await edge.drained();
    edge.back.link('offline', false);
    edge.cloud.putBack(backup);
    edge.cloud.listsLeft = 0;
    edge.back.link('online', false);
    await until('all is in the restored cloud', () => edge.cloud.orders.size === 1);
    await until('the edge knows', () => edge.back.status.queue.length === 0);
    for (const name of [id, 'made-2'])
      expect((await edge.read(`/articles/${name}`))?.body).toMatchObject({ id: 'made-2', name: 'new one', qty: -4 });
    expect((await edge.read(`/orders?article=${id}`))?.body['data']).toMatchObject([{ article: 'made-2', qty: 4 }]);
    const listed = JSON.stringify((await edge.read('/articles'))?.body['data']);
    expect(listed.match(/new one/g)).toHaveLength(1);
    edge.cloud.listsLeft = Infinity;
    await edge.drained();
    await edge.complete();
    expect((await edge.read(`/articles/${id}`))?.body).toEqual(edge.cloud.articles.get('made-2'));
    expect((await edge.read('/articles/made-1'))?.status).toBe(404);
  });

  test('what somebody else brings back after the sweep is taken, however young its version', async () => {
    const backup = edge.cloud.backup();
    for (const name of ['one', 'two', 'three']) edge.cloud.setArticle('z', { name, qty: 1 });
    await until('it is here', async () => (await edge.read('/articles/z'))?.body['name'] === 'three');
    edge.back.link('offline', false);
    edge.cloud.putBack(backup);
    edge.back.link('online', false);
    await until('it is gone', async () => (await edge.read('/articles/z'))?.status === 404);
    await edge.complete();
    edge.cloud.setArticle('z', { name: 'anew', qty: 1 });
    await until('it is back', async () => (await edge.read('/articles/z'))?.status === 200);
    expect((await edge.read('/articles/z'))?.body).toEqual(edge.cloud.articles.get('z'));
  });

  test('what was removed while it could not be swept is gone after the sweep', async () => {
    const backup = edge.cloud.backup();
    await edge.order('k1', 'b', 1, PATIENT);
    await edge.drained();
    edge.back.link('offline', false);
    await edge.order('k2', 'a', 1);
    edge.cloud.putBack(backup);
    edge.cloud.listsLeft = 0;
    edge.back.link('online', false);
    await until('what waited is in the base', () => !edge.back.tags.pending(['articles/a']));
    edge.cloud.removeArticle('a');
    const asked = edge.cloud.feedAsked;
    await until('the feed has said so', () => edge.cloud.feedAsked > asked + 1);
    edge.cloud.listsLeft = Infinity;
    await edge.drained();
    expect(await edge.quantity('b')).toBe(99);
    expect((await edge.read('/articles/a'))?.status).toBe(404);
  });

  test('I6: a page of the sweep and the overlay do not both show what was sent meanwhile', async () => {
    const backup = edge.cloud.backup();
    edge.cloud.setArticle('b', { name: 'lost' });
    await until('it is here', async () => (await edge.read('/articles/b'))?.body['name'] === 'lost');
    edge.back.link('offline', false);
    edge.cloud.putBack(backup);
    const listed = Promise.withResolvers<void>();
    edge.cloud.listsAfter = { path: '/articles', go: listed.promise };
    edge.back.link('online', false);
    await until('the sweep has begun', () => edge.cloud.listsHeld > 0);
    await edge.order('k1', 'a', 1, PATIENT);
    edge.cloud.feedDown = true;
    const asked = edge.cloud.feedAsked;
    listed.resolve();
    await until('the feed was asked in vain', () => edge.cloud.feedAsked > asked + 1);
    expect(await edge.quantity()).toBe(99);
    edge.cloud.feedDown = false;
    await edge.drained();
    await until('the sweep is over', async () => (await edge.read('/articles/b'))?.body['name'] === 'article b');
    expect(await edge.quantity()).toBe(99);
  });

  test('I3: gets nothing before it has shown whether it is the same', async () => {
    await edge.make('k1', 'new one');
    await edge.drained();
    edge.back.link('offline', false);
    edge.cloud.articles.delete('made-1');
    const backup = edge.cloud.backup();
    await edge.edit('k2', 'made-1', { name: 'renamed' });
    const before = edge.cloud.arrived.length;
    edge.cloud.putBack({ ...backup, seen: new Map(), changes: backup.changes.slice(0, 3) });
    edge.cloud.feedDown = true;
    edge.cloud.feedAsked = 0;
    edge.back.link('online', false);
    await until('it was asked several times', () => edge.cloud.feedAsked >= 3);
    expect(edge.cloud.arrived.length).toBe(before);
    edge.cloud.feedDown = false;
    await edge.drained();
    expect(arrivedSince(before)).toEqual(['k1', 'k2']);
    expect(edge.back.status.queue.inbox).toBe(0);
  });

  test('I6: is not asked for what is covered here before it has shown that', async () => {
    await until('it has', () => edge.back.checked);
    edge.back.link('offline', false);
    edge.cloud.mood = 'portal';
    edge.back.link('online', false);
    expect(edge.back.checked).toBe(false);
    await edge.read('/articles/a');
    expect(edge.back.checked).toBe(false);
    edge.cloud.mood = 'well';
    await until('it has again', () => edge.back.checked);
  });

  test('I12: the edge may end in the middle of offering again', async () => {
    const backup = edge.cloud.backup();
    await edge.order('k1', 'a', 2, PATIENT);
    await edge.order('k2', 'b', 3, PATIENT);
    await edge.drained();
    edge.back.link('offline', false);
    edge.cloud.putBack(backup);
    edge.cloud.mood = 'silent';
    const before = edge.cloud.arrived.length;
    edge.back.link('online', false);
    await until('it is offered again', () => edge.cloud.arrived.length > before);
    await edge.back.stop();
    edge.cloud.mood = 'well';
    await edge.open();
    expect(edge.back.status.queue.length).toBe(2);
    expect(await edge.quantity()).toBe(98);
    edge.back.link('online', false);
    await edge.drained();
    await edge.complete();
    expect(edge.cloud.orders.size).toBe(2);
    expect([await edge.quantity('a'), await edge.quantity('b')]).toEqual([98, 97]);
  });

  test('I3: that lost unnoticed what it had answered is asked for it before anything that builds on it is sent', async () => {
    const backup = edge.cloud.backup();
    edge.cloud.feedDown = true;
    const id = await edge.make('k1', 'new one');
    await until('it is answered, and the feed has not told it', () => edge.cloud.articles.has('made-1'));
    await until('the edge knows', () => edge.back.status.queue.length === 0);
    edge.back.link('offline', false);
    for (let n = 0; n < 5; n += 1) await edge.order(`o${n}`, id, 1);
    edge.cloud.putBack(backup);
    edge.cloud.feedDown = false;
    edge.back.link('online', false);
    await edge.drained();
    expect(edge.cloud.articles.get('made-2')).toMatchObject({ name: 'new one', qty: -5 });
    expect((await edge.read(`/articles/${id}`))?.body).toEqual(edge.cloud.articles.get('made-2'));
    expect(edge.back.status.queue.inbox).toBe(0);
  });

  test('I4, I5: one that cannot be offered again keeps nothing else from being sent', async () => {
    const backup = edge.cloud.backup();
    await edge.order('k1', 'a', 2, PATIENT);
    await edge.drained();
    edge.back.link('offline', false);
    await edge.back.stop();
    await edge.open({ credential: null });
    edge.cloud.rejected.add('Bearer ann');
    await edge.call('POST', '/orders', { article: 'b', qty: 1 }, 'k2', { user: 'bob' });
    edge.cloud.putBack(backup);
    edge.back.link('online', false);
    await until("the other user's is there", () => edge.cloud.orders.size === 1);
    await until('only the one is left', () => edge.back.status.queue.length === 1);
    expect(await edge.quantity('a')).toBe(98);
  });

  test('I2, I6: so is one that has forgotten the place, however much else it knows: all that it lost comes by a sweep', async () => {
    await edge.order('k1', 'a', 2, PATIENT);
    await edge.drained();
    edge.back.link('offline', false);
    await edge.order('k2', 'b', 3);
    edge.cloud.setArticle('c', { name: 'changed meanwhile' });
    edge.cloud.removeArticle('d');
    edge.cloud.prune();
    let restored = 0;
    edge.back.on('restored', () => (restored += 1));
    const [before, walked] = [edge.cloud.arrived.length, edge.cloud.walked.length];
    edge.back.link('online', false);
    await until('the cache is emptied', () => restored > 0);
    await until('what the feed no longer tells is here', async () => {
      expect([await edge.quantity('a'), await edge.quantity('b')]).toEqual([98, 97]);
      return (await edge.read('/articles/d'))?.status === 404;
    });
    await edge.drained();
    await edge.complete();
    expect((await edge.read('/articles/c'))?.body).toEqual(edge.cloud.articles.get('c'));
    expect(edge.cloud.walked.slice(walked)).toEqual(expect.arrayContaining(['/articles', '/orders']));
    // What settled is offered again under its key, before what waited, and took effect once.
    expect(arrivedSince(before)).toEqual(['k1', 'k2']);
    expect([...edge.cloud.orders.values()].map(({ article }) => article).sort()).toEqual(['a', 'b']);
    expect(restored).toBe(1);
  });

  test('what settled longer ago than is kept is not offered again', async () => {
    const backup = edge.cloud.backup();
    await edge.order('k1', 'a', 2, PATIENT);
    await edge.drained();
    await edge.back.stop();
    await edge.open({ keepSettled: 0 });
    const before = edge.cloud.arrived.length;
    edge.cloud.putBack(backup);
    edge.back.link('online', false);
    await until('the restored state is there', async () => (await edge.quantity()) === 100);
    expect(edge.cloud.arrived.length).toBe(before);
  });
});
