import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Doc } from '../profile.ts';
import { Store } from '../store.ts';
import profile from '../test-app/profile.ts';
import type { Table } from './tables.ts';

let data: string;
let store: Store;
let ids = 0;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'larder-tables-'));
  store = new Store(data, profile, 'S1', () => undefined);
});
afterEach(() => {
  store.close();
  rmSync(data, { recursive: true });
});

interface Said {
  version: number;
  /** Null: it is removed. */
  name: string | null;
}

/** What the cloud says of one document, each version once. */
const history: fc.Arbitrary<Said[]> = fc.uniqueArray(
  fc.record({ version: fc.integer({ min: 1, max: 9 }), name: fc.option(fc.constantFrom('x', 'y')) }),
  { minLength: 1, selector: ({ version }) => version },
);

function articles(): Table {
  const table = store.tables.get('articles');
  if (table === undefined) throw new Error('the test app has articles');
  return table;
}

const docOf = (id: string, { version, name }: Said): Doc | null => (name === null ? null : { id, name, version });
const baseOf = (id: string): unknown => JSON.parse(articles().row(id)?.base ?? 'null');

describe.each(['putBase', 'putBoth'] as const)('%s', (put) => {
  /** Tells the table in this order, each in its walk; returns the document's id. */
  function tell(said: readonly Said[], walk: number, id = `x${(ids += 1)}`): string {
    store.commitAs('feed', () => {
      for (const each of said) articles()[put](id, each.version, docOf(id, each), walk);
    });
    return id;
  }
  const newest = (said: readonly Said[]) =>
    said.toSorted((a, b) => b.version - a.version)[0] ?? { version: 0, name: null };

  test('only what is newer replaces a base or a removal, in whatever order and however often it comes', () => {
    fc.assert(
      fc.property(
        history.chain((said) =>
          fc.tuple(fc.constant(said), fc.shuffledSubarray([...said, ...said], { minLength: said.length * 2 })),
        ),
        ([said, told]) => {
          const id = tell(told, 1);
          expect(baseOf(id)).toEqual(docOf(id, newest(said)));
          expect(articles().row(id)?.version).toBe(newest(said).version);
        },
      ),
    );
  });

  test('what a later walk says replaces all that was known before it, whatever the versions', () => {
    fc.assert(
      fc.property(history, history, (before, after) => {
        const id = tell(after, 2, tell(before, 1));
        expect(baseOf(id)).toEqual(docOf(id, newest(after)));
      }),
    );
  });
});
