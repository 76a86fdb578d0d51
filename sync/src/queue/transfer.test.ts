import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { until, useEdge } from '../test-app/edge.ts';
import { exportQueue, importQueue } from './transfer.ts';

const edge = useEdge();
let elsewhere: string;
beforeEach(() => void (elsewhere = mkdtempSync(join(tmpdir(), 'larder-other-box-'))));
afterEach(() => rmSync(elsewhere, { recursive: true }));

/** An order that is being sent, and a new article with what builds on it, waiting. */
async function fillQueue(): Promise<string> {
  await edge.openComplete();
  edge.cloud.mood = 'silent';
  await edge.order('sending', 'a', 2);
  await until('it is on its way', () => edge.cloud.arrived.length > 0);
  edge.back.link('offline', false);
  const id = await edge.make('k1', 'new one');
  await edge.edit('k2', id, { name: 'renamed' });
  return id;
}

test('I2, I3: what waits on a box that dies is shown and sent by another, once, though the old one comes back', async () => {
  const id = await fillQueue();
  // Of a running edge, and of one that has ended, it is the same.
  const { text, entries } = exportQueue(edge.data);
  await edge.back.stop();
  expect(exportQueue(edge.data)).toMatchObject({ entries, inbox: 0 });
  expect(entries).toBe(3);
  expect(text).not.toContain('Bearer');
  expect(importQueue(elsewhere, text)).toEqual({ entries: 3, known: 0, mismatched: [] });
  expect(importQueue(elsewhere, text)).toEqual({ entries: 0, known: 3, mismatched: [] });

  const old = edge.data;
  edge.cloud.mood = 'well';
  await edge.open({ data: elsewhere });
  expect(edge.back.status.queue.states).toEqual({ queued: 2, sending: 0, unknown: 1 });
  edge.cloud.feedHeld = true;
  edge.back.link('online', false);
  await until('all is sent', () => edge.back.status.queue.length === 0);
  edge.cloud.feedHeld = false;
  await edge.complete();
  await edge.drained();
  expect(edge.cloud.arrived.slice(1).map(({ actingFor }) => actingFor)).toContain('ann');
  expect((await edge.read(`/articles/${id}`))?.body).toMatchObject({ id: 'made-1', name: 'renamed' });

  await edge.back.stop();
  await edge.open({ data: old });
  edge.back.link('online', false);
  await edge.drained();
  expect(edge.cloud.orders.size).toBe(1);
  expect(edge.cloud.articles.get('a')?.['qty']).toBe(98);
  expect([...edge.cloud.articles.keys()].filter((each) => each.startsWith('made'))).toEqual(['made-1']);
});

test('I6: what was imported is shown at once, before anything is sent', async () => {
  const id = await fillQueue();
  const { text } = exportQueue(edge.data);
  await edge.back.stop();
  edge.cloud.mood = 'well';
  await edge.openComplete({ data: elsewhere });
  await edge.back.stop();
  importQueue(elsewhere, text);
  await edge.open({ data: elsewhere });
  expect(await edge.quantity('a')).toBe(98);
  expect((await edge.read(`/articles/${id}`))?.body).toMatchObject({ name: 'renamed' });
  expect(edge.back.tags.pending(['articles/a'])).toBe(true);
});

test('I2: what lies in the inbox goes along, with what was said and done about it, and can be decided there', async () => {
  await edge.openComplete();
  edge.back.link('offline', false);
  const id = await edge.make('k1', 'forbidden');
  await edge.edit('k2', id, { name: 'renamed' });
  await edge.edit('k3', 'a', { name: 'forbidden' });
  edge.back.link('online', false);
  await until('they are in the inbox', () => edge.back.status.queue.inbox === 3);
  const operator = { type: 'operator', name: 'the operator' } as const;
  const list = async () => (await edge.back.inbox({ type: 'list', limit: 10 }, operator)).data;
  const before = await list();
  const { text, inbox } = exportQueue(edge.data);
  expect(inbox).toBe(3);
  await edge.back.stop();
  expect(importQueue(elsewhere, text)).toMatchObject({ entries: 3 });

  await edge.openComplete({ data: elsewhere });
  const told = ({ kind, reason, at, path, dependants }: (typeof before)[number]) => [
    kind,
    reason,
    at,
    path,
    dependants,
  ];
  expect((await list()).map(told)).toEqual(before.map(told));
  const [maker] = (await list()).filter(({ kind, dependants }) => kind === 'refused' && dependants === 1);
  await edge.back.inbox(
    { type: 'retry', seq: maker?.seq ?? 0, body: { name: 'allowed', qty: 1 }, dependants: true },
    operator,
  );
  await until('all but one are decided', async () => (await list()).filter(({ kind }) => kind !== null).length === 1);
  await edge.drained();
  expect([...edge.cloud.articles.values()].map(({ name }) => name)).toContain('renamed');
});

test('I11: a file that is not whole is refused, and nothing of it is taken', async () => {
  await fillQueue();
  const { text } = exportQueue(edge.data);
  const lines = text.trimEnd().split('\n');
  const broken = [text.slice(0, -20), text.replace('renamed', 'changed'), lines.slice(0, -2).join('\n'), '', '{}\n'];
  for (const each of broken)
    expect(() => importQueue(elsewhere, each)).toThrow(expect.objectContaining({ code: 'LARDER_EXPORT_INVALID' }));
  expect(importQueue(elsewhere, text).entries).toBe(3);
});

test('a key that stands for another request here is left out and named', async () => {
  await fillQueue();
  const { text } = exportQueue(edge.data);
  await edge.back.stop();
  await edge.open({ data: elsewhere });
  edge.cloud.mood = 'well';
  edge.back.link('online', false);
  await edge.complete();
  edge.back.link('offline', false);
  await edge.order('sending', 'b', 9);
  await edge.back.stop();
  expect(importQueue(elsewhere, text)).toEqual({ entries: 2, known: 0, mismatched: ['sending'] });
});
