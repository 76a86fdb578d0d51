import { expect, test } from 'vitest';
import { report } from './compare.ts';
import { ROUTES, runFidelity } from './scenario.ts';

const COUNT = 600;
/** Another one each time; FIDELITY_SEED repeats one. */
const seed = Number(process.env['FIDELITY_SEED'] ?? Date.now() % 2 ** 31);

test(`I7: cut off, the replica answers ${COUNT} generated reads of every covered route as the cloud does, after writes too`, async () => {
  const { tallies, differences, written } = await runFidelity({ requests: COUNT, seed });
  process.stdout.write(`${[`Fidelity, seed ${seed}:`, ...report(tallies)].join('\n')}\n`);
  if (differences.length > 0) process.stdout.write(`FIDELITY_SEED=${seed} repeats these:\n${differences.join('\n')}\n`);
  expect({ seed, differences: differences.slice(0, 3) }).toEqual({ seed, differences: [] });
  expect([...tallies.keys()].toSorted()).toEqual(ROUTES);
  expect([...tallies].filter(([, { covered }]) => covered === 0)).toEqual([]);
  expect(Math.min(written.online, written.waiting)).toBeGreaterThan(10);
}, 240_000);
