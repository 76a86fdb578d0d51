/**
 * The documents of the inventory app as its API shows them, and the bodies that writes carry. The server validates and
 * publishes with these schemas, and the edge's profile checks with them, so both refuse the same things.
 *
 * Money is in minor units of the store's currency (pence); quantities are whole numbers of the product's unit.
 * Times are ISO 8601 UTC with milliseconds, business dates are `YYYY-MM-DD` in the store's own day.
 */
import * as z from 'zod';
import { LARGEST, TILL } from './receipt-numbers.ts';

/** Ids that a caller may choose: UUIDs, or the short codes of an import (letters, digits, dot, dash, underscore). */
export const Id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
export const StoreId = z.string().regex(/^S[0-9]{3,6}$/);
const Name = z.string().trim().min(1).max(200);
const Code = z.string().trim().min(1).max(64);
const Note = z.string().max(2000);
const Money = z.int().min(-1_000_000_000_000).max(1_000_000_000_000);
const Price = z.int().min(0).max(100_000_000_000);
const Quantity = z.int().min(1).max(1_000_000_000);
const SignedQuantity = z
  .int()
  .min(-1_000_000_000)
  .max(1_000_000_000)
  .refine((qty) => qty !== 0, 'must not be 0');
export const Time = z.iso.datetime({ precision: 3 });
export const BusinessDate = z.iso.date();
const Version = z.int().min(1);
/** Any JSON: kept and given back as it came. */
export const Opaque = z.json();

export const Role = z.enum(['clerk', 'manager', 'admin']);

export const Store = z.object({
  id: StoreId,
  name: Name,
  currency: z.string().regex(/^[A-Z]{3}$/),
  timeZone: z.string(),
  version: Version,
});

export const Category = z.object({ id: Id, name: Name, parentId: Id.nullable(), version: Version });
export const CategoryCreate = z.strictObject({ id: Id.optional(), name: Name, parentId: Id.nullable().default(null) });

export const Product = z.object({
  id: Id,
  sku: Code,
  barcode: Code.nullable(),
  name: Name,
  unit: z.string().trim().min(1).max(16),
  price: Price,
  cost: Price,
  reorderLevel: z.int().min(0).max(1_000_000_000),
  categoryId: Id.nullable(),
  active: z.boolean(),
  createdAt: Time,
  updatedAt: Time,
  version: Version,
});
export const ProductCreate = z.strictObject({
  id: Id.optional(),
  sku: Product.shape.sku,
  barcode: Product.shape.barcode.default(null),
  name: Product.shape.name,
  unit: Product.shape.unit.default('pcs'),
  price: Product.shape.price,
  cost: Product.shape.cost.default(0),
  reorderLevel: Product.shape.reorderLevel.default(0),
  categoryId: Product.shape.categoryId.default(null),
  active: z.boolean().default(true),
});

/** An edit names the fields to set and, in `saw`, the values the editor saw there; the server merges field by field. */
const edit = <S extends z.ZodRawShape>(fields: S) => {
  const some = z.strictObject(fields).partial();
  return some.extend({ saw: some.optional() });
};
export const ProductEdit = edit({
  sku: Product.shape.sku,
  barcode: Product.shape.barcode,
  name: Product.shape.name,
  unit: Product.shape.unit,
  price: Product.shape.price,
  cost: Product.shape.cost,
  reorderLevel: Product.shape.reorderLevel,
  categoryId: Product.shape.categoryId,
  active: Product.shape.active,
});

/** What a deletion may carry: the values that its author saw. */
export const ProductDelete = z.strictObject({ saw: ProductEdit.shape.saw });

/** `storeId` null: a customer of all stores; else only that store's subset holds it. */
export const Customer = z.object({
  id: Id,
  code: Code,
  name: Name,
  country: Name.nullable(),
  phone: Name.nullable(),
  email: z.email().max(200).nullable(),
  storeId: StoreId.nullable(),
  createdAt: Time,
  updatedAt: Time,
  version: Version,
});
const CustomerFields = {
  code: Customer.shape.code,
  name: Customer.shape.name,
  country: Customer.shape.country,
  phone: Customer.shape.phone,
  email: Customer.shape.email,
  storeId: Customer.shape.storeId,
};
export const CustomerCreate = z.strictObject({
  id: Id.optional(),
  code: CustomerFields.code,
  name: CustomerFields.name,
  country: CustomerFields.country.default(null),
  phone: CustomerFields.phone.default(null),
  email: CustomerFields.email.default(null),
  storeId: CustomerFields.storeId.default(null),
});
export const CustomerEdit = edit(CustomerFields);

