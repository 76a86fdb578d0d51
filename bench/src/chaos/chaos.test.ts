import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runCampaign } from './campaign.ts';
import { USUAL } from './faults.ts';
import { planOf } from './plan.ts';

test('a plan follows from its seed', () => {
  const options = { databases: ['sqlite', 'postgresql'], faults: USUAL } as const;
  expect(planOf(7, 3, options)).toEqual(planOf(7, 3, options));
  expect(planOf(7, 3, options)).not.toEqual(planOf(8, 3, options));
});

const TRIALS = 25;

test(`I1, I2, I5, I6: ${TRIALS} trials lose, double and hold up nothing, and replica and cloud are equal`, async () => {
  const keep = join(tmpdir(), 'larder-chaos-failed');
  const databases = ['sqlite', 'postgresql'] as const;
  const summary = await runCampaign({ seed: 2026, trials: TRIALS, from: 0, jobs: 2, databases, faults: USUAL, keep });
  expect(summary.failed).toEqual([]);
  expect(summary.acknowledged).toBeGreaterThan(TRIALS * 10);
  expect(summary.databases).toEqual({ sqlite: 13, postgresql: 12 });
}, 1_200_000);
