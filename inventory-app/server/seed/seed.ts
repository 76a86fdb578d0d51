/** `seed`: a small made-up UK shop with two stores, for the demonstration and for tests. */
import { movementsOf } from '../../rules/facts.ts';
import { levelId } from '../../rules/resources.ts';
import { searchText } from '../../rules/search.ts';
import type { Database, Transaction } from '../db/open.ts';
import { insertFact } from '../resources/fact-rows.ts';
import { newEpoch } from '../settings.ts';
import { CATALOGUE, CUSTOMERS } from './catalogue.ts';
import { ean13 } from './ean13.ts';
import { FOUNDED, layFoundation, STORES } from './foundation.ts';
import { type SeedFact, tradeOf } from './trade.ts';

/**
 * Puts the made-up shop into a migrated database: always the same ids, times, prices and stock. Does nothing on one
 * that has it already. Returns a sentence that says what it did.
 */
export async function seed(database: Database): Promise<string> {
  await layFoundation(database);
  const facts = tradeOf(
    PRODUCTS,
    CUSTOMER_ROWS.map(({ id }) => id),
  );
  const fresh = await database.transaction(async (tx) => {
    if ((await tx.category.count({ where: { id: { in: CATEGORY_ROWS.map(({ id }) => id) } } })) > 0) return false;
    await tx.category.createMany({ data: CATEGORY_ROWS });
    await tx.product.createMany({ data: PRODUCT_ROWS });
    await tx.customer.createMany({ data: CUSTOMER_ROWS });
    for (const { kind, doc } of facts) await insertFact(tx, kind, doc, doc.occurredAt);
    await openBooks(tx, facts);
    return true;
  });
  if (!fresh) return 'The database is seeded already; nothing was changed.';
  // An edge that knew the database before knows nothing of this: no change was recorded.
  await newEpoch(database);
  const counts = `${PRODUCTS.length} products, ${CUSTOMER_ROWS.length} customers, ${facts.length} documents`;
  return `Seeded ${STORES.length} stores: ${counts}.`;
}

/** The ledger of what the facts moved, and the levels it adds up to. */
async function openBooks(tx: Transaction, facts: readonly SeedFact[]): Promise<void> {
  const movements = facts.flatMap(({ kind, doc }) => movementsOf(kind, doc));
  await tx.movement.createMany({ data: movements.map((row) => ({ ...row, recordedAt: row.occurredAt })) });
  const levels = new Map<
    string,
    { id: string; storeId: string; productId: string; qty: number; version: number; updatedAt: string }
  >();
  for (const { storeId, productId, qty, occurredAt } of movements) {
    const id = levelId(storeId, productId);
    const before = levels.get(id) ?? { qty: 0, version: 0 };
    levels.set(id, {
      id,
      storeId,
      productId,
      qty: before.qty + qty,
      version: before.version + 1,
      updatedAt: occurredAt,
    });
  }
  await tx.stockLevel.createMany({ data: [...levels.values()] });
}

const CATEGORY_ROWS = CATALOGUE.map(({ id, name }) => ({ id, name, search: searchText('categories', { name }) }));

const PRODUCTS = CATALOGUE.flatMap(({ id: categoryId, prefix, vat, articles }, shelf) =>
  articles.map(([name, price], at) => {
    const number = shelf * 100 + at + 1;
    const sku = `${prefix}-${String(at + 1).padStart(3, '0')}`;
    const barcode = ean13(`2000000${String(number).padStart(5, '0')}`);
    // A grocer's margin, a little different from article to article.
    const cost = Math.round(price * (0.58 + (at % 5) * 0.03));
    return { id: sku.toLowerCase(), sku, barcode, name, price, cost, vat, categoryId, reorderLevel: 6 + 6 * (at % 4) };
  }),
);

const PRODUCT_ROWS = PRODUCTS.map(({ vat: _vat, price, cost, ...product }) => ({
  ...product,
  unit: 'pcs',
  price: BigInt(price),
  cost: BigInt(cost),
  active: true,
  search: searchText('products', product),
  createdAt: FOUNDED,
  updatedAt: FOUNDED,
}));

const CUSTOMER_ROWS = CUSTOMERS.map(([name, storeId], at) => {
  const number = String(at + 1).padStart(3, '0');
  const customer = {
    id: `customer-${number}`,
    code: `C${number}`,
    name,
    country: 'United Kingdom',
    // Numbers and addresses that belong to nobody: Ofcom's for drama, RFC 2606's domain.
    phone: `01632 960${number}`,
    email: `customer${number}@example.com`,
    storeId,
  };
  return { ...customer, search: searchText('customers', customer), createdAt: FOUNDED, updatedAt: FOUNDED };
});