/** How much of a product a store has. Id: `<storeId>:<productId>`. Moved by documents, never written. */
export const StockLevel = z.object({
  id: z.string(),
  storeId: StoreId,
  productId: Id,
  qty: z.int(),
  updatedAt: Time,
  version: Version,
});

export const MovementType = z.enum(['opening', 'sale', 'return', 'receipt', 'adjustment']);
/** A line of the stock ledger; never changed once written. */
export const Movement = z.object({
  id: z.string(),
  storeId: StoreId,
  productId: Id,
  /** Into the store is positive. */
  qty: z.int(),
  type: MovementType,
  documentId: z.string(),
  lineNo: z.int(),
  occurredAt: Time,
  recordedAt: Time,
});

const SaleLineInput = z.strictObject({
  productId: Id,
  qty: Quantity,
  /** As charged, whatever the price list says. */
  unitPrice: Price,
  discount: Price.default(0),
  /** The part of the line's total that is tax. */
  tax: Price.default(0),
  /** For an article the catalogue does not know. */
  description: Note.nullable().default(null),
});
const SaleLine = z.object({ lineNo: z.int(), ...SaleLineInput.shape, total: Money });
const Tender = z.strictObject({ type: z.enum(['cash', 'card', 'voucher', 'other']), amount: Money });

/** What every fact carries: where and when it happened, as opposed to when the server wrote it down. */
const FactInput = {
  id: Id.optional(),
  storeId: StoreId,
  till: Code.nullable().default(null),
  number: Code.nullable().default(null),
  businessDate: BusinessDate.optional(),
  occurredAt: Time.optional(),
  note: Note.nullable().default(null),
};
const Fact = {
  id: Id,
  storeId: StoreId,
  till: Code.nullable(),
  number: Code.nullable(),
  businessDate: BusinessDate,
  occurredAt: Time,
  note: Note.nullable(),
  /** Who did it. */
  userId: Id,
  /** When the server wrote it down; absent while it waits. */
  recordedAt: Time.optional(),
  version: Version,
};
const lines = <T extends z.ZodType>(line: T) => z.array(line).min(1).max(1200);

export const Sale = z.object({
  ...Fact,
  customerId: Id.nullable(),
  lines: z.array(SaleLine),
  tenders: z.array(Tender),
  total: Money,
  tax: Money,
  fiscal: Opaque,
});
export const SaleCreate = z.strictObject({
  ...FactInput,
  customerId: Id.nullable().default(null),
  lines: lines(SaleLineInput),
  tenders: z.array(Tender).max(20).default([]),
  fiscal: Opaque.default(null),
});

/** Goods back from a customer. `saleId` or `saleNumber` where the sale is known. */
export const Return = z.object({
  ...Fact,
  customerId: Id.nullable(),
  saleId: Id.nullable(),
  saleNumber: Code.nullable(),
  reason: Note.nullable(),
  lines: z.array(SaleLine),
  tenders: z.array(Tender),
  total: Money,
  tax: Money,
  fiscal: Opaque,
});
export const ReturnCreate = z.strictObject({
  ...FactInput,
  customerId: Id.nullable().default(null),
  saleId: Id.nullable().default(null),
  saleNumber: Code.nullable().default(null),
  reason: Note.nullable().default(null),
  lines: lines(SaleLineInput),
  tenders: z.array(Tender).max(20).default([]),
  fiscal: Opaque.default(null),
});

const ReceiptLineInput = z.strictObject({
  productId: Id,
  qty: Quantity,
  unitCost: Price,
  description: Note.nullable().default(null),
});
const ReceiptLine = z.object({ lineNo: z.int(), ...ReceiptLineInput.shape, total: Money });
/** Goods in from a supplier. */
export const Receipt = z.object({
  ...Fact,
  supplier: Name.nullable(),
  reference: Code.nullable(),
  lines: z.array(ReceiptLine),
  total: Money,
});
export const ReceiptCreate = z.strictObject({
  ...FactInput,
  supplier: Name.nullable().default(null),
  reference: Code.nullable().default(null),
  lines: lines(ReceiptLineInput),
});

