import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Accept } from '../accept.ts';
import type { Call } from '../client.ts';
import type { CrashPoint } from '../crash-point.ts';
import { Credentials } from '../credentials.ts';
import type { App, Doc } from '../profile.ts';
import { Slices } from '../slices.ts';
import { Store } from '../store.ts';
import { dieAt } from '../test-app/die-at.ts';
import { until, useEdge } from '../test-app/edge.ts';
import nextProfile from '../test-app/next-release-profile.ts';
import profile from '../test-app/profile.ts';
import { Rebuild } from './rebuild.ts';
import { Replica } from './replica.ts';

const MANY = 20_000;
const idOf = (at: number) => `x${String((at * 7919) % 1_000_003).padStart(8, '0')}`;
const docOf = (at: number, version = 1): Doc => ({ id: idOf(at), name: `article ${at % 97}`, qty: at % 50, version });

/** Release 2 also searches otherwise. */
const next = withSearch(nextProfile as unknown as App);
function withSearch(app: App): App {
  const { articles, ...others } = app.resources;
  if (articles === undefined) throw new Error('the test app has articles');
  const search = (doc: Doc) => `${String(doc['name'])} of ${String(doc['qty'])}`;
  return { ...app, resources: { articles: { ...articles, search }, ...others } };
}
const first = profile as unknown as App;

let data: string;
beforeEach(() => (data = mkdtempSync(join(tmpdir(), 'larder-rebuild-'))));
afterEach(() => rmSync(data, { recursive: true }));

const call = (method: string, path: string, body: Doc | null, key = ''): Call => ({
  method,
  path,
  search: '',
  headers: { authorization: 'Bearer ann', 'idempotency-key': key },
  body: body === null ? null : JSON.stringify(body),
  claims: null,
  user: { id: 'ann', store: 'S1' },
});

/** An edge's writer and reader of one release, in this thread, so that a test can look at any moment of a rebuild. */
function open(app: App) {
  const store = new Store(data, app, 'S1', () => undefined);
  const accept = new Accept({
    store,
    credentials: new Credentials(store.db, new Uint8Array(32), null),
    limits: { admit: () => undefined },
    current: () => undefined,
    now: Date.now,
    complete: () => true,
  });
  const replica = new Replica(data, app, 'S1');
  const read = (path: string): Doc | null => {
    const found = replica.read(call('GET', path, null));
    return found === null ? null : (JSON.parse(found.answer.body) as Doc);
  };
  return {
    store,
    read,
    write: (method: string, path: string, body: Doc, key: string) => accept.all([call(method, path, body, key)])[0],
    put: (doc: Doc) =>
      store.commitAs('feed', () => store.putBase('articles', String(doc['id']), Number(doc['version']), doc, 1)),
    /** Rebuilds, with `between` at each turn that others get. */
    rebuild: (between: () => void, units = 5) => rebuild(store, between, units),
    close() {
      replica.close();
      store.close();
    },
  };
}

/** With slices of so many units. */
function rebuild(store: Store, between: () => void, units: number): Promise<void> {
  let spent = 0;
  const turn = async () => between();
  const slices = new Slices({ store, turn, spent: () => (spent += 5 / units) });
  return new Rebuild({ store, slices, turn, moved: () => undefined, log: () => undefined }).run();
}

function fill(store: Store, docs: Doc[]): void {
  store.commitAs('feed', () => {
    for (const doc of docs) store.putBase('articles', String(doc['id']), Number(doc['version']), doc, 1);
    store.db.exec('UPDATE resource SET complete = 1');
  });
}

