import { expect, test } from 'vitest';
import type { Call } from '../client.ts';
import { useEdge } from '../test-app/edge.ts';

const edge = useEdge();

const reading: Call = {
  method: 'GET',
  path: '/articles/a',
  search: '',
  headers: {},
  body: null,
  claims: null,
  user: { id: 'ann', store: 'S1' },
};

test('I6: an answer carries the sequence of its snapshot, which is no older than the tags of a write it shows', async () => {
  await edge.openComplete();
  edge.back.link('offline', false);
  const sequences: number[] = [];
  for (let n = 1; n <= 5; n += 1) {
    const before = edge.back.tags.generation(['articles/a']);
    await edge.order(`k${n}`, 'a', 1);
    const needed = edge.back.tags.generation(['articles/a']);
    expect(needed).toBeGreaterThan(before);
    const found = await edge.back.read(reading);
    expect(JSON.parse(found?.answer.body ?? '')).toMatchObject({ qty: 100 - n });
    expect(found?.sequence).toBeGreaterThanOrEqual(needed);
    sequences.push(found?.sequence ?? 0);
  }
  expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
  expect(new Set(sequences).size).toBe(5);
  // What the front would find after a restart is no older.
  await edge.back.stop();
  await edge.open();
  const again = await edge.back.read(reading);
  expect(again?.sequence).toBeGreaterThanOrEqual(edge.back.tags.generation(['articles/a']));
  expect(again?.sequence).toBeGreaterThanOrEqual(sequences.at(-1) ?? Infinity);
});
