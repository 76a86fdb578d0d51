/** The processes of one trial, and what can be done to them. Everything here is real: signals, files, sockets. */
import { execFile } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startLink, type Link } from '../link-simulator/link.ts';
import { startCloud } from '../stage/cloud.ts';
import { startEdge } from '../stage/edge.ts';
import type { Running } from '../stage/process.ts';
import { takeCareOf } from './caretaker.ts';
import { copyEdge, type CloudDatabase } from './databases.ts';

export interface WorldOptions {
  directory: string;
  database: CloudDatabase;
  /** A data directory to begin with; null: the edge has nothing. */
  edge: string | null;
  rttMs: number;
}

const SHIM = `--import=${new URL('clock-shim.ts', import.meta.url).href}`;
const NEXT_RELEASE = join(import.meta.dirname, 'next-release.ts');
/** A send that nobody answers is given up soon, so that a trial is short. */
const EDGE_FLAGS = ['--answer-timeout-ms', '3000', '--connect-timeout-ms', '1500'];

export type Part = 'edge' | 'cloud';

export class World {
  readonly directory: string;
  readonly database: CloudDatabase;
  readonly link: Link;
  #cloud: Running;
  #edge: Running;
  /** Rises when the edge ends and when it serves again: odd while no process is there to answer. */
  outages = 0;
  readonly #leave: () => void;
  /** Of the profile: 0, or 1 after an upgrade. */
  #release = 0;
  /** One thing at a time is done to each part. */
  readonly #turns = new Map<Part, Promise<unknown>>();

  private constructor(options: WorldOptions, cloud: Running, link: Link, edge: Running) {
    this.directory = options.directory;
    this.database = options.database;
    [this.#cloud, this.link, this.#edge] = [cloud, link, edge];
    this.#leave = takeCareOf(this);
  }

  static async open(options: WorldOptions): Promise<World> {
    const { directory, database, edge, rttMs } = options;
    await using parts = new AsyncDisposableStack();
    const cloud = parts.adopt(await launchCloud(directory, database.url, 0), (part) => part.stop('SIGKILL'));
    const link = parts.adopt(await startLink({ target: cloud.url, rttMs, lingerMs: 500 }), (part) => part.close());
    if (edge !== null) copyEdge(edge, join(directory, 'edge'));
    const running = await launchEdge(directory, link.url, 0, 0);
    parts.move();
    return new World(options, cloud, link, running);
  }

  get cloudUrl(): string {
    return this.#cloud.url;
  }

  get edgeUrl(): string {
    return this.#edge.url;
  }

  get edgeData(): string {
    return join(this.directory, 'edge');
  }

  /** Runs `work` when nobody else is doing something to that part. */
  turn<T>(part: Part, work: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(part) ?? Promise.resolve()).then(work);
    this.#turns.set(
      part,
      turn.catch(() => undefined),
    );
    return turn;
  }

  /** `kill -9`, something in between, and a new start at the same address. */
  async crash(part: Part, between: () => Promise<void> = async () => {}): Promise<void> {
    if (part === 'edge') return this.#restartEdge('SIGKILL', between);
    await this.#cloud.stop('SIGKILL');
    await between();
    this.#cloud = await launchCloud(this.directory, this.database.url, portOf(this.#cloud));
  }

  async #restartEdge(signal: 'SIGKILL' | 'SIGTERM', between: () => Promise<void>): Promise<void> {
    this.outages += 1;
    await this.#edge.stop(signal);
    await between();
    this.#edge = await launchEdge(this.directory, this.link.url, portOf(this.#edge), this.#release);
    this.outages += 1;
  }

  /** Starts the edge with this release of the profile, after a crash or an orderly end. */
  async changeRelease(release: 0 | 1, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const before = this.#release;
    this.outages += 1;
    await this.#edge.stop(signal);
    try {
      this.#edge = await launchEdge(this.directory, this.link.url, portOf(this.#edge), release);
      this.#release = release;
    } catch (error) {
      // It says that what waits is of a newer release, and has touched nothing: the newer goes on.
      if (release >= before || !String(error).includes('accepted them, this is release')) throw error;
      this.#edge = await launchEdge(this.directory, this.link.url, portOf(this.#edge), before);
    }
    this.outages += 1;
  }

  /** From now on no file of the edge may grow past a page, as on a full disk; or may again. */
  async setDiskFull(full: boolean): Promise<void> {
    const limit = full ? '4096:unlimited' : 'unlimited:unlimited';
    await promisify(execFile)('prlimit', ['--pid', String(this.#edge.pid), `--fsize=${limit}`]);
  }

  /** Sets a machine's clock: off by so many ms from now on. */
  setClock(part: Part, offset: number): void {
    writeFileSync(clockOf(this.directory, part), String(offset));
  }

  saveEdge(): void {
    copyEdge(this.edgeData, join(this.directory, 'edge-saved'));
  }

  restoreEdge(): void {
    copyEdge(join(this.directory, 'edge-saved'), this.edgeData);
  }

  /** Another box, that knows nothing. */
  loseEdge(): void {
    rmSync(this.edgeData, { recursive: true, force: true });
  }

  async close(): Promise<void> {
    this.#leave();
    await Promise.all([this.#edge.stop('SIGKILL'), this.#cloud.stop('SIGKILL'), this.link.close()]);
    await this.database.drop();
  }
}

const portOf = ({ url }: Running) => Number(new URL(url).port);
const clockOf = (directory: string, part: Part) => join(directory, `${part}-clock`);
/** The environment of a process whose wall clock is off by what this file says, ms. */
export const clockedBy = (file: string) => ({ NODE_OPTIONS: SHIM, CHAOS_CLOCK: file });
const environmentOf = (directory: string, part: Part) => clockedBy(clockOf(directory, part));

/** What a part prints is kept beside its data, for the trials that fail. */
function logTo(directory: string, part: Part) {
  mkdirSync(directory, { recursive: true });
  return (text: string) => appendFileSync(join(directory, `${part}.log`), `${new Date().toISOString()} ${text}\n`);
}

function launchCloud(directory: string, database: string, port: number): Promise<Running> {
  const line = logTo(directory, 'cloud');
  return startCloud({ database, port, line, env: environmentOf(directory, 'cloud') });
}

function launchEdge(directory: string, cloud: string, port: number, release: number): Promise<Running> {
  const flags = [...EDGE_FLAGS, ...(release === 0 ? [] : ['--profile', NEXT_RELEASE])];
  const line = logTo(directory, 'edge');
  return startEdge({
    cloud,
    port,
    flags,
    line,
    data: join(directory, 'edge'),
    env: environmentOf(directory, 'edge'),
  });
}

/** Can a disk be made to seem full here? */
export const canFillDisk = process.platform === 'linux' && existsSync('/usr/bin/prlimit');
