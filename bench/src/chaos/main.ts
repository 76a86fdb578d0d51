/** `npm run chaos`. Exit codes: 0 all passed, 1 a trial failed, 2 wrong usage. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../stage/process.ts';
import { runCampaign, type CampaignOptions } from './campaign.ts';
import { FAULT_NAMES, FAULTS, isFaultName, USUAL, type FaultName } from './faults.ts';
import type { Plan } from './plan.ts';
import { lineOf, textOf } from './report.ts';

const HELP = `npm run chaos -- [options]

Runs trials: a cloud app, a link that fails, an edge, and devices with outboxes, all real processes or sockets, under
faults. Afterwards every acknowledged write must be in the cloud once or in the inbox, and the replica equal the cloud.

  --trials n      how many   (25)
  --seed n        what happens follows from it   (a new one, which is printed)
  --from n        number of the first trial: with --trials 1, one trial of a longer run again   (0)
  --cloud name    sqlite, postgresql or both   (both)
  --faults list   names, separated by commas, or "all" or "none"   (all that this machine can; not those marked *)
  --jobs n        trials at the same time   (2)
  --json          the result as JSON, and nothing else
  --help          this text

Faults
${FAULT_NAMES.map((name) => `  ${name.padEnd(18)}${USUAL.includes(name) ? ' ' : '*'} ${FAULTS[name].about}`).join('\n')}
`;

class UsageError extends Error {}

interface Invocation extends CampaignOptions {
  json: boolean;
}

function invocationOf(args: string[]): Invocation | null {
  const { values } = parseArgs({
    args,
    options: {
      trials: { type: 'string', default: '25' },
      seed: { type: 'string' },
      from: { type: 'string', default: '0' },
      cloud: { type: 'string', default: 'both' },
      faults: { type: 'string' },
      jobs: { type: 'string', default: '2' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return null;
  return {
    trials: whole('trials', values.trials, 1),
    seed: values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : whole('seed', values.seed, 0),
    from: whole('from', values.from, 0),
    jobs: whole('jobs', values.jobs, 1),
    databases: databasesOf(values.cloud),
    faults: values.faults === undefined ? USUAL : faultsOf(values.faults),
    keep: join(ROOT, '.larder/chaos'),
    json: values.json,
  };
}

function whole(name: string, value: string, least: number): number {
  if (!/^\d{1,10}$/.test(value) || Number(value) < least) throw new UsageError(`--${name} is a number from ${least}.`);
  return Number(value);
}

function databasesOf(name: string): Plan['database'][] {
  if (name === 'both') return ['sqlite', 'postgresql'];
  if (name === 'sqlite' || name === 'postgresql') return [name];
  throw new UsageError('--cloud is sqlite, postgresql or both.');
}

function faultsOf(list: string): readonly FaultName[] {
  if (list === 'none') return [];
  if (list === 'all') return FAULT_NAMES.filter((name) => FAULTS[name].possible !== false);
  return list.split(',').map((name) => {
    if (!isFaultName(name)) throw new UsageError(`There is no fault "${name}".`);
    if (FAULTS[name].possible === false) throw new UsageError(`"${name}" cannot be brought about on this machine.`);
    return name;
  });
}

async function main(args: string[]): Promise<number> {
  const invocation = invocationOf(args);
  if (invocation === null) {
    process.stdout.write(HELP);
    return 0;
  }
  const { json, trials, seed } = invocation;
  let ended = 0;
  if (!json) process.stdout.write(`seed ${seed}\n`);
  const summary = await runCampaign({
    ...invocation,
    ended(result) {
      ended += 1;
      if (!json) process.stdout.write(`[${ended}/${trials}] ${lineOf(result)}\n`);
    },
  });
  process.stdout.write(json ? `${JSON.stringify(summary, null, 2)}\n` : textOf(summary));
  return summary.passed === summary.trials ? 0 : 1;
}

// What is under way ends with this process: stage/process.ts sees to it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

try {
  // Said outright: the PostgreSQL package ends every process that only runs out of work with 0.
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  const usage = error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS');
  process.stderr.write(usage ? `${(error as Error).message}\n\n${HELP}` : `${(error as Error).stack}\n`);
  process.exit(usage ? 2 : 1);
}
