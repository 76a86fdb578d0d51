import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PATIENT, until, useEdge } from './test-app/edge.ts';

const edge = useEdge();

describe('the overlay lets go', () => {
  test('I6: of what took effect before the cursor was taken, which no marker will tell', async () => {
    await edge.open();
    edge.cloud.feedDown = true;
    edge.back.link('online', false);
    expect(await edge.order('k1', 'a', 2, PATIENT)).toMatchObject({ type: 'cloud' });
    edge.cloud.feedDown = false;
    await edge.complete();
    await edge.drained();
    expect(await edge.quantity()).toBe(98);
  });

  test('I6: of what had reached the cloud by another way, long before', async () => {
    await edge.openComplete();
    edge.cloud.writeDirectly('PATCH', '/articles/a', { qty: 5 }, { user: 'ann', key: 'k1' });
    await until('it came by the feed', async () => (await edge.quantity()) === 5);
    expect(await edge.edit('k1', 'a', { qty: 5 }, PATIENT)).toMatchObject({ type: 'cloud', answer: { status: 200 } });
    edge.cloud.setArticle('a', { qty: 6 });
    await until('the overlay has let go', async () => (await edge.quantity()) === 6);
    expect(edge.back.tags.pending(['articles/a'])).toBe(false);
  });
});

test('I13: an idle feed says that all is as it was, and as of when', async () => {
  await edge.openComplete();
  const asOf = () => edge.back.status.replica.feed.asOf ?? '';
  const before = asOf();
  await until('it is said anew', () => asOf() > before);
  expect(edge.back.status.replica.feed.live).toBe(true);
  edge.cloud.feedHeld = true;
  edge.back.link('offline', false);
  await until('the feed has ended', () => !edge.back.status.replica.feed.live);
  const last = asOf();
  const read = await edge.back.read({
    method: 'GET',
    path: '/articles/a',
    search: '',
    headers: {},
    body: null,
    claims: null,
    user: { id: 'ann', store: 'S1' },
  });
  expect(read?.asOf).toBe(Date.parse(last));
});

describe('the replica', () => {
  test('I9: is fetched for a resource that a new release of the profile brings', async () => {
    await edge.openComplete();
    await edge.back.stop();
    const db = new DatabaseSync(join(edge.data, 'edge.db'));
    db.exec(`DELETE FROM resource WHERE name = 'orders'; DROP TABLE "doc:orders"`);
    db.close();
    await edge.open();
    expect(edge.back.status.replica.complete).toBe(false);
    edge.back.link('online', false);
    await edge.complete();
  });

  test('I6, I9: shows what waiting writes did to documents before it is complete, and no list', async () => {
    await edge.open();
    edge.cloud.listsLeft = 1;
    edge.back.link('online', false);
    await until('the walk has stopped after its first page', () => edge.cloud.listsLeft === 0);
    edge.back.link('offline', false);
    await edge.call('POST', '/orders', { id: 'o1', article: 'a', qty: 2 }, 'k1');
    await edge.call('POST', '/orders', { id: 'o2', article: 'e', qty: 2 }, 'k2');
    const made = await edge.make('k3', 'made here');
    await until('the first page is in', async () => (await edge.quantity('a')) === 98);
    await edge.back.stop();
    await edge.open();
    edge.back.link('offline', false);
    const statuses = async (...paths: string[]) =>
      Promise.all(paths.map(async (path) => (await edge.read(path))?.status ?? null));
    expect(await statuses('/orders/o1', '/orders/o2', `/articles/${made}`, '/articles/a')).toEqual([
      200, 200, 200, 200,
    ]);
    expect(await edge.quantity('a')).toBe(98);
    // Not fetched and only added to; fetched, and the cloud's to answer; not to be told from what was never there.
    expect(await statuses('/articles/e', '/articles/b', '/articles/z')).toEqual([null, null, null]);
    expect(await statuses('/orders', '/articles')).toEqual([null, null]);
    edge.cloud.listsLeft = Infinity;
    edge.back.link('online', false);
    await edge.complete();
    await edge.drained();
    expect(await statuses('/orders', `/articles/${made}`, '/articles/z')).toEqual([200, 200, 404]);
  });

  test.for([
    // The order upon an article from before it; and an article that lacks its quantity already.
    ['/orders', 'already-there-profile.ts', 98],
    ['/articles', 'profile.ts', undefined],
  ] as const)(
    'I6: counts a write once that took effect while a page of %s was asked for',
    async ([path, profile, shown]) => {
      const held = Promise.withResolvers<void>();
      edge.cloud.listsAfter = { path, go: held.promise };
      await edge.open({ profile: join(import.meta.dirname, 'test-app', profile) });
      edge.back.link('online', false);
      await until('the walk asks for the page', () => edge.cloud.listsHeld > 0);
      expect(await edge.order('k1', 'a', 2, PATIENT)).toMatchObject({ type: 'cloud' });
      edge.cloud.feedDown = true;
      const { feedAsked } = edge.cloud;
      held.resolve();
      await until('the feed is asked for', () => edge.cloud.feedAsked > feedAsked);
      expect(await edge.quantity()).toBe(shown);
      edge.cloud.feedDown = false;
      await edge.complete();
      expect(await edge.quantity()).toBe(98);
      await edge.drained();
      expect(await edge.quantity()).toBe(98);
    },
  );

  test('I9: is not completed from a cloud that was restored in the middle of the walk', async () => {
    await edge.open();
    edge.cloud.listsLeft = 1;
    edge.back.link('online', false);
    await until('the walk has stopped half way', () => edge.cloud.listsLeft === 0);
    edge.back.link('offline', false);
    edge.cloud.restore([{ id: 'z', name: 'the only one', qty: 1, version: 1 }]);
    edge.cloud.listsLeft = Infinity;
    edge.back.link('online', false);
    await edge.complete();
    expect((await edge.read('/articles'))?.body['data']).toMatchObject([{ id: 'z' }]);
    expect(edge.cloud.walked.slice(-2)).toEqual(['/articles', '/orders']);
    expect(edge.cloud.walked.filter((path) => path === '/orders')).toHaveLength(1);
  });

  test('I13: is not said to be of today while it is still catching up', async () => {
    await edge.openComplete();
    edge.back.link('offline', false);
    const before = edge.back.status.replica.feed.asOf;
    await edge.back.stop();
    for (let qty = 0; qty < 30; qty += 1) edge.cloud.setArticle('a', { qty });
    edge.cloud.pageSize = 10;
    edge.cloud.pagesLeft = 1;
    await edge.open();
    edge.back.link('online', false);
    await until('the first page is in', async () => (await edge.quantity()) === 9);
    const answer = await edge.back.read({
      method: 'GET',
      path: '/articles/a',
      search: '',
      headers: {},
      body: null,
      claims: null,
      user: null,
    });
    expect(answer?.asOf).toBeGreaterThan(0);
    expect(answer?.asOf).toBeLessThanOrEqual(Date.parse(before ?? ''));
    edge.cloud.pagesLeft = Infinity;
    await until('the rest is', async () => (await edge.quantity()) === 29);
  });
});

