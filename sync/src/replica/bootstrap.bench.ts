/**
 * How long a walk over a store's documents takes, a page after the other over a link with a delay, and what it costs this
 * thread; then what a new release of the profile costs: its start, and the building of its replica.
 * Run: `node sync/src/replica/bootstrap.bench.ts [documents] [delay in ms]`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import type { App, Ask, Doc } from '../profile.ts';
import { Reconcile } from '../reconcile.ts';
import { Slices } from '../slices.ts';
import { Store } from '../store.ts';
import testApp from '../test-app/profile.ts';
import { Rebuild } from './rebuild.ts';

const documents = Number(process.argv[2] ?? 30_000);
const link = Number(process.argv[3] ?? 80);
const PAGE = 500;
const data = mkdtempSync(join(tmpdir(), 'larder-bench-'));

const { articles } = testApp.resources;
if (articles === undefined) throw new Error('the test app has articles');
/** Like a product: eight indexed fields, a text to search in, a dozen others. */
const index = ['name', 'qty', 'sku', 'brand', 'category', 'price', 'updatedAt', 'active'];
const appOf = (release: number): App => ({
  ...(testApp as unknown as App),
  release,
  resources: {
    articles: {
      ...articles,
      index,
      search: (doc) => `${String(doc['name'])} ${String(doc['sku'])} ${String(doc['brand'])}`.toLowerCase(),
      list: (page) => ({ path: page ?? '0' }),
    },
  },
});
const WORDS = ['copper', 'teapot', 'lunch', 'bag', 'retro', 'spot', 'white', 'hanging', 'heart', 'holder'];
const wordOf = (at: number) => WORDS[at % WORDS.length] ?? '';
const docOf = (at: number): Doc => ({
  id: `p${String((at * 7919) % 1_000_003).padStart(8, '0')}`,
  name: `${wordOf(at)} ${wordOf(at * 7 + 3)} ${wordOf(at * 3 + 1)} ${at}`,
  qty: at % 50,
  sku: `SKU-${at}`,
  brand: `brand ${at % 40}`,
  category: `c${at % 60}`,
  price: at % 9999,
  updatedAt: new Date(1_700_000_000_000 + at * 1000).toISOString(),
  active: at % 20 !== 0,
  description: 'What it is made of, what it is for, and how it is to be kept clean. '.repeat(3),
  version: 1,
});

/** A page as it comes: text that is to be parsed. */
const pages: string[] = [];
for (let at = 0; at < documents; at += PAGE) {
  const docs = Array.from({ length: Math.min(PAGE, documents - at) }, (_, n) => docOf(at + n));
  pages.push(JSON.stringify({ data: docs, next: at + PAGE < documents ? String(at / PAGE + 1) : null }));
}
async function ask({ path }: Ask) {
  await delay(link);
  return { status: 200, headers: { 'content-type': 'application/json' }, body: pages[Number(path)] ?? '' };
}

const threadTime = () => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};
const slicesOf = (store: Store) => new Slices({ store, turn: () => turn(), spent: threadTime });
async function timed(what: string, work: () => unknown): Promise<void> {
  const [began, spent] = [performance.now(), threadTime()];
  await work();
  const [ms, cpu] = [performance.now() - began, threadTime() - spent];
  console.log(`${what}: ${Math.round(ms)} ms, of it ${Math.round(cpu)} ms of this thread`);
}

let store = new Store(data, appOf(1), 'S1', () => undefined);
const now = Date.now;
const walk = new Reconcile({ store, slices: slicesOf(store), storeId: 'S1', now, ask, reach: () => Promise.resolve() });
walk.begin();
await timed(`${documents} documents over ${link} ms`, () => walk.finish());
store.close();
await timed('start of another release', () => (store = new Store(data, appOf(2), 'S1', () => undefined)));
const parts = { store, slices: slicesOf(store), turn: () => turn(), moved: () => undefined, log: () => undefined };
await timed('its replica, and the old one cleared away', () => new Rebuild(parts).run());
store.close();
rmSync(data, { recursive: true });
