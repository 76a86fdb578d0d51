/** A cloud, a link that can be cut, and an edge behind it: all real, all on this machine. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLink, type Link } from '../link-simulator/link.ts';
import { Client, until } from './client.ts';
import { seedCloud, sqliteIn, startCloud } from './cloud.ts';
import { startEdge } from './edge.ts';
import type { Running } from './process.ts';

export interface StageOptions {
  /** Round trip of the link, ms. */
  rttMs?: number;
  /** Makes and fills the cloud's database and returns its DATABASE_URL; without it: SQLite with the made-up store. */
  database?(directory: string): Promise<string>;
  edgeFlags?: string[];
}

const remove = (directory: string) => rmSync(directory, { recursive: true, force: true });

async function seeded(directory: string): Promise<string> {
  const database = sqliteIn(directory);
  await seedCloud(database);
  return database;
}

/** The part of `/_edge/status` that scenarios look at. */
export interface EdgeStatus {
  link: { state: string };
  queue: { length: number; inbox: number; oldest: string | null };
  replica: { complete: boolean; feed: { live: boolean; asOf: string | null } };
}

export class Stage {
  readonly directory: string;
  cloud: Running;
  readonly link: Link;
  edge: Running;
  readonly #flags: string[];

  private constructor(directory: string, cloud: Running, link: Link, edge: Running, flags: string[]) {
    this.directory = directory;
    this.cloud = cloud;
    this.link = link;
    this.edge = edge;
    this.#flags = flags;
  }

  static async start({ rttMs = 20, database = seeded, edgeFlags = [] }: StageOptions = {}): Promise<Stage> {
    // What was started before something that does not start is ended again.
    await using parts = new AsyncDisposableStack();
    const directory = parts.adopt(mkdtempSync(join(tmpdir(), 'larder-stage-')), remove);
    const cloud = parts.adopt(await startCloud({ database: await database(directory) }), (part) => part.stop());
    const link = parts.adopt(await startLink({ target: cloud.url, rttMs }), (part) => part.close());
    const edge = await startEdge({ cloud: link.url, data: join(directory, 'edge'), flags: edgeFlags });
    parts.move();
    return new Stage(directory, cloud, link, edge, edgeFlags);
  }

  /** Someone at the store's address. */
  get atEdge(): Client {
    return new Client(this.edge.url);
  }

  /** Someone elsewhere, straight at the cloud. */
  get atCloud(): Client {
    return new Client(this.cloud.url);
  }

  async status(): Promise<EdgeStatus> {
    const response = await fetch(`${this.edge.url}/_edge/status`, { signal: AbortSignal.timeout(5000) });
    return (await response.json()) as EdgeStatus;
  }

  /** Waits until the replica holds all of the store and follows the cloud. */
  async ready(limit = 60_000): Promise<void> {
    await until(
      'the replica is complete and live',
      async () => {
        const { replica } = await this.status();
        return replica.complete && replica.feed.live;
      },
      limit,
    );
  }

  /** `kill -9`; what is done while nothing is there; and a new start on the same data, at the same port. */
  async crashEdge(meanwhile: () => Promise<void> = () => Promise.resolve()): Promise<void> {
    const port = Number(new URL(this.edge.url).port);
    await this.edge.stop('SIGKILL');
    await meanwhile();
    this.edge = await startEdge({
      cloud: this.link.url,
      data: join(this.directory, 'edge'),
      port,
      flags: this.#flags,
    });
  }

  /** `kill -9` of the cloud; what is done to its files meanwhile; a new start at the same port. */
  async crashCloud(database: string, meanwhile: () => void): Promise<void> {
    const port = Number(new URL(this.cloud.url).port);
    await this.cloud.stop('SIGKILL');
    meanwhile();
    this.cloud = await startCloud({ database, port });
  }

  async close(): Promise<void> {
    await this.edge.stop();
    await this.link.close();
    await this.cloud.stop();
    remove(this.directory);
  }
}
