import { expect, test } from 'vitest';
import { gather } from './gather.ts';

/** A stream that a test feeds. */
class Source implements AsyncIterable<number> {
  #ready: (number | Error)[] = [];
  #wake: () => void = () => undefined;
  push(...values: (number | Error)[]): void {
    this.#ready.push(...values);
    this.#wake();
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<number> {
    for (;;) {
      const value = this.#ready.shift();
      if (value instanceof Error) throw value;
      if (value === 0) return;
      if (value !== undefined) yield value;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

test('what comes alone is passed on at once, and what has come meanwhile together, in order', async () => {
  const source = new Source();
  const gathered = gather(source, 100);
  source.push(1);
  expect(await gathered.next()).toEqual({ done: false, value: [1] });
  source.push(2, 3, 4);
  expect(await gathered.next()).toEqual({ done: false, value: [2, 3, 4] });
  const waiting = gathered.next();
  source.push(5);
  expect(await waiting).toEqual({ done: false, value: [5] });
});

test('no more than so many at a time', async () => {
  const source = new Source();
  source.push(1, 2, 3, 4, 5, 0);
  const gathered: number[][] = [];
  for await (const ready of gather(source, 2)) gathered.push(ready);
  expect(gathered).toEqual([[1, 2], [3, 4], [5]]);
});

test('a stream that fails does so after what came before', async () => {
  const source = new Source();
  const gathered = gather(source, 100);
  source.push(1, 2, new Error('broken'));
  expect(await gathered.next()).toEqual({ done: false, value: [1, 2] });
  await expect(gathered.next()).rejects.toThrow('broken');
});

test('a failure while the taker is busy is no unhandled one', async () => {
  const source = new Source();
  const gathered = gather(source, 100);
  source.push(1);
  await gathered.next();
  source.push(new Error('broken'));
  await new Promise((resolve) => setImmediate(resolve));
  await expect(gathered.next()).rejects.toThrow('broken');
});
