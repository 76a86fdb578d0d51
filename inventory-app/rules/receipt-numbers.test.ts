import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ProblemError } from './problems.ts';
import {
  type Giver,
  LARGEST,
  type ReceiptNumber,
  compareNumbers,
  formatNumber,
  gapsIn,
  nextGeneration,
  nextNumber,
  parseNumber,
} from './receipt-numbers.ts';

const count = fc.oneof(fc.integer({ min: 1, max: LARGEST }), fc.integer({ min: 1, max: 12 }), fc.constant(LARGEST));
const number: fc.Arbitrary<ReceiptNumber> = fc.record({
  storeId: fc.constantFrom('S001', 'S002', 'S0010', 'S999999'),
  till: fc.constantFrom('T1', 'T2', 'T10', 'T99'),
  generation: count,
  seq: count,
});

describe('The number of a receipt', () => {
  test('is written as tills print it', () => {
    expect(formatNumber({ storeId: 'S001', till: 'T2', generation: 3, seq: 124 })).toBe('S001-T2-g3-000124');
    expect(formatNumber(nextNumber({ storeId: 'S001', till: 'T2', generation: 3 }, 0))).toBe('S001-T2-g3-000001');
    expect(formatNumber({ storeId: 'S001', till: 'T2', generation: 3, seq: 1_000_000 })).toBe('S001-T2-g3-1000000');
  });

  test('is read as it was written, and differs where anything differs', () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(parseNumber(formatNumber(a))).toEqual(a);
        expect(formatNumber(a) === formatNumber(b)).toBe(compareNumbers(a, b) === 0);
      }),
    );
  });

  test('that is read is written as it was: there are no two ways to write one', () => {
    const near = fc
      .tuple(
        number.map(formatNumber),
        fc.nat({ max: 20 }),
        fc.constantFrom('', '0', '1', '-', 'T', 'g', ' ', '\n', '٣'),
      )
      .map(([text, at, sign]) => text.slice(0, at) + sign + text.slice(at + 1));
    fc.assert(
      fc.property(fc.oneof(near, fc.string()), (text) => {
        const parsed = parseNumber(text);
        fc.pre(parsed !== null);
        expect(parsed && formatNumber(parsed)).toBe(text);
      }),
    );
  });

  test.each([
    'S001-T2-g3-124', 'S001-T2-g3-0000124', 'S001-T2-g03-000124', 'S001-T0-g3-000124', 'S001-T100-g3-000124',
    'S001-T2-g3-000000', 'S001-T2-g0-000001', 'S01-T2-g3-000124', 's001-T2-g3-000124', ' S001-T2-g3-000124', '17', '',
    'S001-T2-g3-1000000000', 'S001-T2-g3-000124\n',
  ])('is not %j', (text) => expect(parseNumber(text)).toBe(null)); // prettier-ignore

  test('cannot be of what is out of bounds', () => {
    const series = { storeId: 'S001', till: 'T2', generation: 3 };
    for (const seq of [0, -1, 1.5, LARGEST + 1, Number.NaN])
      expect(() => formatNumber({ ...series, seq })).toThrow(RangeError);
    expect(() => nextNumber(series, LARGEST)).toThrow(RangeError);
  });

  test('comes after the one before it, in an order that is total', () => {
    fc.assert(
      fc.property(fc.array(number, { minLength: 3, maxLength: 9 }), (all) => {
        const sorted = all.toSorted(compareNumbers);
        for (const [at, each] of sorted.entries())
          for (const later of sorted.slice(at)) {
            expect(compareNumbers(each, later)).toBeLessThanOrEqual(0);
            expect(compareNumbers(later, each)).toBeGreaterThanOrEqual(0);
          }
      }),
    );
    fc.assert(
      fc.property(number, (each) => {
        fc.pre(each.seq < LARGEST);
        const next = nextNumber(each, each.seq);
        expect(compareNumbers(each, next)).toBeLessThan(0);
        expect(next.seq).toBe(each.seq + 1);
      }),
    );
    const till = (name: string) => ({ storeId: 'S001', till: name, generation: 1, seq: 1 });
    expect(compareNumbers(till('T2'), till('T10'))).toBeLessThan(0);
  });
});

