/** A server under measurement: a process tree on a core of its own, with what it costs. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Agent, request } from 'undici';
import { TEST_CA } from '../../../proxy/src/tls/test-certificates.ts';

export interface ServerProcess {
  readonly url: string;
  /** Processor seconds and resident bytes of it and its children; null where the system does not say (no /proc). */
  cost(): Cost | null;
  stop(): Promise<void>;
}

export interface Cost {
  cpuSeconds: number;
  rssBytes: number;
}

export interface SpawnOptions {
  name: string;
  command: string;
  args: string[];
  /** Core to stay on; null: any. */
  core: number | null;
  /** Where it will listen; where it says so itself, a pattern whose first group is the address. */
  url: string | RegExp;
}

const START_LIMIT = 30_000;
const STOP_LIMIT = 10_000;

/** Is a program there? */
export function has(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Command and arguments that keep a process on a core. */
export function pinned(core: number | null, command: string, args: string[]): [string, string[]] {
  return core === null ? [command, args] : ['taskset', ['-c', String(core), command, ...args]];
}

/** Starts a server; resolves when it answers. */
export async function spawnServer({ name, command, args, core, url }: SpawnOptions): Promise<ServerProcess> {
  const child = spawn(...pinned(core, command, args), { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => void (output += String(chunk)));
  const ended = once(child, 'exit');
  const said = () => (typeof url === 'string' ? url : url.exec(output)?.[1]);
  const limit = Date.now() + START_LIMIT;
  for (;;) {
    const address = said();
    if (address !== undefined && (await answers(address))) {
      const pid = child.pid ?? 0;
      return { url: address, cost: () => costOf(pid), stop: () => stop(child, ended) };
    }
    if (child.exitCode !== null || Date.now() > limit) {
      child.kill('SIGKILL');
      throw new Error(`${name} did not start:\n${output.slice(-2000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Knows the certificate that every product here is given. */
export const TRUSTING = new Agent({ connect: { ca: TEST_CA } });

async function answers(url: string): Promise<boolean> {
  const signal = AbortSignal.timeout(2000);
  const response = await request(`${url}/1024/ready`, { dispatcher: TRUSTING, signal }).catch(() => null);
  await response?.body.dump();
  return response?.statusCode === 200;
}

async function stop(child: ReturnType<typeof spawn>, ended: Promise<unknown>): Promise<void> {
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT);
  await ended;
  clearTimeout(timer);
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Linux counts processor time in hundredths of a second. */
const TICKS = 100;

function costOf(root: number): Cost | null {
  try {
    const cost = { cpuSeconds: 0, rssBytes: 0 };
    for (const pid of familyOf(root)) {
      // The name, in brackets, may hold spaces: count from behind it.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      cost.cpuSeconds += (Number(fields[11]) + Number(fields[12])) / TICKS;
      const rss = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
      cost.rssBytes += Number(rss?.[1] ?? 0) * 1024;
    }
    return cost;
  } catch {
    return null;
  }
}

/** A process, its children, and theirs. */
function familyOf(root: number): number[] {
  const family = [root];
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) if (/^\d+$/.test(name)) parents.set(Number(name), parentOf(name));
  for (const member of family) for (const [pid, parent] of parents) if (parent === member) family.push(pid);
  return family;
}

function parentOf(pid: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]);
  } catch {
    // It has ended in between.
    return 0;
  }
}
