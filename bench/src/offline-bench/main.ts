/** `npm run bench:offline`: what an edge does with a big store while it is cut off, against the design's budgets. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../stage/process.ts';
import { chart } from './chart.ts';
import { FIRST } from './reads.ts';
import { oddities, type Results, table, verdictsOf } from './report.ts';
import { runScenario } from './scenario.ts';

const STANDARD = { products: 100_000, movements: 1_000_000, entries: 10_000, reads: 1000, rtt: 80 };

const HELP = `npm run bench:offline [-- --products N] [--movements N] [--entries N] [--reads N] [--rtt MS] [--json]

Measures an edge in front of a big store: bootstrap, reads and durable writes while it is cut off, the first answer after
kill -9, replay of what waited, and memory; prints each figure beside its budget. The first ${FIRST} reads of each kind come
just after the start: the slowest of them is printed apart, and the 99th percentile is that of the others. Writes come
from 1 and from 100 writers who each wait for their answer, and at a constant 100 a second, timed from the moment at which
each was to be sent.

  --products N    products (${STANDARD.products})
  --movements N   rows of the ledger, one of them for each product (${STANDARD.movements})
  --entries N     sales that wait for the cloud (${STANDARD.entries})
  --reads N       reads of each kind that count, after the first ${FIRST} (${STANDARD.reads})
  --rtt MS        round trip of the link (${STANDARD.rtt})
  --json          print the figures as JSON
  --help          this text

The store is made once per size and kept in .larder/bench. Figures and a chart of the standard sizes go to
bench/results/<date>-offline/, those of others to .larder/bench/. It ends by itself: code 0 when all was measured,
whether or not the budgets were met; 1 where something failed or an answer was not as it should be; 2 for wrong usage.
`;

const say = (text: string) => void process.stderr.write(`${text}\n`);

async function main(setting: Results['setting'], json: boolean): Promise<void> {
  const cache = join(ROOT, '.larder/bench');
  const directory = mkdtempSync(join(tmpdir(), 'larder-offline-'));
  try {
    const results = await runScenario({ setting, cache, directory, say });
    report(results, isStandard(setting) ? join(ROOT, 'bench/results', `${results.date}-offline`) : cache, json);
    if (oddities(results).length > 0) process.exitCode = 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const isStandard = ({ products, movements, entries }: Results['setting']) =>
  products === STANDARD.products && movements === STANDARD.movements && entries === STANDARD.entries;

function report(results: Results, directory: string, json: boolean): void {
  const verdicts = verdictsOf(results);
  const document = { ...results, verdicts };
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'results.json'), `${JSON.stringify(document, null, 2)}\n`);
  const missed = verdicts.filter(({ passed }) => !passed).length;
  const title = `Against the budgets, ${results.date}: ${verdicts.length - missed} met, ${missed} missed`;
  writeFileSync(join(directory, 'chart.svg'), chart(verdicts, title));
  process.stdout.write(json ? `${JSON.stringify(document, null, 2)}\n` : table(results));
  say(`${title}. Written to ${relative(ROOT, directory)}/.`);
}

function wrong(message: string): void {
  process.stderr.write(`${message}\n\n${HELP}`);
  process.exitCode = 2;
}

const number = (standard: number) => ({ type: 'string' as const, default: String(standard) });
const { values } = parseArgs({
  options: {
    products: number(STANDARD.products),
    movements: number(STANDARD.movements),
    entries: number(STANDARD.entries),
    reads: number(STANDARD.reads),
    rtt: number(STANDARD.rtt),
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const setting = {
  products: Number(values.products),
  movements: Number(values.movements),
  entries: Number(values.entries),
  reads: Number(values.reads),
  rttMs: Number(values.rtt),
};
if (values.help) process.stdout.write(HELP);
else if (!Object.values(setting).every(Number.isInteger) || Math.min(setting.products, setting.reads) < 1)
  wrong('Sizes are whole numbers.');
else if (setting.movements < setting.products || setting.entries < 1 || setting.rttMs < 0)
  wrong('There is a movement for each product at least, and an entry.');
else await main(setting, values.json);