describe('a new release of the profile', () => {
  const NEXT = join(import.meta.dirname, 'test-app/next-release-profile.ts');

  test('builds its replica from the documents kept here, with nothing of the cloud, and replays what the old one queued', async () => {
    await edge.openComplete();
    edge.back.link('offline', false);
    await edge.order('k1', 'a', 2);
    await edge.back.stop();
    const walked = edge.cloud.walked.length;
    await edge.open({ profile: NEXT });
    await until('the replica is built anew', () => !edge.back.status.replica.resources['articles']?.rebuilding);
    // By a field that the old one had no index for, with the waiting write in it.
    expect((await edge.read('/articles/by/qty'))?.body['data']).toMatchObject([{ id: 'a', qty: 98 }, {}, {}, {}, {}]);
    edge.back.link('online', false);
    await edge.drained();
    expect(edge.cloud.orders.size).toBe(1);
    expect(edge.cloud.walked.length).toBe(walked);
  });

  test('in the middle of a walk begins the pages of a resource again: it may turn them otherwise', async () => {
    await edge.open();
    edge.cloud.listsLeft = 1;
    edge.back.link('online', false);
    await until('the walk has stopped half way', () => edge.cloud.listsLeft === 0);
    await edge.back.stop();
    edge.cloud.listsLeft = Infinity;
    await edge.open({ profile: NEXT });
    edge.back.link('online', false);
    await edge.complete();
    expect(edge.cloud.walked.filter((path) => path === '/articles')).toHaveLength(3);
    expect(edge.cloud.articles.size).toBe(5);
    expect((await edge.read('/articles'))?.body['data']).toHaveLength(5);
  });

  test('that no longer knows a write which is waiting does not start, and says which', async () => {
    await edge.openComplete();
    edge.back.link('offline', false);
    await edge.order('k1');
    await edge.back.stop();
    const unable = edge.open({ profile: join(import.meta.dirname, 'test-app/fewer-writes-profile.ts') });
    await expect(unable).rejects.toMatchObject({
      code: 'LARDER_PROFILE_TOO_OLD',
      detail: 'Release 2 of "test-app" has no "POST /orders".',
    });
  });
});
