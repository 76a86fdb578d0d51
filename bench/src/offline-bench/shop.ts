/**
 * A store of any size in a cloud's database, written through the app's own tables and row makers. Made once per size and
 * kept in `.larder/bench`; each run works on a copy.
 */
import { constants, copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Connection,
  inTransaction,
  openConnection,
  type Value,
} from '../../../inventory-app/server/db/connection.ts';
import { migrateDatabase } from '../../../inventory-app/server/db/migrate.ts';
import { openDatabase } from '../../../inventory-app/server/db/open.ts';
import type { ImportedFact } from '../../../inventory-app/server/import/invoices.ts';
import type { ImportedProduct } from '../../../inventory-app/server/import/masters.ts';
import {
  COLUMNS,
  customerRow,
  factRows,
  levelRow,
  openingRow,
  productRow,
  STORE,
  type Table,
} from '../../../inventory-app/server/import/rows.ts';
import { CATALOGUE } from '../../../inventory-app/server/seed/catalogue.ts';
import { layFoundation } from '../../../inventory-app/server/seed/foundation.ts';
import { searchText } from '../../../inventory-app/rules/search.ts';
import { pick, randomOf, whole } from './random.ts';

export interface ShopSize {
  products: number;
  /** Rows of the ledger: one opening balance for each product, the rest lines of documents. */
  movements: number;
}

/** Rises with what is generated, so that no older file is taken for it. */
const EDITION = 1;
const CUSTOMERS = 2000;
/** Lines of a document: about as many as the sales of a wholesaler have. */
const LINES = { least: 4, most: 16 };
const BATCH = 5000;
const OPENED = '2024-12-31T08:00:00.000Z';
/** Documents are spread over the two years after that. */
const SPAN_MS = 2 * 365 * 86_400_000;
const CATEGORIES = CATALOGUE.map(({ id, name }) => ({ id, name, search: searchText('categories', { name }) }));
const SIZES = ['Small', 'Large', 'Family', 'Value', 'Organic', 'Classic', 'Mini', 'Twin', 'Travel', 'Garden'] as const;
const COLOURS = ['Red', 'Green', 'Blue', 'Ivory', 'Black', 'Copper', 'Amber', 'Rose', 'Crème', 'Grey'] as const;

/** Puts a copy of the store's database at `path`; makes the original first where there is none. */
export async function copyShop(size: ShopSize, cache: string, path: string): Promise<void> {
  const original = join(cache, `shop-${EDITION}-${size.products}-${size.movements}.db`);
  if (!existsSync(original)) await make(size, cache, original);
  copyFileSync(original, path, constants.COPYFILE_FICLONE);
}

/** Whole or not at all: it is made beside its place, and then moved there. */
async function make(size: ShopSize, cache: string, original: string): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const making = `${original}.making-${process.pid}`;
  try {
    await fill(size, `file:${making}`);
    renameSync(making, original);
  } finally {
    for (const ending of ['', '-wal', '-shm']) rmSync(making + ending, { force: true });
  }
}

async function fill(size: ShopSize, url: string): Promise<void> {
  await migrateDatabase(url);
  const database = await openDatabase(url);
  await layFoundation(database);
  await database.prisma.category.createMany({ data: CATEGORIES });
  await database.close();
  const connection = await openConnection(url);
  try {
    await inTransaction(connection, () => stock(connection, size));
    await connection.script('ANALYZE; PRAGMA wal_checkpoint(TRUNCATE);');
  } finally {
    await connection.close();
  }
}

async function stock(connection: Connection, { products: count, movements }: ShopSize): Promise<void> {
  const random = randomOf(1);
  const products = Array.from({ length: count }, (_, at) => productOf(at, random));
  await rowsOf(connection, 'Product', products.map(withCategory), { ...COLUMNS.Product, categoryId: 'text' as const });
  await rowsOf(
    connection,
    'Customer',
    Array.from({ length: CUSTOMERS }, (_, at) => customerOf(at)),
  );
  await rowsOf(
    connection,
    'Movement',
    products.map((product) => openingRow(product, OPENED, OPENED)),
  );
  let left = movements - count;
  for (let at = 0; left > 0; at += BATCH) {
    const rows: Record<'Fact' | 'FactLine' | 'Movement', Value[][]> = { Fact: [], FactLine: [], Movement: [] };
    for (let n = at; n < at + BATCH && left > 0; n += 1) {
      const { fact, occurredAt } = factOf(n, products, Math.min(left, whole(random, LINES.least, LINES.most)), random);
      left -= fact.lines.length;
      for (const [table, made] of Object.entries(factRows(fact, occurredAt, occurredAt)))
        rows[table as keyof typeof rows].push(...made);
    }
    for (const table of ['Fact', 'FactLine', 'Movement'] as const) await rowsOf(connection, table, rows[table]);
  }
  // Last, when all that moves them has moved them.
  await rowsOf(
    connection,
    'StockLevel',
    products.map((product) => levelRow(product, OPENED)),
  );
}

async function rowsOf(connection: Connection, table: Table, rows: Value[][], columns: Columns = COLUMNS[table]) {
  for (let at = 0; at < rows.length; at += BATCH) await connection.insert(table, columns, rows.slice(at, at + BATCH));
}
type Columns = Parameters<Connection['insert']>[1];

export const productId = (at: number): string => `A${String(at + 1).padStart(6, '0')}`;

function productOf(at: number, random: () => number): ImportedProduct {
  const category = CATALOGUE[at % CATALOGUE.length];
  const [article = 'Article', price = 100] = category?.articles[Math.floor(at / CATALOGUE.length) % 15] ?? [];
  const name = `${pick(random, SIZES)} ${pick(random, COLOURS)} ${article} ${at + 1}`;
  const opening = whole(random, 500, 2000);
  return { code: productId(at), name, price, reorderLevel: whole(random, 0, 40), opening, level: opening };
}

const withCategory = (product: ImportedProduct, at: number): Value[] => [
  ...productRow(product, OPENED),
  CATALOGUE[at % CATALOGUE.length]?.id ?? null,
];

const customerOf = (at: number): Value[] =>
  customerRow({ code: String(10_000 + at), country: 'United Kingdom' }, OPENED);

/** Mostly sales. What it moves is added to the products' levels. */
function factOf(n: number, products: ImportedProduct[], length: number, random: () => number) {
  const kind = pick(random, KINDS);
  const occurredAt = new Date(Date.parse(OPENED) + Math.floor(random() * SPAN_MS)).toISOString();
  const lines = Array.from({ length }, () => {
    const product = products[Math.floor(random() * products.length)];
    const qty = whole(random, 1, 3) * (kind === 'adjustments' ? -1 : 1);
    if (product !== undefined) product.level += kind === 'sales' ? -qty : qty;
    return { code: product?.code ?? '', qty, price: product?.price ?? 0, description: null };
  });
  const customer = random() < 0.3 ? String(10_000 + whole(random, 0, CUSTOMERS - 1)) : null;
  const number = `N${n + 1}`;
  const reason = kind === 'adjustments' ? 'damaged' : null;
  const fact: ImportedFact = { id: `${kind}-${n + 1}`, kind, number, date: occurredAt, customer, reason, lines };
  return { fact, occurredAt };
}

const KINDS = [
  ...Array.from({ length: 17 }, () => 'sales' as const),
  'returns',
  'receipts',
  'adjustments',
] as unknown as readonly ['sales', ...('sales' | 'returns' | 'receipts' | 'adjustments')[]];

/** Of whom all of it is. */
export const SHOP_STORE = STORE.id;
