/** What every trial begins with, made once: a cloud's database, who is signed in there, and an edge that knows it. */
import { join } from 'node:path';
import { startPostgres, type PostgresHarness } from '../../../inventory-app/server/db/postgres-harness.ts';
import { Client, until } from '../stage/client.ts';
import { seedCloud, sqliteIn, startCloud } from '../stage/cloud.ts';
import { startEdge } from '../stage/edge.ts';
import { mkdirSync } from 'node:fs';
import { postgresCopies, sqliteCopies, type Copies } from './databases.ts';
import type { OpeningProduct } from './operations.ts';
import type { DevicePlan, Plan } from './plan.ts';

export type User = DevicePlan['user'];

export interface Template {
  copy: Copies;
  /** The data directory of an edge that has all of the store's documents. */
  edge: string;
  /** The people, signed in; `Client.at` takes them to a trial's cloud or edge. */
  people: Readonly<Record<User, Client>>;
  products: OpeningProduct[];
  /** Stock of this store, by product. */
  opening: ReadonlyMap<string, number>;
  /** The feed's end. */
  cursor: string;
}

export type Templates = Partial<Record<Plan['database'], Template>> & { close(): Promise<void> };

/** Makes the templates that are asked for, in a directory of their own; a few seconds each. */
export async function makeTemplates(directory: string, databases: readonly Plan['database'][]): Promise<Templates> {
  await using parts = new AsyncDisposableStack();
  const templates: Partial<Record<Plan['database'], Template>> = {};
  for (const database of databases) {
    const own = join(directory, database);
    mkdirSync(own, { recursive: true });
    if (database === 'sqlite') templates.sqlite = await fill(own, sqliteIn(own), sqliteCopies(own));
    else templates.postgresql = await inPostgres(own, parts);
  }
  const kept = parts.move();
  return { ...templates, close: () => kept.disposeAsync() };
}

async function inPostgres(directory: string, parts: AsyncDisposableStack): Promise<Template> {
  const postgres: PostgresHarness = parts.adopt(await startPostgres(), (part) => part.stop());
  const url = await postgres.createDatabase();
  return fill(directory, url, postgresCopies(postgres, url));
}

async function fill(directory: string, database: string, copy: Copies): Promise<Template> {
  await seedCloud(database);
  await using parts = new AsyncDisposableStack();
  const cloud = parts.adopt(await startCloud({ database }), (part) => part.stop());
  const atCloud = new Client(cloud.url);
  const [clerk, manager, manager2] = await Promise.all([
    atCloud.signIn('clerk'),
    atCloud.signIn('manager'),
    atCloud.signIn('manager2'),
  ]);
  // The feed has a first row, whose cursor outlives a new epoch.
  await manager.write('POST', '/categories', { id: 'first', name: 'First' });
  const edge = join(directory, 'edge');
  await bootstrap(edge, cloud.url);
  const products = (await manager.get<{ data: OpeningProduct[] }>('/products?limit=12')).body.data;
  const levels = await manager.all<{ productId: string; qty: number }>('/stock-levels?storeId=S001');
  const feed = await new Client(cloud.url, 'edge_demo_S001').get<{ page: { next: string } }>('/changes?store=S001');
  return {
    copy,
    edge,
    products,
    people: { clerk, manager, manager2 },
    opening: new Map(levels.map(({ productId, qty }) => [productId, qty])),
    cursor: feed.body.page.next,
  };
}

/** An edge that fetches all, and ends. */
async function bootstrap(data: string, cloud: string): Promise<void> {
  const edge = await startEdge({ cloud, data });
  try {
    await until('the replica is complete', async () => {
      const status = (await (await fetch(`${edge.url}/_edge/status`)).json()) as { replica: { complete: boolean } };
      return status.replica.complete;
    });
  } finally {
    await edge.stop();
  }
}
