/** The made-up shop's first fortnight: opening stock, deliveries, sales and a few returns. The same at every run. */
import { type CompleteFact, completeFact, FACT_BODIES, type FactBody } from '../../rules/facts.ts';
import type { FactKind } from '../../rules/resources.ts';
import { FOUNDED, STORES } from './foundation.ts';

export interface SeedProduct {
  id: string;
  price: number;
  cost: number;
  vat: number;
}

interface Made<K extends FactKind> {
  kind: K;
  doc: CompleteFact<K>;
}
export type SeedFact = { [K in FactKind]: Made<K> }[FactKind];
type Store = (typeof STORES)[number];

const CLERKS = { S001: 'user-clerk', S002: 'user-clerk2' } as const;

const DAY = 86_400_000;
const HOUR = 3_600_000;
const DAYS = 12;
const SALES_A_DAY = 4;

/** Facts of all stores in the order they happened, store by store. */
export function tradeOf(products: readonly SeedProduct[], customerIds: readonly string[]): SeedFact[] {
  return STORES.flatMap((store, at) => tradeOfStore(store, products, customerIds, randomNumbers(at + 1)));
}

function tradeOfStore(
  store: Store,
  products: readonly SeedProduct[],
  customerIds: readonly string[],
  random: (below: number) => number,
): SeedFact[] {
  const facts: SeedFact[] = [opening(store, products, random), delivery(store, products, random)];
  for (let day = 1; day <= DAYS; day += 1) {
    for (let n = 1; n <= SALES_A_DAY; n += 1) {
      const at = Date.parse(FOUNDED) + day * DAY + (2 * n + 1) * HOUR + random(60) * 60_000;
      const number = (day - 1) * SALES_A_DAY + n;
      const sold = sale(store, products, customerIds, { number, at }, random);
      facts.push(sold);
      if (number % 16 === 0) facts.push(giveBack(store, sold, at + HOUR));
    }
  }
  return facts;
}

function opening(store: Store, products: readonly SeedProduct[], random: (below: number) => number): SeedFact {
  const lines = products.map(({ id }) => ({ productId: id, qty: 24 + random(120) }));
  return fact('adjustments', store, Date.parse(FOUNDED), { id: `opening-${store.id}`, reason: 'opening', lines });
}

function delivery(store: Store, products: readonly SeedProduct[], random: (below: number) => number): SeedFact {
  const delivered = products.filter((_, at) => at % 6 === 0);
  return fact('receipts', store, Date.parse(FOUNDED) + DAY, {
    id: `receipt-${store.id}-0001`,
    number: `${store.id}-R0001`,
    supplier: 'Ridgeway Wholesale Ltd',
    reference: 'RW-20817',
    lines: delivered.map(({ id, cost }) => ({ productId: id, qty: 12 + random(24), unitCost: cost })),
  });
}

interface Slot {
  /** The sale's number in its store. */
  number: number;
  at: number;
}

function sale(
  store: Store,
  products: readonly SeedProduct[],
  customerIds: readonly string[],
  slot: Slot,
  random: (below: number) => number,
): Made<'sales'> {
  const first = random(products.length);
  const lines = Array.from({ length: 1 + random(5) }, (_, n) => {
    // Steps of a number that shares no factor with 120: no article twice.
    const { id, price, vat } = pick(products, first + 37 * n);
    const qty = 1 + random(3);
    // What the price holds of tax, rounded to the penny.
    return { productId: id, qty, unitPrice: price, tax: Math.round((qty * price * vat) / (100 + vat)) };
  });
  const amount = lines.reduce((sum, { qty, unitPrice }) => sum + qty * unitPrice, 0);
  const number = String(slot.number).padStart(4, '0');
  return fact('sales', store, slot.at, {
    id: `sale-${store.id}-${number}`,
    number: `${store.id}-${number}`,
    till: `T${1 + random(2)}`,
    customerId: random(3) === 0 ? pick(customerIds, random(customerIds.length)) : null,
    tenders: [{ type: random(4) === 0 ? 'cash' : 'card', amount }],
    lines,
  });
}

/** One piece of a sale's first line comes back. */
function giveBack(store: Store, { doc }: Made<'sales'>, at: number): SeedFact {
  const line = pick(doc.lines, 0);
  return fact('returns', store, at, {
    id: doc.id.replace('sale', 'return'),
    number: `${doc.number}-R`,
    till: doc.till,
    customerId: doc.customerId,
    saleId: doc.id,
    saleNumber: doc.number,
    reason: 'Changed their mind',
    tenders: [{ type: doc.tenders[0]?.type ?? 'cash', amount: -line.unitPrice }],
    lines: [{ productId: line.productId, qty: 1, unitPrice: line.unitPrice, tax: Math.round(line.tax / line.qty) }],
  });
}

/** The document as the API would have made it of this body, sent by the store's clerk. */
function fact<K extends FactKind>(kind: K, store: Store, at: number, body: object): Made<K> {
  const now = new Date(at).toISOString();
  const whole = FACT_BODIES[kind].parse({ storeId: store.id, occurredAt: now, ...body }) as FactBody<K>;
  return { kind, doc: completeFact(kind, whole, { id: '', now, userId: CLERKS[store.id], store }) };
}

function pick<T>(list: readonly T[], at: number): T {
  const item = list[at % list.length];
  if (item === undefined) throw new RangeError('an empty list');
  return item;
}

/** Whole numbers from 0 to `below` - 1, always the same for a seed (mulberry32). */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
