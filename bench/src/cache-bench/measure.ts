/** One run: a product, a case, some seconds; and the proof that what was measured is a cache. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Agent, request } from 'undici';
import { TEST_CA } from '../../../proxy/src/tls/test-certificates.ts';
import { etagOf, pathOf } from './cases.ts';
import type { Case } from './cases.ts';
import { has, pinned, TRUSTING } from './server-process.ts';
import type { ServerProcess } from './server-process.ts';

export interface Run {
  requestsPerSecond: number;
  /** ms. */
  p50: number;
  p99: number;
  /** Answers that were neither 200 nor 304, and broken connections. */
  errors: number;
  /** Processor time of the server's core that was used, 1 = all of it; null where the system does not say. */
  cpu: number | null;
  /** Processor time of the server per request, µs: says the same on a machine that has other things to do as well. */
  microsPerRequest: number | null;
  rssBytes: number | null;
  /** Requests that reached the origin, as a share of all. */
  originShare: number;
}

export interface Loader {
  name: string;
  /** Command and arguments that come before those of the run. */
  command(target: string, seconds: number): [string, string[]];
}

export const CONNECTIONS = 32;

/** wrk where it is installed, else our own. */
export const createLoader = (): Loader => (has('wrk') ? WRK : OWN);

const WRK: Loader = {
  name: 'wrk',
  command(target, seconds) {
    const limits = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--timeout', '10s'];
    return ['wrk', [...limits, '-s', join(import.meta.dirname, 'load.lua'), target, '--']];
  },
};

const OWN: Loader = {
  name: 'node',
  command: (target, seconds) => [
    process.execPath,
    [join(import.meta.dirname, 'load.ts'), target, String(CONNECTIONS), String(seconds)],
  ],
};

export interface Bench {
  origin: string;
  loader: Loader;
  /** The load's core; null: any. */
  core: number | null;
}

const run = promisify(execFile);
/** A load generator that does not end by itself is ended, ms beyond its time. */
const PATIENCE = 30_000;

let marks = 0;

/** Stores what the case needs stored, then measures. */
export async function measure(bench: Bench, server: ServerProcess, one: Case, seconds: number): Promise<Run> {
  await fill(server.url, one);
  const before = { cost: server.cost(), asked: await askedOf(bench.origin) };
  const started = performance.now();
  const figures = await (one.protocol === 'h2' ? loadHttp2 : load)(bench, server.url, one, seconds);
  const elapsed = (performance.now() - started) / 1000;
  const cost = server.cost();
  const asked = (await askedOf(bench.origin)) - before.asked;
  const spent = cost === null || before.cost === null ? null : cost.cpuSeconds - before.cost.cpuSeconds;
  return {
    requestsPerSecond: Math.round(figures.requests / figures.seconds),
    p50: figures.p50,
    p99: figures.p99,
    errors: figures.errors,
    cpu: spent === null ? null : spent / elapsed,
    microsPerRequest: spent === null ? null : (spent * 1e6) / Math.max(1, figures.requests),
    rssBytes: cost?.rssBytes ?? null,
    originShare: asked / Math.max(1, figures.requests),
  };
}

interface LoadFigures {
  requests: number;
  seconds: number;
  errors: number;
  p50: number;
  p99: number;
}

async function load({ loader, core }: Bench, url: string, one: Case, seconds: number): Promise<LoadFigures> {
  const [command, args] = loader.command(url, seconds);
  // Of this process and this run: what is unseen in one run must be unseen in the next.
  const mark = `${process.pid}-${++marks}`;
  const etag = one.conditional ? etagOf(one.bytes) : '-';
  const all = [...args, one.bytes, one.known, one.unseenEvery, etag, mark].map(String);
  const { stdout } = await run(...pinned(core, command, all), { timeout: seconds * 1000 + PATIENCE });
  const line = stdout.split('\n').findLast((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(`${loader.name} printed no figures:\n${stdout}`);
  return JSON.parse(line) as LoadFigures;
}

/** h2load, of nghttp2: one stream at a time on each connection, as many of them as in the other cases. */
async function loadHttp2({ core }: Bench, url: string, { bytes, known }: Case, seconds: number): Promise<LoadFigures> {
  const directory = mkdtempSync(join(tmpdir(), 'larder-h2load-'));
  try {
    const [urls, log] = [join(directory, 'urls'), join(directory, 'log')];
    writeFileSync(urls, Array.from({ length: known }, (_, at) => `${url}${pathOf(bytes, at + 1)}\n`).join(''));
    const limits = ['-t1', `-c${CONNECTIONS}`, '-m1', `-D${seconds}`, '-i', urls, '--log-file', log];
    await run(...pinned(core, 'h2load', limits), { timeout: seconds * 1000 + PATIENCE });
    return figuresOf(readFileSync(log, 'utf8'), seconds);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A line for each answer: when it was asked for and how long it took, µs, and between them its status. */
function figuresOf(log: string, seconds: number): LoadFigures {
  const lines = log
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t').map(Number));
  const times = lines.map(([, , micros = 0]) => micros / 1000).toSorted((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  const errors = lines.filter(([, status]) => status !== 200).length;
  return { requests: lines.length, seconds, errors, p50: at(0.5), p99: at(0.99) };
}

async function fill(url: string, { known, bytes }: Case): Promise<void> {
  const agent = new Agent({ connections: CONNECTIONS, connect: { ca: TEST_CA } });
  const names = Array.from({ length: known }, (_, at) => at + 1);
  const ask = async () => {
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      const { body } = await request(url + pathOf(bytes, name), { dispatcher: agent });
      await body.dump();
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, ask));
  await agent.close();
}

async function askedOf(origin: string): Promise<number> {
  const { body } = await request(`${origin}/asked`);
  return Number(await body.text());
}

/**
 * Shows that a product caches: the second answer to the same URL says so, is the same, and never reached the origin;
 * the stored ETag gives a 304. Throws where one of these is not so.
 */
export async function proveCaching({ origin }: Bench, { url }: ServerProcess, name: string): Promise<string> {
  const target = url + pathOf(3072, `proof-${process.pid}`);
  const first = await request(target, { dispatcher: TRUSTING });
  const body = await first.body.text();
  const asked = await askedOf(origin);
  const second = await request(target, { dispatcher: TRUSTING });
  const again = await second.body.text();
  const third = await request(target, { dispatcher: TRUSTING, headers: { 'if-none-match': etagOf(3072) } });
  await third.body.dump();
  const sign = String(second.headers['x-cache'] ?? second.headers['cache-status']);
  const isHit = /\bhit\b/i.test(sign) && again === body && body.length === 3072;
  if (!isHit || third.statusCode !== 304 || (await askedOf(origin)) !== asked)
    throw new Error(`${name} does not cache: ${sign}, ${third.statusCode} to a condition`);
  return sign;
}