test('Gaps and what has arrived make up all numbers to the highest, in whatever order and however often they come', () => {
  const seqs = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 60 });
  fc.assert(
    fc.property(seqs, (arrived) => {
      const gaps = gapsIn(arrived);
      const missing = gaps.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, at) => from + at));
      const all = [...missing, ...new Set(arrived)].toSorted((a, b) => a - b);
      expect(all).toEqual(Array.from({ length: Math.max(0, ...arrived) }, (_, at) => at + 1));
      // Runs, as long as they can be.
      for (const [at, { from }] of gaps.entries()) expect(from).toBeGreaterThan((gaps[at - 1]?.to ?? -1) + 1);
      expect(gapsIn(arrived.toReversed())).toEqual(gaps);
    }),
  );
});

describe('A generation', () => {
  const at = (minute: number) => new Date(Date.parse('2026-11-01T00:00:00.000Z') + minute * 60_000).toISOString();

  test('begins low: odd from the cloud, even from the edge', () => {
    expect([nextGeneration(0, 'cloud', at(0)), nextGeneration(0, 'edge', at(0))]).toEqual([1, 2]);
    expect([nextGeneration(2, 'cloud', at(0)), nextGeneration(2, 'edge', at(0))]).toEqual([3, 4]);
    // A clock that stands before all numbers.
    expect(nextGeneration(7, 'edge', '1970-01-01T00:00:00.000Z')).toBe(8);
  });

  test('is beyond what its giver knows, and of its giver', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 1e8 }),
        fc.nat({ max: 1e7 }),
        fc.constantFrom<Giver>('cloud', 'edge'),
        (known, minute, by) => {
          const given = nextGeneration(known, by, at(minute));
          expect(given).toBeGreaterThan(known);
          expect(given % 2).toBe(by === 'cloud' ? 1 : 0);
        },
      ),
    );
  });

  test('is refused where none is left', () => {
    expect(() => nextGeneration(LARGEST, 'cloud', at(0))).toThrow(ProblemError);
    expect(() => nextGeneration(LARGEST - 1, 'edge', at(0))).toThrow(ProblemError);
  });

  type Step =
    'cloud' | 'edge' | 'sync' | 'box lost' | 'box copied' | 'box restored' | 'cloud copied' | 'cloud restored';
  const anyStep = fc.constantFrom<Step>(
    'cloud', 'cloud', 'edge', 'edge', 'sync', 'box lost', 'box copied', 'box restored', 'cloud copied', 'cloud restored',
  ); // prettier-ignore

  /** What each side remembers; a copy is a backup of it. `clock`: which minute it is at a step. */
  function play(steps: readonly Step[], clock: (step: number) => number): number[] {
    const given: number[] = [];
    let [cloud, edge, boxCopy, cloudCopy] = [[0], [0], [0], [0]];
    let minute = 0;
    const giveAt = (by: Giver, known: number[]) => {
      const generation = nextGeneration(Math.max(...known), by, at(minute));
      given.push(generation);
      known.push(generation);
    };
    const run: Record<Step, () => void> = {
      cloud: () => giveAt('cloud', cloud),
      edge: () => giveAt('edge', edge),
      sync: () =>
        void ([cloud, edge] = [
          [...cloud, ...edge],
          [...cloud, ...edge],
        ]),
      'box copied': () => void (boxCopy = [...edge]),
      'cloud copied': () => void (cloudCopy = [...cloud]),
      'box lost': () => void (edge = [...cloud]),
      'box restored': () => void (edge = [...boxCopy]),
      'cloud restored': () => void (cloud = [...cloudCopy]),
    };
    for (const [index, each] of steps.entries()) {
      minute = clock(index);
      run[each]();
    }
    return given;
  }

  test('is given once, whatever is cut off, lost, copied and restored', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
        // A minute for each: a till is not started more often than that, nor a box replaced.
        const given = play(steps, (minute) => minute);
        expect(new Set(given).size).toBe(given.length);
      }),
      { numRuns: 500 },
    );
  });

  test('is given once whatever the clocks say, as long as nobody forgets', () => {
    const working = fc.constantFrom<Step>('cloud', 'edge', 'sync');
    const clocks = fc.array(fc.integer({ min: -100, max: 100 }), { minLength: 60, maxLength: 60 });
    fc.assert(
      fc.property(fc.array(working, { maxLength: 60 }), clocks, (steps, minutes) => {
        const given = play(steps, (step) => minutes[step] ?? 0);
        expect(new Set(given).size).toBe(given.length);
      }),
    );
  });
});
