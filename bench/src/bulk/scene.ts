/** The scene of the measurement: cloud and load on one core, the whole edge on the other. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pinned } from '../cache-bench/server-process.ts';
import { Client, until } from '../stage/client.ts';
import { seedCloud, sqliteIn, startCloud } from '../stage/cloud.ts';
import { startEdge } from '../stage/edge.ts';
import type { Running } from '../stage/process.ts';
import type { EdgeStatus } from '../stage/stage.ts';
import type { LoadFigures } from './load.ts';

/** The cores; null: the processes are not kept apart. */
export interface Cores {
  edge: number | null;
  rest: number | null;
}

/** So that the cloud, which stands for a machine of its own, does not keep the load from sending in time. */
const CLOUD_NICENESS = 5;

/** Keeps all threads of a process, and those it will have, on a core. */
function pin(core: number | null, pid: number): void {
  if (core !== null) execFileSync('taskset', ['-acp', String(core), String(pid)], { stdio: 'ignore' });
}

export class Scene {
  readonly directory: string;
  readonly database: string;
  readonly cores: Cores;
  readonly cloud: Running;
  edge: Running;
  /** A clerk at the edge. */
  clerk: Client;
  /** The edge's data directory. */
  #data: string;

  private constructor(directory: string, cores: Cores, cloud: Running, edge: Running, clerk: Client) {
    this.directory = directory;
    this.database = sqliteIn(directory);
    this.cores = cores;
    this.cloud = cloud;
    this.edge = edge;
    this.clerk = clerk;
    this.#data = join(directory, 'edge');
  }

  static async start(cores: Cores): Promise<Scene> {
    await using begun = new AsyncDisposableStack();
    const directory = mkdtempSync(join(tmpdir(), 'larder-bulk-'));
    begun.defer(() => rmSync(directory, { recursive: true, force: true }));
    await seedCloud(sqliteIn(directory));
    const cloud = begun.adopt(await startCloud({ database: sqliteIn(directory) }), (it) => it.stop());
    setPriority(cloud.pid, CLOUD_NICENESS);
    pin(cores.rest, cloud.pid);
    pin(cores.rest, process.pid);
    const edge = begun.adopt(await startEdge({ cloud: cloud.url, data: join(directory, 'edge') }), (it) => it.stop());
    pin(cores.edge, edge.pid);
    const clerk = await new Client(edge.url).signIn('clerk');
    begun.move();
    return new Scene(directory, cores, cloud, edge, clerk);
  }

  /** Another edge in place of this one, whose disk is empty. */
  async renew(): Promise<void> {
    await this.edge.stop();
    this.#data = join(this.directory, 'edge-2');
    this.edge = await startEdge({ cloud: this.cloud.url, data: this.#data });
    pin(this.cores.edge, this.edge.pid);
    this.clerk = this.clerk.at(this.edge.url);
    // To the cloud it is another box, and takes no sale before it is the one that stays.
    await this.#order('/_edge/box/take-over', {});
  }

  async status(): Promise<EdgeStatus> {
    const response = await fetch(`${this.edge.url}/_edge/status`, { signal: AbortSignal.timeout(30_000) });
    return (await response.json()) as EdgeStatus;
  }

  /** The operator holds the link, or lets go of it. */
  async hold(hold: boolean): Promise<void> {
    await this.#order('/_edge/link', { hold });
  }

  async #order(path: string, body: object): Promise<void> {
    const token = readFileSync(join(this.#data, 'console-token'), 'utf8').trim();
    const response = await fetch(this.edge.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  }

  /** Asks until every one of these is answered from the cache. */
  async store(paths: readonly string[]): Promise<void> {
    for (const path of paths)
      await until(`${path} is stored`, async () => {
        const { headers } = await this.get(path);
        return / hit\b/.test(headers.get('cache-status') ?? '');
      });
  }

  get(path: string): Promise<Response> {
    return fetch(this.edge.url + path, { headers: { authorization: this.clerk.authorization } });
  }

  /** Sends hits at a constant rate while `work` runs. */
  async load(rate: number, paths: readonly string[], work: () => Promise<void>): Promise<LoadFigures> {
    const file = join(import.meta.dirname, 'load.ts');
    const args = [file, this.edge.url, String(rate), this.clerk.authorization, ...paths];
    const child = spawn(...pinned(this.cores.rest, process.execPath, args), { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk) => void (output += String(chunk)));
    const ended = once(child, 'exit');
    try {
      await until('the load has begun', () => output.includes('started'));
      await work();
    } finally {
      child.kill('SIGTERM');
      await ended;
    }
    return JSON.parse(output.split('\n').findLast((line) => line.startsWith('{')) ?? '') as LoadFigures;
  }

  async close(): Promise<void> {
    await this.edge.stop();
    await this.cloud.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
