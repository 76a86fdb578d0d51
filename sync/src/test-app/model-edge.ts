/**
 * An edge's back on one thread, for tests against a model: the real database, queue, overlay, replay and feed, with time
 * and cloud in the test's hands.
 */
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { Accept, type Outcome } from '../accept.ts';
import type { Call } from '../client.ts';
import { Credentials } from '../credentials.ts';
import { openReader } from '../database.ts';
import { Feed } from '../feed.ts';
import type { Doc } from '../profile.ts';
import { Replay } from '../replay.ts';
import { absentIn } from '../replica/absent.ts';
import { openTables } from '../replica/tables.ts';
import { View } from '../replica/view.ts';
import { Slices } from '../slices.ts';
import { Store } from '../store.ts';
import { TagTable } from '../tag-table.ts';
import { ModelCloud } from './model-cloud.ts';
import profile from './profile.ts';

/** Few, so that what has no place is seen to wait. */
export const CONCURRENCY = 3;
/** Longer than any delay of the replay's, ms. */
export const LONG = 60_000;

/** In memory where the system has that: thousands of cases, and none of them tests the disk. */
const DIRECTORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const STARTED = Date.parse('2026-01-05T10:00:00.000Z');

/** MODEL_SEED repeats a run that failed, MODEL_RUNS asks for more cases; a failure prints its seed and its case. */
export function runsOf(standard: number): { numRuns: number; seed?: number } {
  const { MODEL_SEED: seed, MODEL_RUNS: runs } = process.env;
  return { numRuns: Number(runs ?? standard), ...(seed === undefined ? {} : { seed: Number(seed) }) };
}

/** A row of the queue, as another connection reads it: what is not committed is not there. */
export interface Row {
  seq: number;
  key: string;
  user: string;
  state: string;
  /** Why a person has to see to it; null: nobody has to. */
  inbox: string | null;
  not_before: number;
  overlaid: number;
}

export interface ModelOptions {
  feed: boolean;
  /** What was applied is offered again to a cloud that was restored, if not longer ago than this, ms. */
  keepSettled?: number;
}

/** An empty database is made once, and copied for each case. */
export class ModelEdges {
  readonly #empty = mkdtempSync(join(DIRECTORY, 'larder-model-'));

  constructor() {
    new Store(this.#empty, profile, 'S1', () => undefined).close();
  }

  make(cloud: ModelCloud, options: ModelOptions): ModelEdge {
    const data = mkdtempSync(join(DIRECTORY, 'larder-model-'));
    cpSync(this.#empty, data, { recursive: true });
    return new ModelEdge(data, cloud, options);
  }

  close(): void {
    rmSync(this.#empty, { recursive: true });
  }
}

export class ModelEdge {
  readonly cloud: ModelCloud;
  readonly alarms: string[] = [];
  /** As the replay's clock has it, ms. */
  uptime = 0;
  tags = new TagTable();
  store!: Store; // `#start` sets these, in the constructor and after each crash
  accept!: Accept;
  replay!: Replay;
  view!: View;
  readonly #data: string;
  readonly #options: ModelOptions;
  #feed: Feed | null = null;
  #reader!: DatabaseSync;
  #online = false;
  #now = STARTED;

  constructor(data: string, cloud: ModelCloud, options: ModelOptions) {
    this.#data = data;
    this.cloud = cloud;
    this.#options = options;
    this.#start();
  }

  #start(): void {
    const { cloud } = this;
    this.tags = new TagTable();
    this.store = new Store(this.#data, profile, 'S1', (bump) => this.tags.apply(bump));
    const { tags, opened } = this.store.snapshot();
    this.tags.load(tags, opened);
    const now = () => (this.#now += 1);
    const credentials = new Credentials(this.store.db, new Uint8Array(32), 'Bearer edge');
    this.replay = new Replay({
      store: this.store,
      cloud,
      credentials,
      concurrency: CONCURRENCY,
      now,
      uptime: () => this.uptime,
      random: () => 0.5,
      settled: () => undefined,
      stallAfter: Infinity,
      stalled: () => undefined,
      barrier: () => ((this.#feed?.proved ?? true) ? null : 'the feed has not answered'),
      alarm: (message, detail) => void this.alarms.push(`${message} ${JSON.stringify(detail)}`),
    });
    const log = () => undefined;
    if (this.#options.feed)
      this.#feed = new Feed({
        store: this.store,
        slices: new Slices({ store: this.store, turn: () => setImmediate(), spent: () => performance.now() }),
        cloud,
        storeId: 'S1',
        credential: null,
        now,
        random: () => 0,
        keepSettled: this.#options.keepSettled ?? 0,
        moved: log,
        proved: () => this.replay.kick(),
        checked: log,
        restored: log,
        log,
      });
    this.accept = new Accept({
      store: this.store,
      credentials,
      limits: { admit: () => undefined },
      current: () => undefined,
      now,
      complete: () => true,
    });
    this.#reader = openReader(this.#data);
    const { tables } = openTables(this.#reader, profile.resources, absentIn);
    this.view = new View({ db: this.#reader, tables, store: 'S1' });
    this.replay.kick();
  }

  /** The process dies as by `kill -9` between two commits, and starts again. */
  crash(): void {
    this.#stop();
    this.cloud.abandon();
    this.#start();
    this.link(this.#online);
  }

  close(): void {
    this.#stop();
    rmSync(this.#data, { recursive: true });
  }

  #stop(): void {
    this.replay.stop();
    this.#feed?.stop();
    this.#reader.close();
    this.store.close();
  }

  link(online: boolean): void {
    this.#online = online;
    this.replay.link(online ? 'online' : 'offline', false);
    this.#feed?.link(online ? 'online' : 'offline', false);
  }

  /** Time passes, and the watch looks whether there is something to do. */
  pass(ms: number): void {
    this.uptime += ms;
    this.#now += ms;
    this.replay.kick();
  }

  take(calls: readonly Call[]): Outcome[] {
    const outcomes = this.accept.all(calls);
    this.replay.kick();
    return outcomes;
  }

  rows(): Row[] {
    return this.#reader
      .prepare('SELECT seq, key, user, state, inbox, not_before, overlaid FROM entry ORDER BY seq')
      .all() as unknown as Row[];
  }

  /** Lets everything run that can run without time passing. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 8; turn += 1) await setImmediate();
  }
}

/** A write as the front hands it on. */
export function callOf(method: string, path: string, body: Doc, key: string, user: string): Call {
  const headers = { authorization: `Bearer ${user}`, 'content-type': 'application/json', 'idempotency-key': key };
  return {
    method,
    path,
    search: '',
    headers,
    body: JSON.stringify(body),
    claims: null,
    user: { id: user, store: 'S1' },
  };
}