export const AdjustmentReason = z.enum(['damaged', 'lost', 'found', 'expired', 'own-use', 'correction', 'opening']);
const AdjustmentLineInput = z.strictObject({
  productId: Id,
  qty: SignedQuantity,
  description: Note.nullable().default(null),
});
const AdjustmentLine = z.object({ lineNo: z.int(), ...AdjustmentLineInput.shape });
export const Adjustment = z.object({ ...Fact, reason: AdjustmentReason, lines: z.array(AdjustmentLine) });
export const AdjustmentCreate = z.strictObject({
  ...FactInput,
  reason: AdjustmentReason,
  lines: lines(AdjustmentLineInput),
});

/**
 * A device has begun to number its receipts at a till, because it is new, was wiped or was restored. Whoever takes it
 * gives the generation (rules/receipt-numbers.ts); it is never changed once written.
 */
export const TillStart = z.object({
  id: Id,
  storeId: StoreId,
  till: z.string().regex(TILL, 'must be T1 to T99'),
  generation: z.int().min(1).max(LARGEST),
  /** What people call the device. */
  device: Name,
  startedAt: Time,
  /** Who started it. */
  userId: Id,
  version: Version,
});
/** `generation`: only where one was given already, and what gave it may have been lost before it told the cloud. */
export const TillStartCreate = z.strictObject({
  id: Id.optional(),
  storeId: StoreId,
  till: TillStart.shape.till,
  generation: TillStart.shape.generation.optional(),
  device: TillStart.shape.device,
  startedAt: Time.optional(),
});

/** A till's numbers of one generation, as far as they have arrived. */
const NumberSeries = z.object({
  till: TillStart.shape.till,
  generation: TillStart.shape.generation,
  /** The lowest and the highest number that has arrived, and how many in all. */
  first: z.int(),
  last: z.int(),
  count: z.int(),
  /** How many between 1 and `last` have not. */
  missing: z.int(),
  /** Which, ascending: the latest hundred runs of them. */
  gaps: z.array(z.object({ from: z.int(), to: z.int() })),
});
/** By till, the latest generation first. `more`: there are others, which have to be asked for by their till. */
export const NumberGaps = z.object({ storeId: StoreId, data: z.array(NumberSeries), more: z.boolean() });

export const ExceptionType = z.enum([
  'negative-stock',
  'unknown-product',
  'unknown-customer',
  'unknown-sale',
  'revoked-user',
  'rights-at-replay',
  'duplicate-number',
]);
/** A fact that was accepted although something about it is doubtful; a manager works it off. */
export const Exception = z.object({
  id: z.string(),
  storeId: StoreId,
  type: ExceptionType,
  document: z.enum(['sales', 'returns', 'receipts', 'adjustments', 'till-starts']),
  documentId: Id,
  productId: Id.nullable(),
  detail: z.string(),
  createdAt: Time,
  version: Version,
});

export const User = z.object({
  id: Id,
  username: Code,
  name: Name,
  role: Role,
  storeId: StoreId.nullable(),
  active: z.boolean(),
  version: Version,
});

export const SessionCreate = z.strictObject({ username: Code, password: z.string().min(1).max(200) });
export const Session = z.object({ token: z.string(), expiresAt: Time, user: User });

/** What an edge learns of people, by the claims that their tokens would carry. `at`: when that was so. */
export const Standings = z.object({
  at: Time,
  data: z.array(z.object({ sub: Id, username: Code, name: z.string(), role: Role, storeId: StoreId.nullable() })),
});

const StartId = z.uuid();

/**
 * One start of an edge's process. `previous`: the starts of the same data directory before it, the newest first.
 * `takeOver`: an authorised person makes it the edge's current one, whatever was before.
 */
export const EdgeStart = z.strictObject({
  id: StartId,
  box: Name,
  previous: z.array(StartId).max(100),
  takeOver: z.boolean().default(false),
});

/**
 * How that start stands: `current`, the one that may take writes; `superseded`, it was and another has followed; `fork`,
 * it does not follow the current one. `current`: which box that is.
 */
export const EdgeStanding = z.object({
  standing: z.enum(['current', 'superseded', 'fork']),
  current: z.object({ id: StartId, box: z.string(), at: Time }),
});

/** RFC 9457. `code` is stable; `errors` says which field, by its path. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  /** On a conflict: the fields that someone else changed too. */
  conflicts: z
    .array(
      z.object({
        field: z.string(),
        saw: Opaque,
        current: Opaque,
        wanted: Opaque,
        /** Who made it what it is now, and when. */
        by: z.string().nullable().optional(),
        at: Time.nullable().optional(),
      }),
    )
    .optional(),
});
