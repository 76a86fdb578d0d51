/** `npm run bench:cache`: the edge beside nginx and Varnish, in turn, on the same machine, in front of the same origin. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from '../stage/process.ts';
import { CASES } from './cases.ts';
import type { Case } from './cases.ts';
import { chart } from './chart.ts';
import { CONNECTIONS, createLoader, measure, proveCaching } from './measure.ts';
import type { Bench } from './measure.ts';
import { placeIn, PRODUCTS } from './products.ts';
import type { Product } from './products.ts';
import { summarise, table } from './report.ts';
import type { Result } from './report.ts';
import { has, spawnServer } from './server-process.ts';
import type { ServerProcess } from './server-process.ts';

const HELP = `npm run bench:cache [-- --rounds N] [--seconds N] [--only NAME,…] [--json]

Measures cached answers of the edge beside nginx (proxy_cache) and Varnish, where these are installed: clear, within
TLS (tls-…), and, where h2load is installed, over HTTP/2 (h2-…). Varnish has no TLS of its own. Every server
stays on one core, the load and the origin on another; products take turns within each round.

  --rounds N     rounds (5)
  --seconds N    length of each run (4)
  --only NAMES   cases that begin so, and products of that name:
                 ${CASES.map(({ name }) => name).join(', ')};
                 ${PRODUCTS.map(({ name }) => name).join(', ')}
  --json         print the figures as JSON
  --help         this text

Figures and a chart go to bench/results/<date>-cache/.
`;

interface Options {
  rounds: number;
  seconds: number;
  only: string[];
  json: boolean;
}

interface Contestant {
  product: Product;
  server: ServerProcess;
}

const say = (text: string) => void process.stderr.write(`${text}\n`);

async function main({ rounds, seconds, only, json }: Options): Promise<void> {
  const named = (name: string) => only.some((part) => name.startsWith(part));
  const chosen = CASES.some(({ name }) => named(name)) ? CASES.filter(({ name }) => named(name)) : CASES;
  const cases = withoutMissing(chosen);
  const wanted = PRODUCTS.filter(({ name }) => only.includes(name));
  const isNeeded = ({ secure }: Product) => cases.some((one) => (one.protocol !== 'clear') === secure);
  const products = present((wanted.length === 0 ? PRODUCTS : wanted).filter(isNeeded));
  const cores = coresOf();
  const directory = mkdtempSync(join(tmpdir(), 'larder-bench-'));
  const started: ServerProcess[] = [];
  try {
    const origin = await startOrigin(cores.load);
    started.push(origin);
    const bench: Bench = { origin: origin.url, loader: createLoader(), core: cores.load };
    say(`Load: ${bench.loader.name}, ${CONNECTIONS} connections. ${rounds} rounds of ${seconds} s.`);
    if (bench.loader.name !== 'wrk')
      say('wrk is not installed: the load of our own is slower than the fastest servers.');
    const contestants: Contestant[] = [];
    for (const product of products) {
      const place = {
        origin: new URL(origin.url),
        directory: placeIn(directory, product.secure ? `${product.name}-tls` : product.name),
        core: cores.server,
      };
      const server = await product.start(place);
      started.push(server);
      contestants.push({ product, server });
      say(`${product.name} caches: ${await proveCaching(bench, server, product.name)}`);
    }
    const results = await runAll(bench, contestants, cases, { rounds, seconds });
    report(results, contestants, { rounds, seconds, load: bench.loader.name, cores }, json);
  } finally {
    for (const server of started.toReversed()) await server.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** HTTP/2 takes a load generator that speaks it. */
function withoutMissing(cases: readonly Case[]): readonly Case[] {
  if (has('h2load') || cases.every(({ protocol }) => protocol !== 'h2')) return cases;
  say('h2load (Debian: nghttp2-client) is not installed: the cases of HTTP/2 are left out.');
  return cases.filter(({ protocol }) => protocol !== 'h2');
}

function present(products: readonly Product[]): Product[] {
  return products.filter(({ name, version }) => {
    const found = version();
    say(found === null ? `${name} is not installed: left out.` : `${name} ${found}`);
    return found !== null;
  });
}

/** The server's core and that of load and origin; none where the machine has one only, or no taskset. */
function coresOf(): { server: number | null; load: number | null } {
  if (availableParallelism() >= 2 && has('taskset')) return { server: 1, load: 0 };
  say('Without two cores and taskset the processes are not kept apart: figures say less.');
  return { server: null, load: null };
}

const startOrigin = (core: number | null) =>
  spawnServer({
    name: 'the origin',
    command: process.execPath,
    args: [join(import.meta.dirname, 'origin.ts')],
    core,
    url: /listening on (http\S+)/,
  });

async function runAll(
  bench: Bench,
  contestants: readonly Contestant[],
  cases: readonly Case[],
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<Result[]> {
  const contestantsOf = (one: Case) =>
    contestants.filter(({ product }) => product.secure === (one.protocol !== 'clear'));
  const results: Result[] = cases.flatMap((one) =>
    contestantsOf(one).map(({ product }) => ({ case: one.name, product: product.name, runs: [] })),
  );
  // The first round warms up and does not count: what compiles while it runs does so then.
  for (let round = 0; round <= rounds; round++) {
    for (const one of cases)
      for (const { product, server } of contestantsOf(one)) {
        const run = await measure(bench, server, one, round === 0 ? Math.min(2, seconds) : seconds);
        if (round === 0) continue;
        results.find((it) => it.case === one.name && it.product === product.name)?.runs.push(run);
        say(`${round}/${rounds} ${one.name} ${product.name}: ${run.requestsPerSecond}/s, p99 ${run.p99.toFixed(2)} ms`);
      }
  }
  return results;
}

function report(results: Result[], contestants: readonly Contestant[], setting: object, json: boolean): void {
  const reference = contestants[0]?.product.name ?? '';
  const summaries = summarise(results, reference);
  const date = new Date().toISOString().slice(0, 10);
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
  const versions = Object.fromEntries(contestants.map(({ product }) => [product.name, product.version()]));
  const document = { date, machine, versions, setting, reference, summaries, results };
  const directory = join(ROOT, 'bench/results', `${date}-cache`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'results.json'), `${JSON.stringify(document, null, 2)}\n`);
  const title = `Requests per second on one core, ${date}: median, and lowest to highest run`;
  writeFileSync(join(directory, 'chart.svg'), chart(summaries, title));
  process.stdout.write(json ? `${JSON.stringify(document, null, 2)}\n` : table(summaries, reference));
  say(`Written to bench/results/${date}-cache/.`);
}

function wrong(message: string): void {
  process.stderr.write(`${message}\n\n${HELP}`);
  process.exitCode = 2;
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    only: { type: 'string', default: '' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
const only = values.only === '' ? [] : values.only.split(',');
const known = [...CASES, ...PRODUCTS].map(({ name }) => name);
const unknown = only.find((part) => !known.some((name) => name.startsWith(part)));
if (values.help) process.stdout.write(HELP);
else if (!(Number.isInteger(rounds) && Number.isInteger(seconds) && rounds > 0 && seconds > 0))
  wrong('--rounds and --seconds take whole numbers.');
else if (unknown !== undefined) wrong(`There is no case or product "${unknown}".`);
else await main({ rounds, seconds, only, json: values.json });
