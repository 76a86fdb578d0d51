/** How a transaction writes itself into the change feed. */
import { randomBytes } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import type { Database, Transaction } from '../db/open.ts';
import type { KeyScope } from '../idempotency.ts';
import type { PlannedChange } from './change-list.ts';

export interface Cause extends KeyScope {
  /** Whose subset the key's marker is for; null: every store's. */
  markerStore: string | null;
}

/** Rows in one statement: each has 11 values, and PostgreSQL takes 65,535. */
const ROWS = 1000;

/**
 * Writes a transaction's changes and, where a key caused it, the key's marker. To be called after every other write of
 * the transaction but the key's own result: it takes the feed's lock, which is held to the commit, so that positions
 * ascend in commit order and a reader who has seen one position has seen all before it.
 */
export async function recordChanges(
  database: Database,
  tx: Transaction,
  planned: readonly PlannedChange[],
  cause: Cause | null,
  now: Date,
): Promise<void> {
  if (planned.length === 0 && cause === null) return;
  const common = {
    tx: uuidv7(),
    causeUser: cause?.userId ?? null,
    causeKey: cause?.key ?? null,
    recordedAt: now.toISOString(),
  };
  const rows = planned.map((change) => ({ ...common, ...rowOf(change), nonce: newNonce() }));
  const marker = cause && { ...common, type: 'marker', storeId: cause.markerStore, nonce: newNonce() };
  const all = marker === null ? rows : [...rows, marker];
  await database.lockFeed(tx);
  for (let at = 0; at < all.length; at += ROWS) await tx.change.createMany({ data: all.slice(at, at + ROWS) });
}

function rowOf(change: PlannedChange) {
  const { type, storeId, resource, id, version } = change;
  return {
    type,
    storeId,
    resource,
    docId: id,
    version,
    doc: change.type === 'put' ? JSON.stringify(change.doc) : null,
  };
}

/** Random, so that a database that was restored and went another way is noticed: its positions have other nonces. */
const newNonce = () => randomBytes(9).toString('base64url');
