/** A planned step made into a request: what is offered, and what its author expects of it. */
import { randomUUID } from 'node:crypto';
import type { Book, Row } from './book.ts';
import type { Offer } from './outbox.ts';
import type { FactKind, Line, Op, Ref } from './plan.ts';

export interface OpeningProduct {
  id: string;
  name: string;
  price: number;
  reorderLevel: number;
}

export interface Surroundings {
  book: Book;
  /** The catalogue as every trial finds it. */
  opening: readonly OpeningProduct[];
  user: { id: string; store: string };
  elsewhere: boolean;
  /** The product as its reader sees it now; null where nobody says. */
  see(id: string): Promise<Record<string, unknown> | null>;
}

export interface Request {
  offer: Offer;
  row: Row;
}

type Writing = Exclude<Op, { type: 'repeat' | 'look' }>;

/** Null: there is nothing yet that the step could be about. */
export async function requestOf(op: Writing, around: Surroundings): Promise<Request | null> {
  switch (op.type) {
    case 'fact':
      return factOf(op, around);
    case 'make-product':
      return productOf(around);
    case 'make-customer':
      return customerOf(around);
    case 'edit':
      return editOf(op, around);
    case 'delete':
      return deletionOf(op, around);
  }
}

/** The id that a reference comes to; what nobody has made yet gives way to something of the opening catalogue. */
function idOf(ref: Ref, { book, opening }: Surroundings): string {
  const made = ref.type === 'made' ? book.made('products')[ref.at] : undefined;
  return made?.id ?? opening[ref.at % opening.length]?.id ?? '';
}

function begin(around: Surroundings, row: Pick<Row, 'id' | 'resource' | 'effect'>, offer: Omit<Offer, 'key'>): Request {
  const key = randomUUID();
  const { book, user, elsewhere } = around;
  return { offer: { key, ...offer }, row: book.begin({ key, user: user.id, elsewhere, ...row }) };
}

/** Which way a fact moves the stock. */
const SIGN: Record<FactKind, 1 | -1> = { sales: -1, returns: 1, receipts: 1, adjustments: -1 };

function factOf({ kind, lines, customer, states }: Extract<Op, { type: 'fact' }>, around: Surroundings): Request {
  const number = `C-${randomUUID()}`;
  const now = new Date().toISOString();
  const id = states ? randomUUID() : null;
  const named = customer === null ? undefined : around.book.made('customers')[customer.at]?.id;
  const moves = new Map<string, number>();
  const bodyLines = lines.map((line) => {
    const productId = idOf(line.product, around);
    moves.set(productId, (moves.get(productId) ?? 0) + SIGN[kind] * line.qty);
    return lineOf(kind, line, productId);
  });
  const body = {
    ...(states ? { id, occurredAt: now, businessDate: now.slice(0, 10) } : {}),
    number,
    storeId: around.user.store,
    ...(kind === 'adjustments' ? { reason: 'lost' } : {}),
    ...(kind === 'sales' && typeof named === 'string' ? { customerId: named } : {}),
    lines: bodyLines,
  };
  const effect = { type: 'fact', kind, number, moves } as const;
  return begin(around, { id, resource: kind, effect }, { method: 'POST', path: `/${kind}`, body });
}

function lineOf(kind: FactKind, { qty }: Line, productId: string) {
  if (kind === 'adjustments') return { productId, qty: -qty };
  return kind === 'receipts' ? { productId, qty, unitCost: 50 } : { productId, qty, unitPrice: 100 };
}

function productOf(around: Surroundings): Request {
  const id = randomUUID();
  const body = { id, sku: `SKU-${id}`, name: `Made ${id.slice(0, 8)}`, price: 100 };
  const row = { id, resource: 'products', effect: { type: 'make', resource: 'products' } } as const;
  return begin(around, row, { method: 'POST', path: '/products', body });
}

function customerOf(around: Surroundings): Request {
  const id = randomUUID();
  const body = { id, code: `C-${id}`, name: `Customer ${id.slice(0, 8)}` };
  const row = { id, resource: 'customers', effect: { type: 'make', resource: 'customers' } } as const;
  return begin(around, row, { method: 'POST', path: '/customers', body });
}

async function editOf(op: Extract<Op, { type: 'edit' }>, around: Surroundings): Promise<Request | null> {
  const id = idOf(op.product, around);
  const { field } = op;
  const value = field === 'name' ? `Named ${op.value}` : op.value;
  const seen = op.saw ? await around.see(id) : null;
  if (op.saw && seen === null) return null;
  const body = { [field]: value, ...(seen === null ? {} : { saw: { [field]: seen[field] } }) };
  const row = { id, resource: 'products', effect: { type: 'edit', field, value } } as const;
  return begin(around, row, { method: 'PATCH', path: `/products/${id}`, body });
}

function deletionOf({ product }: Extract<Op, { type: 'delete' }>, around: Surroundings): Request | null {
  const made = around.book.made('products')[product.at];
  if (made?.id === undefined || made.id === null) return null;
  const row = { id: made.id, resource: 'products', effect: { type: 'delete' } } as const;
  return begin(around, row, { method: 'DELETE', path: `/products/${made.id}`, body: undefined });
}
