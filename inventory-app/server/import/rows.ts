/** The imported facts and masters as rows, in the order of the columns named here. */
import { levelId } from '../../rules/resources.ts';
import { searchText } from '../../rules/search.ts';
import type { ColumnType, Value } from '../db/connection.ts';
import { barcodeOf } from '../seed/ean13.ts';
import { ADMIN_ID, STORES } from '../seed/foundation.ts';
import { type ImportedFact, movedBy } from './invoices.ts';
import type { ImportedCustomer, ImportedProduct } from './masters.ts';

/** The store that all of it belongs to. */
export const STORE = STORES[0];

export const COLUMNS = {
  Product: {
    id: 'text',
    sku: 'text',
    barcode: 'text',
    name: 'text',
    unit: 'text',
    price: 'int8',
    cost: 'int8',
    reorderLevel: 'int4',
    active: 'bool',
    search: 'text',
    createdAt: 'text',
    updatedAt: 'text',
  },
  Customer: {
    id: 'text',
    code: 'text',
    name: 'text',
    country: 'text',
    search: 'text',
    createdAt: 'text',
    updatedAt: 'text',
  },
  StockLevel: { id: 'text', storeId: 'text', productId: 'text', qty: 'int8', updatedAt: 'text' },
  Movement: {
    id: 'text',
    storeId: 'text',
    productId: 'text',
    qty: 'int4',
    type: 'text',
    documentId: 'text',
    lineNo: 'int4',
    occurredAt: 'text',
    recordedAt: 'text',
  },
  Fact: {
    id: 'text',
    kind: 'text',
    storeId: 'text',
    number: 'text',
    businessDate: 'text',
    occurredAt: 'text',
    recordedAt: 'text',
    userId: 'text',
    customerId: 'text',
    reason: 'text',
    total: 'int8',
  },
  FactLine: {
    factId: 'text',
    lineNo: 'int4',
    productId: 'text',
    qty: 'int4',
    unitPrice: 'int8',
    total: 'int8',
    description: 'text',
  },
} as const satisfies Record<string, Record<string, ColumnType>>;
export type Table = keyof typeof COLUMNS;

export function productRow({ code, name, price, reorderLevel }: ImportedProduct, now: string): Value[] {
  const barcode = barcodeOf(code);
  const search = searchText('products', { name, sku: code, barcode });
  // The file says nothing of what the goods cost the shop. What never had a price is not for sale.
  return [code, code, barcode, name, 'pcs', price, 0, reorderLevel, price > 0 ? 1 : 0, search, now, now];
}

export function customerRow({ code, country }: ImportedCustomer, now: string): Value[] {
  const name = `Customer ${code}`;
  return [code, code, name, country, searchText('customers', { name, code, phone: null, email: null }), now, now];
}

export function levelRow({ code, level }: ImportedProduct, now: string): Value[] {
  return [levelId(STORE.id, code), STORE.id, code, level, now];
}

/** `occurredAt`: before anything else in the ledger. */
export function openingRow({ code, opening }: ImportedProduct, occurredAt: string, now: string): Value[] {
  const documentId = `opening:${STORE.id}`;
  return [`${documentId}:${code}`, STORE.id, code, opening, 'opening', documentId, 1, occurredAt, now];
}

const MOVEMENT_TYPE = { sales: 'sale', returns: 'return', receipts: 'receipt', adjustments: 'adjustment' } as const;

/** A fact's own row, its lines' and its movements'. */
export function factRows(
  fact: ImportedFact,
  occurredAt: string,
  now: string,
): Record<'Fact' | 'FactLine' | 'Movement', Value[][]> {
  const { id, kind, number, date, customer, reason, lines } = fact;
  const day = date.slice(0, 10);
  const total = lines.reduce((sum, { qty, price }) => sum + qty * price, 0);
  const type = MOVEMENT_TYPE[kind];
  return {
    Fact: [[id, kind, STORE.id, number, day, occurredAt, now, ADMIN_ID, customer, reason, total]],
    FactLine: lines.map(({ code, qty, price, description }, at) => [
      id,
      at + 1,
      code,
      qty,
      price,
      qty * price,
      description,
    ]),
    Movement: lines.map(({ code, qty }, at) => [
      `${id}:${at + 1}`,
      STORE.id,
      code,
      movedBy(kind, qty),
      type,
      id,
      at + 1,
      occurredAt,
      now,
    ]),
  };
}
