import { mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { Segments } from './segments.ts';

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'larder-segments-'));
  ending.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function open(directory: string, limit = 100, places: Parameters<typeof Segments.open>[1] = []) {
  const segments = await Segments.open(directory, places, limit);
  ending.push(() => segments.close());
  return segments;
}

const record = (id: string, text: string) => [id, [Buffer.from(text.slice(0, 3)), Buffer.from(text.slice(3))]] as const;
const read = async (segments: Segments, id: string) => (await segments.read(id))?.toString() ?? null;

test('a record is read as it was written, also by the next process', async () => {
  const directory = await newDirectory();
  const first = await open(directory);
  await first.append([record('a', 'first record'), record('b', 'second')]);
  expect(await read(first, 'a')).toBe('first record');
  const places = ['a', 'b'].flatMap((id) => {
    const place = first.placeOf(id);
    return place === null ? [] : [[id, place] as const];
  });
  await first.close();
  const second = await open(directory, 100, places);
  await second.append([record('c', 'third')]);
  expect(await Promise.all(['a', 'b', 'c', 'd'].map((id) => read(second, id)))).toEqual([
    'first record',
    'second',
    'third',
    null,
  ]);
});

test('a short record in a file that is open is read at once, as it was written', async () => {
  const directory = await newDirectory();
  const segments = await open(directory, 1e6);
  const writing = segments.append([record('a', 'first record')]);
  expect(segments.readAtOnce('a')).toBeNull();
  await writing;
  expect(segments.readAtOnce('a')?.toString()).toBe('first record');
  await segments.append([record('long', 'x'.repeat(65 * 1024))]);
  expect(segments.readAtOnce('long')).toBeNull();
  expect(await read(segments, 'long')).toHaveLength(65 * 1024);
  await truncate(join(directory, '0'), 7);
  expect([segments.readAtOnce('a'), segments.readAtOnce('nobody')]).toEqual([null, null]);
});

test('a file that nobody speaks of is removed at the start, one that holds nothing any more at once', async () => {
  const directory = await newDirectory();
  const segments = await open(directory);
  await segments.append([record('a', 'x'.repeat(100))]);
  await segments.append([record('b', 'y'.repeat(100))]);
  expect(await readdir(directory)).toHaveLength(2);
  await segments.remove('a');
  expect(await readdir(directory)).toHaveLength(1);
  await open(directory);
  expect(await readdir(directory)).toHaveLength(0);
});

test('a record that the disk has lost is none', async () => {
  const directory = await newDirectory();
  const segments = await open(directory);
  await segments.append([record('a', 'whole'), record('b', 'torn off')]);
  await truncate(join(directory, '0'), 7);
  expect(await read(segments, 'a')).toBe('whole');
  expect(await read(segments, 'b')).toBeNull();
});

test('I11: what is written anew out of wasteful files keeps them within twice what is wanted', async () => {
  const step = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ put: fc.integer({ min: 0, max: 30 }), length: fc.integer({ min: 3, max: 60 }) }),
    },
    { weight: 1, arbitrary: fc.record({ remove: fc.integer({ min: 0, max: 30 }) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
      const directory = await newDirectory();
      const segments = await open(directory);
      const model = new Map<string, string>();
      for (const [at, one] of steps.entries()) {
        if ('remove' in one) {
          model.delete(String(one.remove));
          await segments.remove(String(one.remove));
        } else {
          const text = String(at).padEnd(one.length, '.');
          model.set(String(one.put), text);
          await segments.append([record(String(one.put), text)]);
        }
        const moved = await Promise.all(
          segments.wasteful().map(async (id) => [id, [(await segments.read(id)) ?? Buffer.alloc(0)]] as const),
        );
        if (moved.length > 0) await segments.append(moved);
        await segments.tidy();
      }
      for (const [id, text] of model) expect(await read(segments, id)).toBe(text);
      const wanted = [...model.values()].reduce((sum, text) => sum + text.length, 0);
      const sizes = await Promise.all(
        (await readdir(directory)).map(async (name) => (await stat(join(directory, name))).size),
      );
      // Twice, and one segment that is still being filled.
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(2 * wanted + 160);
      await segments.close();
    }),
    { numRuns: 60 },
  );
});
