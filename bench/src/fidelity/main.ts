/** `npm run fidelity`: does the replica answer as the cloud does (I7). */
import { parseArgs } from 'node:util';
import { ONLINE_ONLY } from '../../../inventory-app/edge/online-only.ts';
import { report } from './compare.ts';
import { type Fidelity, ROUTES, runFidelity } from './scenario.ts';

const HELP = `npm run fidelity [-- --requests N] [--seed S] [--json]

Asks the cloud and a replica that is cut off from it the same generated reads of every covered route: filters, sorts,
searches, pages, odd and wrong values, unknown parameters, HEAD, conditions; half of them on the cloud's own data, half
after writes of which some had waited for the link.

  --requests N   generated reads; pages turned and conditions come on top (2000)
  --seed S       repeats a run (another one each time)
  --json         print the figures as JSON
  --help         this text

Prints for each route how much of what was asked the replica answered itself, and how much of that was equal. What it
does not answer itself are an admin's reads of other stores, and addresses that are none of the app's.
Exit codes: 0 all equal; 1 something differed; 2 wrong usage.
`;

const isWhole = (value: string) => /^\d{1,10}$/.test(value);

async function main(requests: number, seed: number, json: boolean): Promise<void> {
  const fidelity = await runFidelity({ requests, seed });
  process.stdout.write(
    json ? `${JSON.stringify(documentOf(fidelity, requests, seed), null, 2)}\n` : text(fidelity, seed),
  );
  const isAsked = ROUTES.every((route) => (fidelity.tallies.get(route)?.covered ?? 0) > 0);
  if (!isAsked) process.stderr.write('A route was never answered by the replica: ask for more requests.\n');
  if (!isAsked || fidelity.differences.length > 0) process.exitCode = 1;
}

const documentOf = ({ tallies, differences, written }: Fidelity, requests: number, seed: number) => ({
  seed,
  requests,
  written,
  routes: Object.fromEntries([...tallies].sort(([a], [b]) => (a < b ? -1 : 1))),
  onlineOnly: ONLINE_ONLY,
  differences,
});

function text({ tallies, differences, written }: Fidelity, seed: number): string {
  return [
    `Fidelity, seed ${seed}; ${written.online} writes online, ${written.waiting} that had waited:`,
    ...report(tallies),
    '',
    'Online-only:',
    ...Object.entries(ONLINE_ONLY).map(([route, reason]) => `${route.padEnd(34)} ${reason}`),
    ...(differences.length === 0 ? [] : ['', `${differences.length} differences:`, ...differences]),
    '',
  ].join('\n');
}

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '2000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) process.stdout.write(HELP);
else if (isWhole(values.requests) && isWhole(values.seed) && Number(values.requests) > 0)
  await main(Number(values.requests), Number(values.seed), values.json);
else {
  process.stderr.write(`--requests and --seed take whole numbers.\n\n${HELP}`);
  process.exitCode = 2;
}
