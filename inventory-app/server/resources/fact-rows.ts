/** Facts as rows: one header table and one line table for all kinds. */
import type { Json } from '@larder/sync/profile';
import type { FactKind } from '../../rules/resources.ts';
import type { Transaction } from '../db/open.ts';

interface AnyLine {
  lineNo: number;
  productId: string;
  qty: number;
  description: string | null;
  unitPrice?: number;
  unitCost?: number;
  discount?: number;
  tax?: number;
  total?: number;
}

/** A fact of any kind: what all have, and what some have. */
export interface AnyFact {
  id: string;
  storeId: string;
  till: string | null;
  number: string | null;
  businessDate: string;
  occurredAt: string;
  note: string | null;
  userId: string;
  version: number;
  lines: AnyLine[];
  customerId?: string | null;
  saleId?: string | null;
  saleNumber?: string | null;
  supplier?: string | null;
  reference?: string | null;
  reason?: string | null;
  tenders?: { type: string; amount: number }[];
  total?: number;
  tax?: number;
  fiscal?: Json;
}

export async function insertFact(tx: Transaction, kind: FactKind, fact: AnyFact, recordedAt: string): Promise<void> {
  const { lines, tenders = [], fiscal = null, ...columns } = fact;
  const data = { ...columns, kind, recordedAt, tenders: JSON.stringify(tenders), fiscal: JSON.stringify(fiscal) };
  await tx.fact.create({ data });
  await tx.factLine.createMany({
    data: lines.map(({ unitCost, unitPrice = unitCost ?? 0, ...line }) => ({ ...line, unitPrice, factId: fact.id })),
  });
}