describe('a new release of the profile', () => {
  test('I9: has its replica built beside the old one, which answers what it has an index for, and no more', async () => {
    const old = open(first);
    fill(
      old.store,
      Array.from({ length: MANY }, (_, at) => docOf(at)),
    );
    old.write('POST', '/orders', { article: idOf(1), qty: 1 }, 'k1');
    old.close();

    const edge = open(next);
    const looks: { item: Doc | null; listed: unknown; byQty: unknown; byVersion: unknown }[] = [];
    const look = () => ({
      item: edge.read(`/articles/${idOf(1)}`),
      listed: edge.read('/articles')?.['data'],
      byQty: edge.read('/articles/by/qty')?.['data'],
      byVersion: edge.read('/articles/by/version'),
    });
    let turns = 0;
    await edge.rebuild(() => {
      turns += 1;
      if (edge.store.tables.get('articles')?.generation === 0 && turns % 40 === 1) looks.push(look());
      if (turns === 50) edge.write('POST', '/orders', { article: idOf(1), qty: 5 }, 'k2');
    }, 200);
    expect(looks.length).toBeGreaterThan(2);
    for (const { item, listed, byQty, byVersion } of looks) {
      expect(item).toMatchObject({ id: idOf(1) });
      expect(listed).toHaveLength(MANY);
      // Its column is there, but it is asked for together with a field that has none.
      expect([byQty, byVersion]).toEqual([undefined, null]);
    }
    expect([looks[0]?.item?.['qty'], looks.at(-1)?.item?.['qty']]).toEqual([0, -5]);
    const after = look();
    expect(after.item).toMatchObject({ qty: -5 });
    expect(after.byQty).toHaveLength(MANY);
    expect((after.byQty as Doc[])[0]).toMatchObject({ id: idOf(1), qty: -5 });
    expect(tablesOf(edge.store)).toEqual(['doc@1:articles', 'grams@1:articles']);
    edge.close();
  }, 30_000);

  test('I6: finds for a write, one by one, what there is no index for yet', async () => {
    const old = open(first);
    fill(
      old.store,
      Array.from({ length: 50 }, (_, at) => docOf(at)),
    );
    old.close();
    const edge = open(next);
    const { view } = edge.store;
    const before = [
      view.list('articles', { where: { version: { gt: 0 } }, order: [['version', 'asc']] }),
      view.list('articles', { terms: ['7 of 7'] }),
    ];
    await edge.rebuild(() => undefined);
    expect(before).toEqual([
      view.list('articles', { where: { version: { gt: 0 } }, order: [['version', 'asc']] }),
      view.list('articles', { terms: ['7 of 7'] }),
    ]);
    expect(before.map(({ length }) => length)).toEqual([50, 1]);
    edge.close();
  });

  test('I12: that is taken back, or overtaken by another, in the middle leaves the replica as it would have been', async () => {
    const old = open(first);
    fill(
      old.store,
      Array.from({ length: 50 }, (_, at) => docOf(at)),
    );
    old.close();
    const listed: unknown[] = [];
    for (const app of [next, first, next, { ...next, release: 3 }, first, first]) {
      const edge = open(app);
      if (app === first) listed.push(edge.read('/articles')?.['data']);
      let turns = 0;
      const cut = edge.rebuild(() => {
        if ((turns += 1) > 6) throw new Error('cut');
      });
      await cut.catch(() => undefined);
      edge.close();
    }
    expect(listed).toMatchObject(Array.from({ length: 3 }, () => ({ length: 50 })));
    const edge = open({ ...next, release: 4 });
    await edge.rebuild(() => undefined);
    expect(edge.read('/articles/by/qty')?.['data']).toHaveLength(50);
    expect(tablesOf(edge.store)).toHaveLength(2);
    edge.close();
  });

  const change = fc.record({ at: fc.nat(40), kind: fc.constantFrom('put', 'remove', 'order', 'edit'), gap: fc.nat(3) });
  test('I6: has in its new tables all that changed while they were filled', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 30 }), async (changes) => {
        rmSync(data, { recursive: true });
        data = mkdtempSync(join(tmpdir(), 'larder-rebuild-'));
        const old = open(first);
        fill(
          old.store,
          Array.from({ length: 30 }, (_, at) => docOf(at)),
        );
        old.close();
        const edge = open(next);
        let version = 1;
        const left = changes.flatMap((one) => [...Array.from({ length: one.gap }, () => null), one]);
        await edge.rebuild(() => {
          const one = left.shift();
          if (one === undefined || one === null) return;
          version += 1;
          const { at, kind } = one;
          if (kind === 'put') edge.put(docOf(at, version));
          if (kind === 'remove')
            edge.store.commitAs('feed', () => edge.store.putBase('articles', idOf(at), version, null, 1));
          if (kind === 'order') edge.write('POST', '/orders', { article: idOf(at), qty: 1 }, `k${version}`);
          if (kind === 'edit') edge.write('PATCH', `/articles/${idOf(at)}`, { name: `n${version}` }, `k${version}`);
        });
        expectWhole(edge.store);
        edge.close();
      }),
      { numRuns: 60 },
    );
  });
});

