import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Census } from './census.ts';
import { Store } from './store.ts';
import { until } from './test-app/edge.ts';
import profile from './test-app/profile.ts';

let directory: string;
let store: Store;
let turns = 0;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'larder-census-'));
  store = openStore();
  turns = 0;
});

afterEach(() => {
  store.close();
  rmSync(directory, { recursive: true, force: true });
});

const openStore = () => new Store(directory, profile, 'S1', () => undefined);

const put = (...ids: string[]) =>
  store.commitAs('feed', () => {
    for (const id of ids) store.putBase('articles', id, 1, { id, version: 1, name: id, price: 1, qty: 1 }, 1);
  });

function begin(complete: boolean): Census {
  const turn = () => Promise.resolve(void (turns += 1));
  return new Census({ store, turn, moved: () => undefined }, complete);
}

test('documents are counted when all are there, with a turn for others before each resource', async () => {
  const census = begin(false);
  put('a', 'b');
  census.changed(false);
  expect(turns).toBe(0);
  census.changed(true);
  await until('they are counted', () => census.of('articles') === 2);
  expect(turns).toBe(store.tables.size);
  census.stop();
});

test('I12: a start knows the last count without counting, and counts again soon: a power cut may have come between', async () => {
  const before = begin(false);
  put('a', 'b');
  before.changed(true);
  await until('the count is kept', () => store.meta('counts') !== null);
  before.stop();
  put('c');
  store.close();

  store = openStore();
  turns = 0;
  const census = begin(true);
  expect(census.of('articles')).toBe(2);
  expect(turns).toBe(0);
  await until('they are counted anew', () => census.of('articles') === 3);
  census.stop();
});

test('a disk that does not take the count costs no more than that', async () => {
  const census = begin(false);
  put('a');
  const { commitAs } = store;
  store.commitAs = () => {
    throw new Error('full');
  };
  census.changed(true);
  await until('they are counted', () => census.of('articles') === 1);
  store.commitAs = commitAs;
  put('b');
  census.changed(false);
  await until('they are counted the next time too', () => census.of('articles') === 2);
  expect(JSON.parse(store.meta('counts') ?? '')).toMatchObject({ articles: 2 });
  census.stop();
});
