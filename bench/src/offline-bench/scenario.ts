/**
 * A store's box through its life, measured: empty, filled from the cloud, cut off and read and written to, killed and
 * started again, and at last connected and emptying its queue. Everything is real and on this machine.
 */
import { mkdirSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { API } from '../../../inventory-app/rules/resources.ts';
import { startLink, type Link } from '../link-simulator/link.ts';
import { until } from '../stage/client.ts';
import { sqliteIn, startCloud } from '../stage/cloud.ts';
import { startEdge } from '../stage/edge.ts';
import type { Running } from '../stage/process.ts';
import { Caller, tokenOf } from './caller.ts';
import { mostWhile, rssOf } from './memory.ts';
import { idsOf, measureReads } from './reads.ts';
import type { Results } from './report.ts';
import { copyShop, SHOP_STORE } from './shop.ts';
import { measureFsync, sell, sellSteadily } from './writes.ts';

export interface ScenarioOptions {
  setting: Results['setting'];
  /** Where the made store is kept between runs. */
  cache: string;
  /** For this run; the caller removes it. */
  directory: string;
  say(text: string): void;
}

/** As many as the edge's replay has under way at once. */
const DIRECT_CONNECTIONS = 32;
const WRITERS = 100;
/** A hundred tills, of which each sells once a second. */
const STEADY = { perSecond: 100, most: 2000 };
/** For each stage, ms: only a fault reaches it, and then the run ends and says which. */
const STAGE_LIMIT = 15 * 60_000;
const IDLE_MS = 3000;

interface Status {
  link: { state: string };
  queue: { length: number };
  replica: { complete: boolean; feed: { live: boolean }; resources: Record<string, { documents: number }> };
}

/** Ends what it started, also where it is interrupted. */
export async function runScenario(options: ScenarioOptions): Promise<Results> {
  await using parts = new AsyncDisposableStack();
  const interrupted = Promise.withResolvers<never>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const listener = () => interrupted.reject(new Error(`${signal} came before the end`));
    process.once(signal, listener);
    parts.defer(() => void process.off(signal, listener));
  }
  return await Promise.race([measure(options, parts), interrupted.promise]);
}

async function measure(
  { setting, cache, directory, say }: ScenarioOptions,
  parts: AsyncDisposableStack,
): Promise<Results> {
  const { products, movements, entries, reads: rounds, rttMs } = setting;
  const size = { products, movements };
  const [load = 0] = loadavg();
  say('The cloud …');
  mkdirSync(directory, { recursive: true });
  await copyShop(size, cache, join(directory, 'cloud.db'));
  const cloud = parts.adopt(await startCloud({ database: sqliteIn(directory) }), (part) => part.stop());
  const link = parts.adopt(await startLink({ target: cloud.url, rttMs }), (part) => part.close());
  const token = await tokenOf(cloud.url, 'clerk');
  const caller = parts.adopt(new Caller(token, WRITERS), (part) => part.close());
  const box = new Box(link, join(directory, 'edge'));
  parts.defer(() => box.end());

  await link.set('down');
  await box.start();
  await idle();
  const empty = box.rss();

  say('Bootstrap …');
  const bootstrapped = await mostWhile(box.pid, () => bootstrap(box, link));
  await idle();
  const atRest = box.rss();
  const ids = await idsOf(caller, cloud.url);
  // Asked once with the link up, so that the edge knows the clerk; never again, so that nothing measured comes from a cache.
  const known = await caller.get(`${box.url}${API}/products?limit=1`);
  if (known.status !== 200) throw new Error(`the edge does not know the clerk: ${known.status} ${known.text}`);

  say('Reads, cut off …');
  await link.set('down');
  await box.is('offline', ({ link: { state } }) => state === 'offline');
  const read = await mostWhile(box.pid, () => measureReads(caller, box.url, size, ids, rounds));

  say('Writes, cut off …');
  const fsync = measureFsync(directory);
  const selling = { at: box.url, size, expected: 202 };
  const one = await sell(caller, { ...selling, writers: 1, count: Math.min(500, Math.ceil(entries / 10)) });
  const steady = await sellSteadily(caller, selling, {
    perSecond: STEADY.perSecond,
    count: Math.min(STEADY.most, Math.ceil(entries / 5)),
  });
  const many = await mostWhile(box.pid, () => sell(caller, { ...selling, writers: WRITERS, count: entries }));

  say('kill -9, and a start …');
  const start = await restart(box, caller, one.count + steady.count + many.value.count);

  say('The same number of sales, straight to the cloud …');
  const direct = await sell(caller, {
    at: cloud.url,
    size,
    writers: DIRECT_CONNECTIONS,
    count: start.waiting,
    expected: 201,
  });
  if (direct.odd > 0) throw new Error(`the cloud refused ${direct.odd} sales`);

  say('Replay …');
  const replayed = await mostWhile(box.pid, () => replay(box, link));
  const directSeconds = start.waiting / direct.perSecond;
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: cpus().length,
      memoryBytes: totalmem(),
      node: process.version,
      load,
    },
    setting,
    bootstrap: bootstrapped.value,
    fsync,
    reads: read.value,
    writes: { one, steady, hundred: many.value },
    replay: {
      entries: start.waiting,
      seconds: replayed.value,
      directSeconds,
      ratio: replayed.value / directSeconds,
    },
    start: { firstAnswerMs: start.firstAnswerMs, waiting: start.waiting },
    rss: {
      empty,
      bootstrap: bootstrapped.rss,
      atRest,
      reading: read.rss,
      writing: many.rss,
      replaying: replayed.rss,
      started: start.rss,
    },
  };
}

