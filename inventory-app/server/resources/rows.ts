/** Documents in the order of their ids, straight from their tables. */
import type { Doc, Match } from '@larder/sync/profile';
import type { Fact } from '../../prisma/generated/sqlite/client.ts';
import { FACT_KINDS, type FactKind, type ListedResource } from '../../rules/resources.ts';
import type { Database, Transaction } from '../db/open.ts';
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

/** Facts whose lines are asked for together: each is a value of the query, and SQLite takes 999. */
const FACTS = 900;

/** What Prisma is asked for: the subset, and the ids after one, a page of them. */
interface Page {
  where: { AND: object[] };
  orderBy: { id: 'asc' };
  take: number;
}

const READERS: Readonly<Record<ListedResource, (db: Transaction, page: Page) => Promise<Doc[]>>> = {
  ...(Object.fromEntries(FACT_KINDS.map((kind) => [kind, factsOf(kind)])) as Record<
    FactKind,
    ReturnType<typeof factsOf>
  >),
  stores: async (db, page) => (await db.store.findMany(page)).map(storeDocument),
  categories: async (db, page) => (await db.category.findMany(page)).map(categoryDocument),
  products: async (db, page) => (await db.product.findMany(page)).map(productDocument),
  customers: async (db, page) => (await db.customer.findMany(page)).map(customerDocument),
  'stock-levels': async (db, page) => (await db.stockLevel.findMany(page)).map(levelDocument),
  movements: async (db, page) => (await db.movement.findMany(page)).map(movementDocument),
  'till-starts': async (db, page) => (await db.tillStart.findMany(page)).map(tillStartDocument),
  exceptions: async (db, page) => (await db.exceptionRecord.findMany(page)).map(exceptionDocument),
  users: async (db, page) => (await db.user.findMany(page)).map(userDocument),
};

function factsOf(kind: FactKind) {
  return async (db: Transaction, page: Page): Promise<Doc[]> => {
    const where = { AND: [...page.where.AND, { kind }] };
    const rows = await db.fact.findMany({ ...page, where });
    const docs: Doc[] = [];
    for (let at = 0; at < rows.length; at += FACTS)
      docs.push(...(await withLines(db, kind, rows.slice(at, at + FACTS))));
    return docs;
  };
}

async function withLines(db: Transaction, kind: FactKind, rows: readonly Fact[]): Promise<Doc[]> {
  const ids = rows.map(({ id }) => id);
  const lines = await db.factLine.findMany({ where: { factId: { in: ids } }, orderBy: { lineNo: 'asc' } });
  const byFact = Map.groupBy(lines, ({ factId }) => factId);
  return rows.map((row) => factDocument(kind, { ...row, lines: byFact.get(row.id) ?? [] }));
}

/** At most `limit` documents of what `subset` (rules/rights.ts) leaves visible, after an id. */
export function rowsAfter(
  { prisma }: Database,
  resource: ListedResource,
  subset: Record<string, Match>,
  after: string | null,
  limit: number,
): Promise<Doc[]> {
  const where = Object.entries(subset).map(([field, match]) => condition(field, match));
  if (after !== null) where.push({ id: { gt: after } });
  return READERS[resource](prisma, { where: { AND: where }, orderBy: { id: 'asc' }, take: limit });
}

/** A subset is always given as "one of these"; null among them needs a condition of its own. */
function condition(field: string, match: Match): object {
  if (match === null || typeof match !== 'object' || !('in' in match) || !Array.isArray(match.in))
    throw new TypeError(`"${field}" is compared in a way that a subset never is`);
  const known = match.in.filter((value) => value !== null);
  const either = [{ [field]: { in: known } }, ...(known.length === match.in.length ? [] : [{ [field]: null }])];
  return { OR: either };
}
