import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { transaction } from '../database.ts';
import { Store } from '../store.ts';
import profile from '../test-app/profile.ts';
import type { EntryState } from '../client.ts';

let data: string;
let store: Store;

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'larder-entries-'));
  store = new Store(data, profile, 'S1', () => undefined);
});

afterEach(() => {
  store.close();
  rmSync(data, { recursive: true });
});

const insert = (key: string, at = 0) =>
  store.entries.insert({
    key,
    user: { id: 'ann', store: 'S1' },
    route: 'POST /articles',
    kind: 'proposal',
    release: 1,
    method: 'POST',
    path: '/articles',
    search: '?a=1',
    headers: { accept: '*/*' },
    body: '{"name":"new one"}',
    fingerprint: 'f',
    at: new Date(at).toISOString(),
  });

test('a new entry is what its row says, before its first run and after', () => {
  transaction(store.db, 'accept', () => {
    const entry = insert('k1');
    expect(store.entries.get(entry.seq)).toEqual(entry);
    const run = store.rebase.first(entry);
    expect(run.temporary).toHaveLength(1);
    expect(store.entries.get(entry.seq)).toEqual(run);
  });
});

/** Does it, and keeps nothing of it. */
function undone(work: () => void): void {
  const undo = new Error('undo');
  const done = () =>
    transaction(store.db, 'accept', () => {
      work();
      throw undo;
    });
  expect(done).toThrow(undo);
}

interface Made {
  state: EntryState;
  inbox: boolean;
  /** How far before it what it waits for is; null: nothing. */
  need: number | null;
}

const OPEN: readonly EntryState[] = ['queued', 'sending', 'unknown'];
const made: fc.Arbitrary<Made> = fc.record({
  state: fc.constantFrom<EntryState>('queued', 'sending', 'unknown', 'applied', 'refused'),
  inbox: fc.boolean(),
  need: fc.option(fc.integer({ min: 1, max: 5 })),
});

test('I5: the oldest that waits, and the oldest that waits for no other, are found whatever is around them', () => {
  const change = store.db.prepare('UPDATE entry SET state = ?, inbox = ? WHERE seq = ?');
  const need = store.db.prepare('INSERT INTO entry_need (seq, need) VALUES (?, ?)');
  fc.assert(
    fc.property(fc.array(made, { maxLength: 12 }), (all) => {
      const isOpen = (at: number) => OPEN.includes(all[at]?.state ?? 'applied');
      const waits = all.findIndex((_each, at) => isOpen(at));
      const free = all.findIndex(
        ({ inbox, need: back }, at) => isOpen(at) && !inbox && !(back !== null && at >= back && isOpen(at - back)),
      );
      undone(() => {
        const seqs = all.map((_each, at) => insert(`k${at}`, at).seq);
        for (const [at, { state, inbox, need: back }] of all.entries()) {
          change.run(state, inbox ? 'refused' : null, seqs[at] ?? 0);
          if (back !== null && at >= back) need.run(seqs[at] ?? 0, seqs[at - back] ?? 0);
        }
        const found = [store.entries.counts().oldest, store.entries.oldestFree()?.seq ?? null];
        expect(found).toEqual([waits < 0 ? null : new Date(waits).toISOString(), seqs[free] ?? null]);
      });
    }),
  );
});
