/** `npm run conformance`: the public suite of HTTP caching tests against this edge. */
import { parseArgs } from 'node:util';
import { keep, summarise } from './report.ts';
import type { Summary } from './report.ts';
import { runSuite } from './run.ts';
import { loadSuite } from './suite.ts';
import { unpassedIn } from './unpassed.ts';

const HELP = `npm run conformance [-- --suite directory] [--label revision] [--json]

Runs http-cache-tests against an edge and writes docs/conformance.md.

  --suite directory  a checkout of the suite, in place of the released package
  --label revision   what to call it; needed with --suite
  --json             print the outcome of every test instead of writing the page
  --help             this text

Ends with 0, with 1 where a test fails that is not on the list of unpassed ones or the other way round, with 2 if it
was called wrongly.
`;

const RELEASE = 'npm 0.4.5';

function read(args: string[]) {
  const options = {
    suite: { type: 'string' },
    label: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  } as const;
  const { values } = parseArgs({ args, options });
  if (values.suite !== undefined && values.label === undefined && !values.json)
    throw new TypeError('--suite needs a --label');
  return { ...values, label: values.label ?? RELEASE };
}

async function main(): Promise<void> {
  const { suite: directory, label, json, help } = read(process.argv.slice(2));
  if (help) return void process.stdout.write(HELP);
  const suite = await loadSuite(directory);
  const unpassed = unpassedIn(suite);
  const outcomes = await runSuite(suite, new Set(unpassed.keys()));
  const odd = outcomes.filter(({ id, kind, passed }) => kind !== 'check' && passed === unpassed.has(id));
  if (odd.length > 0) process.exitCode = 1;
  if (json) return void process.stdout.write(`${JSON.stringify(outcomes, null, 2)}\n`);
  const summary = summarise(suite, label, outcomes);
  await keep(summary);
  process.stdout.write(`${textOf(summary)}\n`);
  for (const { id, passed, message } of odd)
    process.stdout.write(passed ? `passes, but is listed as unpassed: ${id}\n` : `fails: ${id}: ${message}\n`);
}

const textOf = ({ label, score: { required, optimal, check } }: Summary) =>
  `${label}: required ${required.passed}/${required.total}, optimal ${optimal.passed}/${optimal.total}, checks ${check.passed}/${check.total}`;

try {
  await main();
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  process.stderr.write(`${error.message}; see npm run conformance -- --help\n`);
  process.exitCode = 2;
}
