import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Accept } from './accept.ts';
import type { Call } from './client.ts';
import { Credentials } from './credentials.ts';
import { Store, type Bump } from './store.ts';
import { EVERYTHING } from './tag-table.ts';
import { TagTable } from './tag-table.ts';
import { temporaryId } from './temporary-id.ts';
import profile from './test-app/profile.ts';

let data: string;
let store: Store;
let accept: Accept;
const bumps: Bump[] = [];

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'larder-store-'));
  bumps.length = 0;
  store = new Store(data, profile, 'S1', (bump) => bumps.push(bump));
  accept = new Accept({
    store,
    credentials: new Credentials(store.db, new Uint8Array(32), null),
    limits: { admit: () => undefined },
    current: () => undefined,
    now: Date.now,
    complete: () => true,
  });
});

afterEach(() => {
  store.close();
  rmSync(data, { recursive: true });
});

const order = (key: string, note = ''): Call => ({
  method: 'POST',
  path: '/orders',
  search: '',
  headers: { authorization: 'Bearer ann', 'idempotency-key': key },
  body: JSON.stringify({ article: 'a', qty: 1, note }),
  claims: null,
  user: { id: 'ann', store: 'S1' },
});

test('I1, I11: a disk that is full fails all that came together, keeps none of it, and can be used again', () => {
  const pages = Number(store.db.prepare('PRAGMA page_count').get()?.['page_count']);
  store.db.exec(`PRAGMA max_page_count = ${pages + 5}`);
  const calls = [order('k1'), order('k2', 'x'.repeat(1_000_000)), order('k3')];
  expect(() => accept.all(calls)).toThrow(expect.objectContaining({ code: 'LARDER_DISK_FULL' }));
  expect(store.entries.openCount()).toBe(0);
  expect(bumps).toEqual([]);
  store.db.exec('PRAGMA max_page_count = 1000000');
  expect(accept.all(calls).map(({ type }) => type)).toEqual(['kept', 'kept', 'kept']);
  // The credential too was kept at last.
  expect(store.db.prepare('SELECT user FROM credential').all()).toMatchObject([{ user: 'ann' }]);
});

test('a part of a commit that fails leaves nothing, and the front hears nothing of it', () => {
  store.commitAs('feed', (noted) => {
    store.part(
      noted,
      (part) => {
        part.tag('lost');
        part.closed.push(1);
        store.setMeta('lost', 'yes');
        throw new Error('not this one');
      },
      () => undefined,
    );
    noted.tag('kept');
  });
  expect(store.meta('lost')).toBeNull();
  expect(bumps).toMatchObject([{ tags: ['kept'], opened: [], closed: [] }]);
});

test('I11: tags are bounded, and one that was forgotten still counts as raised', () => {
  const front = new TagTable();
  store.commitAs('feed', (noted) => noted.tag('articles/first'));
  for (let page = 0; page < 41; page += 1)
    store.commitAs('feed', (noted) => noted.tag(...Array.from({ length: 500 }, (_, n) => `articles/${page}-${n}`)));
  const { tags } = store.snapshot();
  expect(tags.length).toBeLessThan(20_000);
  expect(tags.map(([tag]) => tag)).toContain(EVERYTHING);
  for (const bump of bumps) front.apply(bump);
  const first = bumps[0]?.sequence ?? 0;
  expect(front.generation(['articles/first'])).toBeGreaterThan(first);
  expect(front.generation(['articles/never'])).toBeGreaterThan(first);
});

test('I6: an entry that touches other documents after it was run again is told with its new tags', () => {
  accept.all([order('k1')]);
  bumps.length = 0;
  store.commitAs('feed', () => {
    const [seq] = store.entries.overlaid().map((entry) => entry.seq);
    const { path, search } = store.entries.get(seq ?? 0);
    store.entries.rewrite(seq ?? 0, path, search, JSON.stringify({ id: 'o1', article: 'b', qty: 1 }));
    store.rebase.rerun(seq ?? 0);
  });
  expect(bumps[0]?.opened[0]?.tags).toContain('articles/b');
  expect(bumps[0]?.tags).toEqual(expect.arrayContaining(['articles/a', 'articles/b']));
});

test('I11: an entry waits for the last one that edited its document, and through it for those before', () => {
  store.commitAs('feed', () => store.putBase('articles', 'a', 1, { id: 'a', name: 'one', version: 1 }, 1));
  const edits = Array.from({ length: 50 }, (_, n) => ({ ...order(`k${n}`), method: 'PATCH', path: '/articles/a' }));
  accept.all(edits);
  const needs = store.db.prepare('SELECT seq, need FROM entry_need ORDER BY seq').all();
  expect(needs).toHaveLength(49);
  expect(needs.every((row) => Number(row['need']) === Number(row['seq']) - 1)).toBe(true);
});

test('I11: what settled long ago is forgotten, with the temporary ids that it had brought', () => {
  const make = (key: string) => ({ ...order(key), path: '/articles', body: JSON.stringify({ name: key }) });
  accept.all([make('k1'), make('k2')]);
  const settle = (seq: number, at: string) => {
    store.entries.move(seq, 'send');
    store.entries.settle(seq, 'done', 'done', { status: 201, headers: {}, body: '{}' }, at);
    store.replaceIds({ [temporaryId('articles', store.entries.get(seq))]: `made-${seq}` }, seq);
    store.rebase.release(seq);
  };
  store.commitAs('feed', () => {
    settle(1, '2026-01-01T00:00:00.000Z');
    settle(2, '2026-03-01T00:00:00.000Z');
  });
  store.commitAs('feed', () => store.entries.prune('2026-02-01T00:00:00.000Z'));
  expect(store.entries.byKey('ann', 'k1')).toBeNull();
  expect(store.db.prepare('SELECT id FROM temporary_id').all()).toMatchObject([{ id: 'made-2' }]);
});

test('I1, I10: a commit that waits for no fsync raises no tag, and is one of a first walk with nothing waiting', () => {
  const fill = (id: string) => {
    bumps.length = 0;
    const synchronous = store.commitAs('walk-page', () => {
      store.putBase('articles', id, 1, { id, name: id, version: 1 }, 1);
      return store.db.prepare('PRAGMA synchronous').get()?.['synchronous'];
    });
    expect(store.db.prepare('PRAGMA synchronous').get()?.['synchronous']).toBe(FULL);
    return { synchronous, raised: bumps.length > 0 };
  };
  const [NORMAL, FULL] = [1, 2];
  expect(fill('a')).toEqual({ synchronous: NORMAL, raised: false });
  accept.all([order('k1')]);
  expect(fill('b')).toEqual({ synchronous: FULL, raised: true });
  store.commitAs('feed', (noted) => store.release(1, noted));
  expect(fill('c')).toEqual({ synchronous: NORMAL, raised: false });
  store.commitAs('feed', () => store.setMeta('walked', '1'));
  expect(fill('d')).toEqual({ synchronous: FULL, raised: true });
  expect(() =>
    store.commitAs('rebuild', () => {
      throw new Error('cut');
    }),
  ).toThrow('cut');
  expect(store.db.prepare('PRAGMA synchronous').get()?.['synchronous']).toBe(FULL);
});
