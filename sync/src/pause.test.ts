import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Pause, retryDelay } from './pause.ts';

test('I5: a delay is drawn evenly from nothing to a ceiling, which doubles with each failure and never passes 5 s', () => {
  fc.assert(
    fc.property(fc.nat({ max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
      const ceiling = retryDelay(failures, 1);
      expect(ceiling).toBeLessThanOrEqual(5000);
      expect(ceiling).toBe(Math.min(5000, retryDelay(0, 1) * 2 ** Math.min(failures, 10)));
      expect(retryDelay(failures, random)).toBeCloseTo(random * ceiling);
    }),
  );
});

test('a wait ends early when it is told to, and after a stop there is none', async () => {
  const pause = new Pause();
  const waiting = pause.wait(null);
  pause.end();
  await waiting;
  pause.stop();
  await pause.wait(null);
  expect(pause.stopped).toBe(true);
});
