/** Rows as the documents that the API shows (rules/documents.ts). */
import type { Doc, Json } from '@larder/sync/profile';
import type {
  Category,
  Customer,
  ExceptionRecord,
  Fact,
  FactLine,
  Movement,
  Product,
  StockLevel,
  Store,
  TillStart,
  User,
} from '../../prisma/generated/sqlite/client.ts';
import type { FactKind } from '../../rules/resources.ts';

export function storeDocument({ id, name, currency, timeZone, version }: Store): Doc {
  return { id, name, currency, timeZone, version };
}

export function categoryDocument({ id, name, parentId, version }: Category): Doc {
  return { id, name, parentId, version };
}

export function productDocument({ search: _search, price, cost, ...row }: Product): Doc {
  return { ...row, price: Number(price), cost: Number(cost) };
}

export function customerDocument({ search: _search, ...row }: Customer): Doc {
  return row;
}

export function levelDocument({ id, storeId, productId, qty, updatedAt, version }: StockLevel): Doc {
  return { id, storeId, productId, qty: Number(qty), updatedAt, version };
}

export function movementDocument(row: Movement): Doc {
  return { ...row };
}

export function tillStartDocument(row: TillStart): Doc {
  return { ...row };
}

export function exceptionDocument(row: ExceptionRecord): Doc {
  return { ...row };
}

export function userDocument(row: Omit<User, 'passwordHash'>): Doc {
  const { id, username, name, role, storeId, active, version } = row;
  return { id, username, name, role, storeId, active, version };
}

export type FactRow = Fact & { lines: FactLine[] };

/** `lines` must be in the order of their numbers. */
export function factDocument(kind: FactKind, row: FactRow): Doc {
  const { id, storeId, till, number, businessDate, occurredAt, recordedAt, note, userId, version } = row;
  const head = { id, storeId, till, number, businessDate, occurredAt, recordedAt, note, userId, version };
  return { ...head, ...REST[kind](row) };
}

const REST: Record<FactKind, (row: FactRow) => Doc> = {
  sales: (row) => ({ customerId: row.customerId, ...soldDocument(row) }),
  returns: (row) => ({
    customerId: row.customerId,
    saleId: row.saleId,
    saleNumber: row.saleNumber,
    reason: row.reason,
    ...soldDocument(row),
  }),
  receipts: (row) => ({
    supplier: row.supplier,
    reference: row.reference,
    lines: row.lines.map((line) => ({
      ...lineHead(line),
      unitCost: Number(line.unitPrice),
      total: Number(line.total),
    })),
    total: Number(row.total),
  }),
  adjustments: (row) => ({ reason: row.reason, lines: row.lines.map(lineHead) }),
};

const lineHead = ({ lineNo, productId, qty, description }: FactLine) => ({ lineNo, productId, qty, description });

function soldDocument(row: FactRow): Doc {
  const lines = row.lines.map((line) => ({
    ...lineHead(line),
    unitPrice: Number(line.unitPrice),
    discount: Number(line.discount),
    tax: Number(line.tax),
    total: Number(line.total),
  }));
  return {
    lines,
    tenders: JSON.parse(row.tenders) as Json,
    total: Number(row.total),
    tax: Number(row.tax),
    fiscal: JSON.parse(row.fiscal) as Json,
  };
}
