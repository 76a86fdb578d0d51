import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PATIENT, until, useEdge } from './test-app/edge.ts';

const edge = useEdge();
const PROFILE = join(import.meta.dirname, 'test-app/poll-profile.ts');

/** An edge whose app has no feed, complete. */
async function open(): Promise<void> {
  await edge.open({ profile: PROFILE });
  edge.back.link('online', false);
  await until('the replica is complete', () => edge.back.status.replica.complete);
}

async function ids(): Promise<string[]> {
  const answer = await edge.read('/articles');
  return (answer?.body['data'] as { id: string }[] | undefined)?.map(({ id }) => id) ?? [];
}

test('what changes in an app without a feed comes by polling, on several pages too', async () => {
  await open();
  for (const id of ['a', 'b', 'c', 'd', 'new']) edge.cloud.setArticle(id, { name: `changed ${id}`, qty: 1 });
  for (const id of ['a', 'b', 'c', 'd', 'new'])
    await until('each of them has come', async () => (await edge.quantity(id)) === 1);
  expect(await ids()).toEqual(['e', 'a', 'b', 'c', 'd', 'new']);
});

test('of two changes with one time stamp, the one after the poll comes too', async () => {
  await open();
  edge.cloud.tick = 7;
  edge.cloud.setArticle('a', { qty: 1 });
  await until('the first has come', async () => (await edge.quantity('a')) === 1);
  edge.cloud.setArticle('b', { qty: 2 });
  await until('the second has', async () => (await edge.quantity('b')) === 2);
  expect(await edge.quantity('a')).toBe(1);
});

test('I9: a change in the middle of the walk is not lost, and there is no answer before its end', async () => {
  // Two marks and a page of articles.
  edge.cloud.listsLeft = 3;
  await edge.open({ profile: PROFILE });
  edge.back.link('online', false);
  await until('the walk has stopped half way', () => edge.cloud.walked.length === 1);
  expect(await edge.read('/articles')).toBe(null);
  edge.cloud.tick += 1;
  edge.cloud.setArticle('a', { qty: 3 });
  edge.cloud.tick += 1;
  edge.cloud.listsLeft = Infinity;
  await until('the replica is complete', () => edge.back.status.replica.complete);
  await until('the change has come', async () => (await edge.quantity('a')) === 3);
});

test('what is gone from the cloud is missed among the keys, and may come back', async () => {
  await open();
  edge.cloud.removeArticle('b');
  await until('it is gone', async () => !(await ids()).includes('b'));
  expect(await ids()).toEqual(['a', 'c', 'd', 'e']);
  // Its first version, again: a tombstone of a later one must not hide it.
  edge.cloud.setArticle('b', { name: 'article b', qty: 9 });
  await until('it is back', async () => (await edge.quantity('b')) === 9);
});

test('I6: an entry stays in the overlay until a poll begun after it settled has ended', async () => {
  await open();
  edge.cloud.pollsDown = true;
  expect(await edge.order('k1', 'a', 3, PATIENT)).toMatchObject({ type: 'cloud' });
  expect(edge.back.tags.pending(['articles/a'])).toBe(true);
  expect(await edge.quantity('a')).toBe(97);
  edge.cloud.pollsDown = false;
  await edge.drained();
  expect(await edge.quantity('a')).toBe(97);
});

test('I6: what a write has removed is not seen again before the keys say that it is gone', async () => {
  await open();
  await edge.call('DELETE', '/articles/c', {}, 'k1', { patience: 5000 });
  const seen: boolean[] = [];
  await until('the overlay has let go', async () => {
    seen.push((await ids()).includes('c'));
    return !edge.back.tags.pending(['articles/c']);
  });
  seen.push((await ids()).includes('c'));
  expect(seen).not.toContain(true);
});
