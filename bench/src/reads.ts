/**
 * What the edge does for reads: the same requests over an 80 ms link straight to the cloud, through the edge with the
 * link up, and through the edge with the link cut. Taken in turns in one run, so that a busy machine is busy for all.
 */
import { parseArgs } from 'node:util';
import type { Client } from './stage/client.ts';
import { until } from './stage/client.ts';
import { Stage } from './stage/stage.ts';

const HELP = `npm run bench:reads [-- --rounds N] [--rtt MS] [--json]

Measures reads over a slow link: directly, through the edge, and through the edge with the link cut.

  --rounds N   requests of each kind (200)
  --rtt MS     round trip of the link (80)
  --json       print the figures as JSON
  --help       this text
`;

interface Figures {
  median: number;
  p99: number;
}

interface Row {
  request: string;
  direct: Figures;
  edge: Figures;
  cut: Figures;
  /** How many times faster the median is than direct access. */
  ratio: number;
}

async function measure(rounds: number, rttMs: number, json: boolean): Promise<void> {
  if (!(Number.isInteger(rounds) && rounds > 0 && rttMs >= 0)) {
    process.stderr.write(`--rounds and --rtt take whole numbers.\n\n${HELP}`);
    process.exitCode = 2;
    return;
  }
  const stage = await Stage.start({ rttMs });
  try {
    await stage.ready();
    const clerk = await stage.atEdge.signIn('clerk');
    const rows = await rowsOf(stage, clerk, rounds);
    process.stdout.write(json ? `${JSON.stringify({ rttMs, rounds, rows }, null, 2)}\n` : table(rows, rttMs, rounds));
  } finally {
    await stage.close();
  }
}

/** The requests of a till: the same few over and over, and searches that were never made before. */
async function rowsOf(stage: Stage, clerk: Client, rounds: number): Promise<Row[]> {
  const products = await clerk.all<{ id: string; name: string }>('/products');
  const pick = (at: number) => products[at % products.length] ?? { id: '', name: '' };
  const requests: Record<string, (at: number) => string> = {
    'product list': () => '/products?limit=25&sort=name',
    'one product': (at) => `/products/${pick(at).id}`,
    'stock of the store': () => '/stock-levels?limit=100',
    'a search never made before': (at) =>
      `/products?q=${encodeURIComponent(pick(at).name.slice(0, 4))}&limit=${1 + at}`,
  };
  const direct = clerk.at(stage.link.url);
  const times = new Map(Object.keys(requests).map((name) => [name, { direct: [] as number[], edge: [] as number[] }]));
  for (let at = 0; at < rounds; at += 1)
    for (const [name, path] of Object.entries(requests)) {
      times.get(name)?.direct.push(await timed(direct, path(at)));
      times.get(name)?.edge.push(await timed(clerk, path(at)));
    }
  await stage.link.set('blackhole');
  await until('the cut is noticed', async () => {
    await clerk.get('/products?limit=1');
    return (await stage.status()).link.state === 'offline';
  });
  const rows: Row[] = [];
  for (const [name, path] of Object.entries(requests)) {
    const cut: number[] = [];
    for (let at = 0; at < rounds; at += 1) cut.push(await timed(clerk, path(at + rounds)));
    const known = times.get(name) ?? { direct: [], edge: [] };
    const [onLink, onEdge] = [figures(known.direct), figures(known.edge)];
    rows.push({
      request: name,
      direct: onLink,
      edge: onEdge,
      cut: figures(cut),
      ratio: round(onLink.median / onEdge.median),
    });
  }
  return rows;
}

async function timed(client: Client, path: string): Promise<number> {
  const started = performance.now();
  const { status } = await client.get(path);
  if (status !== 200) throw new Error(`GET ${path} gave ${status}`);
  return performance.now() - started;
}

const round = (value: number) => Math.round(value * 10) / 10;

function figures(times: readonly number[]): Figures {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { median: at(0.5), p99: at(0.99) };
}

function table(rows: readonly Row[], rttMs: number, rounds: number): string {
  const cell = ({ median, p99 }: Figures) => `${median} / ${p99}`.padStart(15);
  const lines = rows.map(
    (row) =>
      `${row.request.padEnd(28)}${cell(row.direct)}${cell(row.edge)}${cell(row.cut)}${`${row.ratio}×`.padStart(10)}`,
  );
  return [
    `Reads over a link of ${rttMs} ms round trip: median / p99 in ms of ${rounds} requests each.`,
    '',
    `${''.padEnd(28)}${'direct'.padStart(15)}${'edge'.padStart(15)}${'edge, cut'.padStart(15)}${'faster'.padStart(10)}`,
    ...lines,
    '',
  ].join('\n');
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '200' },
    rtt: { type: 'string', default: '80' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) process.stdout.write(HELP);
else await measure(Number(values.rounds), Number(values.rtt), values.json);
