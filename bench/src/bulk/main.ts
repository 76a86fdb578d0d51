/** `npm run bench:bulk`: what cached answers cost while the back of the same edge does bulk work on the same core. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { has } from '../cache-bench/server-process.ts';
import { Client, until } from '../stage/client.ts';
import { ROOT } from '../stage/process.ts';
import { Books, sell, type Article } from '../store-day/till.ts';
import { addArticles, changePrices } from './catalogue.ts';
import { chart } from './chart.ts';
import { table, type Row } from './report.ts';
import { Scene, type Cores } from './scene.ts';

const HELP = `npm run bench:bulk [-- --articles N] [--sales N] [--rate N] [--seconds N] [--json]

Measures answers from the cache of an edge that stays on one core, at a constant rate of requests, while nothing else
happens, while the feed brings changes of prices, while sales that waited are sent to the cloud, and while an edge with
an empty disk fetches its copy of the data. Cloud and load have the other core.

  --articles N   articles in the cloud; each changes its price twice (20000)
  --sales N      sales that wait (3000)
  --rate N       requests per second (1000)
  --seconds N    length of the phase in which nothing happens (10)
  --json         print the figures as JSON
  --help         this text

Figures and a chart go to bench/results/<date>-bulk/.
`;

/** DESIGN.md, budgets: the 99th percentile of hits while the back is busy, ms. */
const GOAL = 3;
const TIMES = 2;
/** Articles that are sold, of those that the shop always had. */
const TILLS = 16;
/** One sale in so many ms beside the load. */
const SALE_EVERY = 100;
const LIMIT = 600_000;
/** What is asked for again and again: the page, and two lists that no bulk work changes. */
const PATHS = ['/index.html', '/api/v1/categories?limit=25', '/api/v1/customers?limit=25'];

interface Options {
  articles: number;
  sales: number;
  rate: number;
  seconds: number;
  json: boolean;
}

const say = (text: string) => void process.stderr.write(`${text}\n`);

async function main(options: Options): Promise<void> {
  const cores = coresOf();
  const scene = await Scene.start(cores);
  try {
    report(await rowsOf(scene, options), options, cores);
  } finally {
    await scene.close();
  }
}

/** The edge's core and that of cloud and load. */
function coresOf(): Cores {
  if (availableParallelism() >= 2 && has('taskset')) return { edge: 1, rest: 0 };
  say('Without two cores and taskset the processes are not kept apart: figures say less.');
  return { edge: null, rest: null };
}

async function rowsOf(scene: Scene, options: Options): Promise<Row[]> {
  const { articles, sales, rate, seconds } = options;
  const known = await new Client(scene.cloud.url, null)
    .signIn('clerk')
    .then((clerk) => clerk.all<Article>('/products'));
  const like = known[0];
  if (like === undefined) throw new Error('the cloud has no articles');
  addArticles(scene.database, { ...like }, articles);
  await follows(scene);
  const measure = async (phase: string, work: string, run: () => Promise<void>): Promise<Row> => {
    await scene.store(PATHS);
    say(`${phase}: ${work}`);
    const started = performance.now();
    const writes: number[] = [];
    const hits = await scene.load(rate, PATHS, () => selling(scene.clerk, known, writes, run));
    return { phase, work, ms: performance.now() - started, hits, writes: summaryOf(writes) };
  };

  const rows = [await measure('idle', 'nothing', () => sleep(seconds * 1000))];
  await scene.hold(true);
  const changes = changePrices(scene.database, { ...like }, TIMES);
  rows.push(
    await measure('feed', `${changes.toLocaleString('en')} changes of the feed`, async () => {
      await scene.hold(false);
      await follows(scene);
    }),
  );
  await scene.hold(true);
  await sellMany(scene.clerk, known, sales);
  rows.push(
    await measure('replay', `${sales.toLocaleString('en')} sales sent`, async () => {
      await scene.hold(false);
      await until('the queue is empty', async () => (await scene.status()).queue.length <= TILLS, LIMIT);
    }),
  );
  await follows(scene);
  await scene.renew();
  rows.push(
    await measure(
      'bootstrap',
      `the whole copy fetched, ${(articles + known.length).toLocaleString('en')} articles`,
      () => follows(scene),
    ),
  );
  return rows;
}

/** Waits until the replica is complete and at the feed's end. */
const follows = (scene: Scene) =>
  until(
    'the replica follows the cloud',
    async () => {
      const { replica } = await scene.status();
      return replica.complete && replica.feed.live;
    },
    LIMIT,
  ).then(() => undefined);

/** Makes a sale now and then while something goes on, and keeps how long each took. */
async function selling(clerk: Client, known: readonly Article[], times: number[], run: () => Promise<void>) {
  const books = new Books();
  const underWay = new Set<Promise<void>>();
  const one = async () => {
    const started = performance.now();
    const article = known[books.sold.length % known.length];
    if (article === undefined) return;
    const sale = await sell(clerk, books, article, 1);
    if (sale.acknowledged) times.push(performance.now() - started);
  };
  const timer = setInterval(() => {
    const sale = one().catch((error: unknown) => say(String(error)));
    underWay.add(sale);
    void sale.then(() => underWay.delete(sale));
  }, SALE_EVERY);
  try {
    await run();
  } finally {
    clearInterval(timer);
    await Promise.all(underWay);
  }
}

/** Sales that wait: several tills at once, until all are accepted. */
async function sellMany(clerk: Client, known: readonly Article[], count: number): Promise<void> {
  const books = new Books();
  const till = async () => {
    while (books.sold.length < count) {
      const article = known[books.sold.length % known.length];
      if (article !== undefined) await sell(clerk, books, article, 1);
    }
  };
  await Promise.all(Array.from({ length: TILLS }, till));
}

function summaryOf(times: readonly number[]): Row['writes'] {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99) };
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function report(rows: Row[], { json, ...setting }: Options, cores: Cores): void {
  const date = new Date().toISOString().slice(0, 10);
  const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length, node: process.version };
  const document = { date, machine, setting: { ...setting, cores }, goal: GOAL, rows };
  const directory = join(ROOT, 'bench/results', `${date}-bulk`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'results.json'), `${JSON.stringify(document, null, 2)}\n`);
  const title = `Cached answers at ${setting.rate}/s while the back works on the same core, ${date}`;
  writeFileSync(join(directory, 'chart.svg'), chart(rows, GOAL, title));
  process.stdout.write(json ? `${JSON.stringify(document, null, 2)}\n` : table(rows));
  say(`Written to bench/results/${date}-bulk/.`);
}

const { values } = parseArgs({
  options: {
    articles: { type: 'string', default: '20000' },
    sales: { type: 'string', default: '3000' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const [articles, sales, rate, seconds] = [values.articles, values.sales, values.rate, values.seconds].map(Number);
const isCount = (value: number | undefined): value is number => Number.isInteger(value) && Number(value) > 0;
if (values.help) process.stdout.write(HELP);
else if (isCount(articles) && isCount(sales) && isCount(rate) && isCount(seconds))
  await main({ articles, sales, rate, seconds, json: values.json });
else {
  process.stderr.write(`--articles, --sales, --rate and --seconds take whole numbers.\n\n${HELP}`);
  process.exitCode = 2;
}
