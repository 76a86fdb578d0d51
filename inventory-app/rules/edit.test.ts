import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Doc } from '@larder/sync/profile';
import { mergeEdit } from './edit.ts';
import { ProblemError } from './problems.ts';

const tea: Doc = { id: 'p1', name: 'Tea', price: 250, barcode: null, version: 3 };

function conflictsOf(current: Doc, body: Doc & { saw?: Doc }) {
  try {
    mergeEdit(current, body);
  } catch (error) {
    if (error instanceof ProblemError) return { code: error.code, conflicts: error.conflicts };
  }
  return null;
}

test('An edit sets the fields it names and says which of them changed', () => {
  expect(mergeEdit(tea, { name: 'Tea', price: 260, saw: { price: 250 } })).toEqual({
    next: { ...tea, price: 260 },
    changed: ['price'],
  });
});

test('An edit that finds its wish fulfilled changes nothing, whatever its author saw', () => {
  expect(mergeEdit(tea, { price: 250, saw: { price: 100 } })).toEqual({ next: tea, changed: [] });
});

test('An edit without what its author saw overwrites', () => {
  expect(mergeEdit(tea, { barcode: '5000000000017' }).changed).toEqual(['barcode']);
});

test('The same field changed by someone else is a conflict, and nothing applies', () => {
  expect(conflictsOf(tea, { name: 'Green tea', price: 300, saw: { name: 'Tea', price: 240 } })).toEqual({
    code: 'conflict',
    conflicts: [{ field: 'price', saw: 240, current: 250, wanted: 300 }],
  });
});

test('Edits of different fields, each made upon the same document, commute', () => {
  const fields = ['a', 'b', 'c', 'd', 'e', 'f'];
  const values = fc.record(Object.fromEntries(fields.map((field) => [field, fc.integer({ min: 0, max: 2 })])));
  fc.assert(
    fc.property(values, values, fc.subarray(fields), (start, wish, mine) => {
      const theirs = fields.filter((field) => !mine.includes(field));
      const editOf = (names: string[]) => ({
        ...Object.fromEntries(names.map((name) => [name, wish[name] ?? 0])),
        saw: Object.fromEntries(names.map((name) => [name, start[name] ?? 0])),
      });
      const one = mergeEdit(mergeEdit(start, editOf(mine)).next, editOf(theirs)).next;
      const other = mergeEdit(mergeEdit(start, editOf(theirs)).next, editOf(mine)).next;
      expect(one).toEqual(other);
      expect(one).toEqual(wish);
    }),
  );
});
