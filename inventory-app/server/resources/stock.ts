/** Stock: a ledger of movements, and the levels they add up to. */
import type { Movement, StockLevel } from '../../prisma/generated/sqlite/client.ts';
import { levelId } from '../../rules/resources.ts';
import type { Transaction } from '../db/open.ts';
import type { ChangeList } from '../feed/change-list.ts';
import { levelDocument, movementDocument } from './documents.ts';

export interface MovedLevel {
  level: StockLevel;
  /** By how much, all of the document's lines together. */
  by: number;
}

/** Writes movements of one store into the ledger and moves the levels: the levels as they are after it. */
export async function moveStock(
  tx: Transaction,
  changes: ChangeList,
  storeId: string,
  movements: Movement[],
): Promise<MovedLevel[]> {
  await tx.movement.createMany({ data: movements });
  for (const movement of movements) changes.put('movements', storeId, movementDocument(movement));

  const sums = new Map<string, number>();
  for (const { productId, qty } of movements) sums.set(productId, (sums.get(productId) ?? 0) + qty);
  const moved: MovedLevel[] = [];
  // Always in one order, so that two documents with the same products wait for each other and never deadlock.
  for (const [productId, by] of [...sums].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const level = await moveLevel(tx, storeId, productId, by, movements[0]?.recordedAt ?? '');
    changes.put('stock-levels', storeId, levelDocument(level));
    moved.push({ level, by });
  }
  return moved;
}

/** One statement, `SET qty = qty + ?`: a level is moved and never overwritten, whoever else moves it. */
function moveLevel(tx: Transaction, storeId: string, productId: string, by: number, now: string): Promise<StockLevel> {
  const id = levelId(storeId, productId);
  return tx.stockLevel.upsert({
    where: { id },
    create: { id, storeId, productId, qty: by, updatedAt: now },
    update: { qty: { increment: by }, version: { increment: 1 }, updatedAt: now },
  });
}
