/** Where each resource is kept, and how its documents are loaded. */
import type { Doc } from '@larder/sync/profile';
import { FACT_KINDS, type FactKind, type ListedResource } from '../../rules/resources.ts';
import type { Transaction } from '../db/open.ts';
import {
  categoryDocument,
  customerDocument,
  exceptionDocument,
  factDocument,
  levelDocument,
  movementDocument,
  productDocument,
  storeDocument,
  tillStartDocument,
  userDocument,
} from './documents.ts';

export interface Table {
  /** The table's name in the database; its columns are named as the documents' fields. */
  name: string;
  /** The value of `kind`, where a table holds more than one resource. */
  kind?: FactKind;
  /** The documents with these ids, in any order; unknown ids are left out. */
  load(db: Transaction, ids: string[]): Promise<Doc[]>;
}

const among = (ids: string[]) => ({ where: { id: { in: ids } } });

const factTables = Object.fromEntries(FACT_KINDS.map((kind) => [kind, factTable(kind)])) as Record<FactKind, Table>;

export const TABLES: Readonly<Record<ListedResource, Table>> = {
  ...factTables,
  stores: { name: 'Store', load: async (db, ids) => (await db.store.findMany(among(ids))).map(storeDocument) },
  categories: {
    name: 'Category',
    load: async (db, ids) => (await db.category.findMany(among(ids))).map(categoryDocument),
  },
  products: {
    name: 'Product',
    load: async (db, ids) => (await db.product.findMany(among(ids))).map(productDocument),
  },
  customers: {
    name: 'Customer',
    load: async (db, ids) => (await db.customer.findMany(among(ids))).map(customerDocument),
  },
  'stock-levels': {
    name: 'StockLevel',
    load: async (db, ids) => (await db.stockLevel.findMany(among(ids))).map(levelDocument),
  },
  movements: {
    name: 'Movement',
    load: async (db, ids) => (await db.movement.findMany(among(ids))).map(movementDocument),
  },
  'till-starts': {
    name: 'TillStart',
    load: async (db, ids) => (await db.tillStart.findMany(among(ids))).map(tillStartDocument),
  },
  exceptions: {
    name: 'ExceptionRecord',
    load: async (db, ids) => (await db.exceptionRecord.findMany(among(ids))).map(exceptionDocument),
  },
  users: { name: 'User', load: async (db, ids) => (await db.user.findMany(among(ids))).map(userDocument) },
};

function factTable(kind: FactKind): Table {
  return {
    name: 'Fact',
    kind,
    async load(db, ids) {
      const lines = { orderBy: { lineNo: 'asc' } } as const;
      const rows = await db.fact.findMany({ where: { id: { in: ids }, kind }, include: { lines } });
      return rows.map((row) => factDocument(kind, row));
    },
  };
}

/** One document as the item endpoint shows it, whoever asks; null where there is none. */
export async function loadOne(db: Transaction, resource: ListedResource, id: string): Promise<Doc | null> {
  const [doc] = await TABLES[resource].load(db, [id]);
  return doc ?? null;
}
