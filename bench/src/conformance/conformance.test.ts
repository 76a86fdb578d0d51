import { expect, test } from 'vitest';
import { pageOf, summarise } from './report.ts';
import { runSuite } from './run.ts';
import type { Outcome } from './run.ts';
import { loadSuite } from './suite.ts';
import { unpassedIn } from './unpassed.ts';

test('the public suite fails where our list says so, and nowhere else', { timeout: 400_000 }, async () => {
  const suite = await loadSuite();
  const unpassed = unpassedIn(suite);
  const outcomes = await runSuite(suite, new Set(unpassed.keys()));
  const failed = outcomes.filter(({ kind, passed }) => kind !== 'check' && !passed).map(({ id }) => id);
  expect(failed.sort()).toEqual([...unpassed.keys()].sort());
  const { required, optimal } = summarise(suite, 'released', outcomes).score;
  expect([required.total, optimal.total]).toEqual([157, 86]);
});

test('the page gives the reason for what fails, and says where none is known', () => {
  const outcome = (id: string, passed: boolean): Outcome => ({
    id,
    name: id,
    kind: 'optimal',
    dependsOn: [],
    passed,
    message: passed ? '' : 'Assertion',
  });
  const suite = { directory: '', released: false, tests: [] };
  const outcomes = [outcome('method-POST', false), outcome('new', false), outcome('good', true)];
  const page = pageOf([summarise(suite, 'July 2026', outcomes)]);
  expect(page).toContain('| July 2026 | 0 of 0 | 1 of 3 |');
  expect(page).toMatch(/`method-POST` \| optimal \| RFC 9110/);
  expect(page).toMatch(/`new` \| optimal \| Not yet explained/);
  expect(page).not.toContain('`good`');
});
