import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ReadPace } from './read-pace.ts';

/** Of a disk that is read each time. */
function paceOfDisk(): ReadPace {
  let inputs = 0;
  return new ReadPace(() => ++inputs);
}

test('reads are waited for until one is slow, and again after a while', () => {
  const pace = paceOfDisk();
  pace.took(0.1, 0);
  expect(pace.isQuick(0)).toBe(true);
  pace.took(50, 100);
  expect([pace.isQuick(101), pace.isQuick(1099), pace.isQuick(1100)]).toEqual([false, false, true]);
});

test('one that is slow again is followed by twice as long a while, one that is so much later is not', () => {
  const pace = paceOfDisk();
  pace.took(50, 0);
  pace.took(50, 1000);
  expect([pace.isQuick(2999), pace.isQuick(3000)]).toEqual([false, true]);
  pace.took(50, 100_000);
  expect(pace.isQuick(101_000)).toBe(true);
});

test('one that was slow for want of a processor, not for the disk, does not count', () => {
  let inputs = 0;
  const pace = new ReadPace(() => inputs);
  pace.took(50, 0);
  expect(pace.isQuick(1)).toBe(true);
  inputs++;
  pace.took(50, 2);
  expect(pace.isQuick(3)).toBe(false);
});

test('a disk that is always slow is waited for a bounded and ever rarer number of times', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0.1, max: 500, noNaN: true }), { minLength: 1, maxLength: 2000 }), (gaps) => {
      const pace = paceOfDisk();
      let now = 0;
      let waits = 0;
      for (const gap of gaps) {
        now += gap;
        if (!pace.isQuick(now)) continue;
        waits++;
        pace.took(10, now);
      }
      // Of pauses that double, the first n take 2 ** n - 1 seconds together.
      expect(waits).toBeLessThanOrEqual(1 + Math.log2(now / 1000 + 1) + 1);
    }),
  );
});
