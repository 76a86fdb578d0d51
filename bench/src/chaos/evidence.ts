/** What a trial has left behind, taken from the cloud's own interface, from the edge's disk, and from its answers. */
import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import { Client, until } from '../stage/client.ts';
import { differences } from '../store-day/store-day.ts';
import type { Template } from './template.ts';
import type { World } from './world.ts';

/** A change of the cloud's feed. */
export interface Change {
  type: 'put' | 'remove' | 'marker';
  resource?: string;
  id?: string;
  doc?: Record<string, unknown> | null;
  cause: { user: string; key: string } | null;
  tx: string;
}

export interface Evidence {
  /** All that happened in the cloud since the trial began: each transaction's changes, in order. */
  changes: Change[];
  /** By product: the sum of the ledger's lines, and the level. */
  ledger: Map<string, number>;
  levels: Map<string, number>;
  /** `user key` of what waits in the edge's inbox for a person. */
  inbox: Set<string>;
  /** Where the edge, cut off, answers otherwise than the cloud. */
  differences: string[];
}

export async function gather(world: World, template: Template): Promise<Evidence> {
  const manager = template.people.manager.at(world.cloudUrl);
  const own = await feedOf(world.cloudUrl, 'S001', template.cursor);
  const seen = new Set(own.map(({ tx }) => tx));
  const others = (await feedOf(world.cloudUrl, 'S002', template.cursor)).filter(({ tx }) => !seen.has(tx));
  const ledger = new Map<string, number>();
  for (const { productId, qty } of await manager.all<{ productId: string; qty: number }>('/movements?storeId=S001'))
    ledger.set(productId, (ledger.get(productId) ?? 0) + qty);
  const levels = await manager.all<{ productId: string; qty: number }>('/stock-levels?storeId=S001');
  await world.link.set('down');
  await until('the edge notices the cut', async () => (await statusOf(world))?.link.state === 'offline');
  return {
    changes: [...own, ...others],
    ledger,
    levels: new Map(levels.map(({ productId, qty }) => [productId, qty])),
    inbox: inboxOf(world.edgeData),
    differences: await differences(manager.at(world.edgeUrl), manager),
  };
}

/** The changes of one store's subset after a place in the feed. */
export async function feedOf(cloud: string, store: string, from: string): Promise<Change[]> {
  const client = new Client(cloud, `edge_demo_${store}`);
  const found: Change[] = [];
  for (let after = from, more = true; more;) {
    const path = `/changes?store=${store}&limit=2000&after=${encodeURIComponent(after)}`;
    const { status, body } = await client.get<{ data: Change[]; page: { next: string; more: boolean } }>(path);
    if (status !== 200) throw new Error(`the cloud's feed cannot be read: ${status}`);
    found.push(...body.data);
    ({ next: after, more } = body.page);
  }
  return found;
}

/** From another process, while the edge runs or when it is dead. */
function reading<T>(data: string, read: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(join(data, 'edge.db'), { readOnly: true });
  try {
    return read(db);
  } finally {
    db.close();
  }
}

export const inboxOf = (data: string) =>
  reading(data, (db) => {
    const rows = db.prepare(`SELECT user, key FROM entry WHERE inbox IS NOT NULL`).all();
    return new Set(rows.map((row) => `${String(row['user'])} ${String(row['key'])}`));
  });

interface Waiting {
  key: string;
  state: string;
  overlaid: number;
}

/** Entries that are not settled, or that the overlay still shows; empty: drained. */
export const waitingIn = (data: string): Waiting[] =>
  reading(
    data,
    (db) =>
      db
        .prepare(
          `SELECT key, state, overlaid FROM entry WHERE state IN ('queued', 'sending', 'unknown') OR overlaid = 1`,
        )
        .all() as unknown as Waiting[],
  );

export interface Status {
  link: { state: string };
  queue: { length: number };
  replica: { complete: boolean; feed: { live: boolean } };
}

/** Null: it does not answer at this moment. */
export async function statusOf({ edgeUrl }: World): Promise<Status | null> {
  try {
    const response = await fetch(`${edgeUrl}/_edge/status`, { signal: AbortSignal.timeout(5000) });
    return (await response.json()) as Status;
  } catch {
    return null;
  }
}
