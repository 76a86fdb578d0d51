/**
 * How long a change of one article's base takes with many sales of it waiting, and how long accepting them takes.
 * Run: `node sync/src/replica/rebase.bench.ts [sales]`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Accept } from '../accept.ts';
import type { Call } from '../client.ts';
import { Credentials } from '../credentials.ts';
import { Store } from '../store.ts';
import type { App, Doc } from '../profile.ts';
import testApp from '../test-app/profile.ts';

const sales = Number(process.argv[2] ?? 10_000);
const BATCH = 100;
const data = mkdtempSync(join(tmpdir(), 'larder-bench-'));

/** Like a real one: what is counted is not what is named. */
const profile: App = {
  ...testApp,
  resources: { ...testApp.resources, levels: { ...testApp.resources['orders'], index: ['qty'] } as never },
  writes: {
    'POST /orders': {
      kind: 'fact',
      check: (_db, req, _user, fix) => ({ id: fix.id(), ...(req.body as Doc) }),
      apply(db, req) {
        const order = req.body as Doc;
        db.get('articles', 'a');
        db.put('orders', { ...order, version: 1 });
        db.add('levels', 'a', 'qty', -Number(order['qty']));
      },
      answer: () => ({ status: 201, headers: {}, body: null }),
    },
  },
};
const store = new Store(data, profile, 'S1', () => {});
const accept = new Accept({
  store,
  credentials: new Credentials(store.db, new Uint8Array(32), null),
  limits: { admit: () => undefined },
  current: () => undefined,
  now: Date.now,
  complete: () => true,
});
const call = (n: number): Call => ({
  method: 'POST',
  path: '/orders',
  search: '',
  headers: { 'idempotency-key': `k${n}` },
  body: JSON.stringify({ article: 'a', qty: 1 }),
  claims: null,
  user: { id: 'ann', store: 'S1' },
});
const timed = (work: () => void): number => {
  const started = performance.now();
  work();
  return performance.now() - started;
};
const article = (version: number) => ({ id: 'a', name: 'article a', qty: 1_000_000, version });

store.commitAs('feed', () => {
  store.putBase('articles', 'a', 1, article(1), 0);
  store.putBase('levels', 'a', 1, { id: 'a', qty: 1_000_000, version: 1 }, 0);
});
const accepting = timed(() => {
  for (let n = 0; n < sales; n += BATCH) accept.all(Array.from({ length: BATCH }, (_, at) => call(n + at)));
});
const counting = timed(() =>
  store.commitAs('feed', () => store.putBase('levels', 'a', 2, { id: 'a', qty: 9, version: 2 }, 0)),
);
const renaming = timed(() => store.commitAs('feed', () => store.putBase('articles', 'a', 2, article(2), 0)));
const landing = timed(() => {
  for (let seq = 1; seq <= sales; seq += BATCH)
    store.commitAs('feed', (noted) => {
      for (let at = seq; at < seq + BATCH; at += 1) store.release(at, noted);
    });
});
const print = (what: string, ms: number) =>
  process.stdout.write(`${what.padEnd(60)}${ms.toFixed(1).padStart(10)} ms\n`);
print(`accept ${sales} sales of one article, ${BATCH} a commit`, accepting);
print('its stock level changes beneath them', counting);
print('the article itself changes, which all of them name', renaming);
print(`all of them land in the base, ${BATCH} a commit`, landing);
store.close();
rmSync(data, { recursive: true });
