import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Answer } from './client.ts';
import type { App, Ask } from './profile.ts';
import { Reconcile } from './reconcile.ts';
import { Slices } from './slices.ts';
import { Store } from './store.ts';
import profile from './test-app/profile.ts';

const { articles } = profile.resources;
if (articles === undefined) throw new Error('the test app has articles');
const app: App = {
  ...(profile as unknown as App),
  resources: { articles: { ...articles, list: (page) => ({ path: page ?? '0' }) } },
};
const PAGES = 4;

let data: string;
let store: Store;
let happened: string[];
beforeEach(() => {
  happened = [];
  data = mkdtempSync(join(tmpdir(), 'larder-walk-'));
  store = new Store(data, app, 'S1', () => undefined);
});
afterEach(() => {
  store.close();
  rmSync(data, { recursive: true });
});

/** A walk over pages of one article each, in front of a cloud of which the link may be cut. */
function walkOver(cloud: (ask: Ask) => Promise<Answer>): Reconcile {
  const whole = new Slices({ store, turn: () => Promise.resolve(), spent: () => 0 });
  const slices: Pick<Slices, 'commit'> = {
    async commit(step, units, work, end) {
      await whole.commit(step, units, work, end);
      for (const { id } of units as readonly { id?: string }[]) if (id !== undefined) happened.push(`stored ${id}`);
    },
  };
  return new Reconcile({ store, slices, storeId: 'S1', now: () => 1, ask: cloud, reach: () => Promise.resolve() });
}

async function answer({ path }: Ask): Promise<Answer> {
  happened.push(`asked ${path}`);
  const next = Number(path) + 1 < PAGES ? String(Number(path) + 1) : null;
  return { status: 200, headers: {}, body: JSON.stringify({ data: [{ id: path, name: path, version: 1 }], next }) };
}

test('I11: a walk asks for the next page while one is stored, and for no more than that', async () => {
  const walk = walkOver(answer);
  walk.begin();
  await walk.finish();
  const steps = ['asked 0', 'asked 1', 'stored 0', 'asked 2', 'stored 1', 'asked 3', 'stored 2', 'stored 3'];
  expect(happened).toEqual(steps);
});

test('I12: a walk that is cut while a page is stored keeps that page, and goes on with the next', async () => {
  const cut = walkOver((ask) => (ask.path === '2' ? Promise.reject(new Error('cut')) : answer(ask)));
  cut.begin();
  await expect(cut.finish()).rejects.toThrow('cut');
  expect(happened).toEqual(['asked 0', 'asked 1', 'stored 0', 'stored 1']);
  happened = [];
  await walkOver(answer).finish();
  expect(happened).toEqual(['asked 2', 'asked 3', 'stored 2', 'stored 3']);
  expect(store.tables.get('articles')?.count()).toBe(PAGES);
});
