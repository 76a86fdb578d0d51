import fc from 'fast-check';
import { assert, expect, test } from 'vitest';
import { names } from './named.ts';
import type { Named } from './named.ts';
import { createShelves } from './shelves.ts';
import type { Slot } from './store.ts';

const tag = fc.constantFrom('red', 'blue', 'green');
const item = fc.record({
  uri: fc.constantFrom('/', '/a', '/a?x=1', '/a?x=2', '/a/b', '/ab', '/c?', '/c?x=1'),
  scope: fc.constantFrom('', 'anna', 'ben'),
  shared: fc.constant(false),
  vary: fc.constant([]),
  selection: fc.constant(''),
  tags: fc.uniqueArray(tag, { maxLength: 2 }),
  sequence: fc.constant(0),
  cacheTags: fc.uniqueArray(tag, { maxLength: 2 }),
});
const named: fc.Arbitrary<Named> = fc.oneof(
  fc.record({
    by: fc.constantFrom('url' as const, 'path' as const, 'prefix' as const),
    value: fc.constantFrom('/', '/a', '/a?', '/a?x=1', '/c', '/none'),
  }),
  fc.record({
    by: fc.constantFrom('tag' as const, 'profile-tag' as const),
    value: fc.constantFrom('red', 'blue', 'green', 'none'),
  }),
);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('put' as const), item }) },
  fc.record({ type: fc.constant('drop' as const), item }),
  fc.record({ type: fc.constant('revise' as const), named, isHard: fc.boolean() }),
);

test('what a purge means is found in the index as by a walk over all that is stored', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 12 }), (steps, maxBytes) => {
      /** All that is stored, by what has come and what was said to have gone. */
      const stored = new Set<Slot>();
      const shelves = createShelves<Slot>({ maxBytes, bytesOf: () => 1, onGone: (gone) => stored.delete(gone) });
      for (const one of steps) {
        if (one.type === 'put') {
          const copy = { ...one.item };
          stored.add(copy);
          shelves.put(copy);
        } else if (one.type === 'drop') shelves.drop(one.item);
        else {
          const walked = [...stored].filter((slot) => names(one.named, slot));
          const changed = new Map(walked.map((slot) => [slot, { ...slot }]));
          const found: Slot[] = [];
          for (const uri of shelves.urisOf(one.named))
            found.push(
              ...shelves.revise(
                uri,
                (slot) => !found.includes(slot) && changed.has(slot),
                (slot) => (one.isHard ? null : (changed.get(slot) ?? null)),
              ),
            );
          assert.sameMembers(found, walked);
          if (!one.isHard)
            for (const [old, next] of changed) {
              stored.delete(old);
              stored.add(next);
            }
        }
        expect(shelves.figures().responses).toBe(stored.size);
        for (const slot of stored) expect(shelves.has(slot)).toBe(true);
        // I11: the index keeps nothing of what has left.
        for (const value of ['red', 'blue', 'green']) {
          const tagged = [...stored].filter((slot) => names({ by: 'tag', value }, slot)).map(({ uri }) => uri);
          expect(new Set(shelves.urisOf({ by: 'tag', value }))).toEqual(new Set(tagged));
        }
        expect(new Set(shelves.urisOf({ by: 'prefix', value: '' }))).toEqual(
          new Set([...stored].map(({ uri }) => uri)),
        );
      }
    }),
    { numRuns: 500 },
  );
});