/** Every view is its base with the operations that wait, every column what its view says, and every search finds it. */
function expectWhole({ db, overlay, tables, view, app }: Store): void {
  const { articles } = app.resources;
  const table = tables.get('articles');
  if (articles === undefined || table === undefined) throw new Error('there are articles');
  expect(table.generation).toBe(1);
  const folds = overlay.folds();
  const rows = db.prepare(`SELECT * FROM ${table.documents}`).all();
  for (const row of rows) {
    const doc = folds.after('articles', String(row['id']));
    expect(JSON.parse(String(row['view']))).toEqual(doc);
    const search = doc === null ? null : (articles.search?.(doc) ?? null);
    expect(row['search']).toBe(search);
    for (const field of articles.index) expect(row[`f:${field}`]).toEqual(doc === null ? null : (doc[field] ?? null));
    if (doc === null || search === null) continue;
    const found = view.list('articles', { terms: [search] }).map(({ id }) => id);
    expect(found).toContain(doc['id']);
  }
  expect(view.count('articles', { terms: ['articl'] })).toBe(
    rows.filter((row) => String(row['search']).includes('articl')).length,
  );
}

const tablesOf = ({ db }: Store): string[] =>
  db
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB '*[:]articles'")
    .all()
    .map((row) => String(row['name']))
    .toSorted();

describe('a rebuild that is killed', () => {
  const edge = useEdge();
  const NEXT = join(import.meta.dirname, '..', 'test-app', 'next-release-profile.ts');
  const points: [CrashPoint, number][] = [
    ['rebuild:uncommitted', 3],
    ['rebuild:committed', 3],
    ['rebuilt:uncommitted', 1],
    ['rebuilt:committed', 1],
    ['cleared:uncommitted', 1],
    ['cleared:committed', 2],
  ];

  test.each(points)(
    'I2, I12: at %s goes on, and what the earlier release queued is replayed once',
    async (point, n) => {
      await edge.openComplete();
      const fields = (at: number) => ({ name: `article ${at}`, qty: at });
      edge.cloud.setArticles(Array.from({ length: 2000 }, (_, at) => ({ id: `x${at}`, fields: fields(at) })));
      await until('all are here', () => edge.back.status.replica.resources['articles']?.documents === 2005);
      edge.back.link('offline', false);
      await edge.order('k1', 'a', 2);
      await edge.make('k2', 'a new one');
      // No link: what waits is still to be there.
      await dieAt(edge, `${point}:${n}`, { type: 'link', state: 'offline' }, { profile: NEXT });
      const db = new DatabaseSync(join(edge.data, 'edge.db'), { readOnly: true });
      expect(db.prepare('SELECT state, release FROM entry').all()).toMatchObject([
        { state: 'queued', release: 1 },
        { state: 'queued', release: 1 },
      ]);
      db.close();

      await edge.open({ profile: NEXT });
      expect(await edge.quantity()).toBe(98);
      await until('it is whole', () => !edge.back.status.replica.resources['articles']?.rebuilding);
      expect((await edge.read('/articles/by/qty'))?.body['data']).toHaveLength(2006);
      edge.back.link('online', false);
      await edge.drained();
      expect([edge.cloud.orders.size, edge.cloud.articles.get('a')?.['qty']]).toEqual([1, 98]);
      expect(edge.cloud.articles.get('made-1')).toMatchObject({ name: 'a new one' });
    },
  );
});