const idle = () => new Promise((resolve) => setTimeout(resolve, IDLE_MS));

/** The edge on its directory, across its starts. */
class Box {
  readonly #link: Link;
  readonly #data: string;
  #edge: Running | null = null;

  constructor(link: Link, data: string) {
    this.#link = link;
    this.#data = data;
  }

  /** On the same port each time. */
  async start(): Promise<void> {
    const port = this.#edge === null ? 0 : Number(new URL(this.#edge.url).port);
    this.#edge = await startEdge({ cloud: this.#link.url, data: this.#data, store: SHOP_STORE, port });
  }

  async kill(): Promise<void> {
    await this.#edge?.stop('SIGKILL');
  }

  async end(): Promise<void> {
    await this.#edge?.stop();
  }

  get url(): string {
    return this.#edge?.url ?? '';
  }

  get pid(): number {
    return this.#edge?.pid ?? 0;
  }

  rss(): number | null {
    return rssOf(this.pid);
  }

  async status(): Promise<Status> {
    const response = await fetch(`${this.url}/_edge/status`, { signal: AbortSignal.timeout(30_000) });
    return (await response.json()) as Status;
  }

  /** Waits until its status is so. */
  async is(what: string, holds: (status: Status) => boolean): Promise<void> {
    await until(`the edge is ${what}`, async () => holds(await this.status()), STAGE_LIMIT);
  }
}

/** From the link's coming up to a replica that is complete and follows the cloud. */
async function bootstrap(box: Box, link: Link): Promise<Results['bootstrap']> {
  const before = link.stats.bytesDown;
  const started = performance.now();
  await link.set('up');
  await box.is('complete', ({ replica }) => replica.complete && replica.feed.live);
  const seconds = (performance.now() - started) / 1000;
  // Documents are counted now and then only: the count of the end comes a little later.
  await idle();
  const { resources } = (await box.status()).replica;
  const documents = Object.values(resources).reduce((sum, each) => sum + each.documents, 0);
  return { seconds, documents, bytes: link.stats.bytesDown - before };
}

const NEVER = 60_000;
const ASK_EVERY = 5;

/** Killed and started with the link down: how long it takes to the first answer from the replica, by the wall clock. */
async function restart(box: Box, caller: Caller, waiting: number) {
  const { url } = box;
  await box.kill();
  const started = performance.now();
  const starting = box.start();
  const answered = async (): Promise<boolean> => {
    const answer = await caller.get(`${url}${API}/products?limit=7`).catch(() => null);
    return answer?.status === 200 && answer.source === 'replica';
  };
  while (!(await answered())) {
    if (performance.now() - started > NEVER) throw new Error('the edge gives no answer after its start');
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY));
  }
  const firstAnswerMs = performance.now() - started;
  await starting;
  const { queue } = await box.status();
  if (queue.length !== waiting) throw new Error(`of ${waiting} waiting sales ${queue.length} survived the kill`);
  await idle();
  return { firstAnswerMs, waiting, rss: box.rss() };
}

/** From the link's coming up to an empty queue, s. */
async function replay(box: Box, link: Link): Promise<number> {
  const started = performance.now();
  await link.set('up');
  await box.is('rid of what waited', ({ queue }) => queue.length === 0);
  return (performance.now() - started) / 1000;
}
