import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import profile from '../../../inventory-app/edge/profile.ts';
import { chart } from './chart.ts';
import { FIRST } from './reads.ts';
import { oddities, type Results, table, verdictsOf } from './report.ts';
import { runScenario } from './scenario.ts';

const setting = { products: 60, movements: 600, entries: 30, reads: 1, rttMs: 10 };
let directory: string;
let results: Results;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'larder-offline-'));
  const cache = join(directory, 'cache');
  results = await runScenario({ setting, cache, directory: join(directory, 'run'), say: () => undefined });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('The offline benchmark, on a small store', () => {
  test('fills the replica with the whole store, and nothing it asks for is answered by another', () => {
    expect(results.bootstrap.documents).toBeGreaterThan(2 * setting.products);
    expect(oddities(results)).toEqual([]);
    expect(results.reads.every(({ count, first }) => count === setting.reads && first.count === FIRST)).toBe(true);
  });

  test('reads every covered route', () => {
    const measured = results.reads.map(({ request }) => request).join(' ');
    const resources = new Set(Object.keys(profile.reads).map((route) => route.split('/')[3] ?? ''));
    // By their words in the report: "stock levels", "category", "one of the sales".
    const stem = (resource: string) => resource.replace('-', ' ').replace(/(ies|s)$/, '');
    expect([...resources].filter((resource) => !measured.includes(stem(resource)))).toEqual([]);
  });

  test('sends what waited, all of it', () => {
    // By 100 writers, by one, and at a constant rate.
    expect(results.replay.entries).toBe(setting.entries + 3 + 6);
    expect(results.start.waiting).toBe(results.replay.entries);
    expect(results.replay.ratio).toBeGreaterThan(0);
  });

  test('says plainly what is missed', () => {
    const slow = { ...results, bootstrap: { ...results.bootstrap, seconds: 61 } };
    const quick = { ...results, bootstrap: { ...results.bootstrap, seconds: 59 } };
    const bootstrap = (of: Results) =>
      table(of)
        .split('\n')
        .find((line) => line.includes('bootstrap'));
    expect([bootstrap(slow), bootstrap(quick)]).toEqual([
      expect.stringMatching(/MISS$/),
      expect.stringMatching(/pass$/),
    ]);
    expect(chart(verdictsOf(slow), 'title').match(/, missed</g)?.length).toBe(
      verdictsOf(slow).filter(({ passed }) => !passed).length,
    );
  });
});
