/**
 * What a fact comes to: its document, and what it moves. Computed by the same functions in the cloud and, while the
 * cloud is away, at the edge. Which doubts it raises is the cloud's to say: that takes the whole database.
 */
import type * as z from 'zod';
import {
  type Adjustment,
  AdjustmentCreate,
  type Movement,
  type Receipt,
  ReceiptCreate,
  type Return,
  ReturnCreate,
  type Sale,
  SaleCreate,
  type Store,
} from './documents.ts';
import { type FieldError, ProblemError } from './problems.ts';
import type { FactKind } from './resources.ts';

/** The schema of each kind's POST body. */
export const FACT_BODIES = {
  sales: SaleCreate,
  returns: ReturnCreate,
  receipts: ReceiptCreate,
  adjustments: AdjustmentCreate,
} as const satisfies Record<FactKind, z.ZodType>;

/** A POST body after validation. */
export type FactBody<K extends FactKind> = z.output<(typeof FACT_BODIES)[K]>;

interface FactDocuments {
  sales: z.output<typeof Sale>;
  returns: z.output<typeof Return>;
  receipts: z.output<typeof Receipt>;
  adjustments: z.output<typeof Adjustment>;
}
/** The document without what only the cloud can add: when it was recorded. */
export type CompleteFact<K extends FactKind> = Omit<FactDocuments[K], 'recordedAt'>;

export interface Completion {
  /** For a body that brings none. */
  id: string;
  /** ISO 8601 UTC with milliseconds: when it occurred, where the body does not say. */
  now: string;
  userId: string;
  /** The store that the body names; the caller looks it up. */
  store: Pick<z.output<typeof Store>, 'id' | 'timeZone'>;
}

/** The limit of `Money` in documents.ts. */
const MAX_MONEY = 1_000_000_000_000;

/** The whole document of a fact. Throws `invalid-body` where an amount is beyond what money can be. */
export function completeFact<K extends FactKind>(kind: K, body: FactBody<K>, from: Completion): CompleteFact<K> {
  return COMPLETE[kind](body, headOf(body, from));
}

const COMPLETE: { [K in FactKind]: (body: FactBody<K>, head: Head) => CompleteFact<K> } = {
  sales: (body, head) => ({ ...head, customerId: body.customerId, ...soldIn(body) }),
  returns: (body, head) => ({
    ...head,
    customerId: body.customerId,
    saleId: body.saleId,
    saleNumber: body.saleNumber,
    reason: body.reason,
    ...soldIn(body),
  }),
  receipts: (body, head) => {
    const lines = numbered(body.lines, (line) => line.qty * line.unitCost);
    return { ...head, supplier: body.supplier, reference: body.reference, lines, total: sumOf(lines, 'total') };
  },
  adjustments: (body, head) => ({
    ...head,
    reason: body.reason,
    lines: body.lines.map((line, at) => ({ lineNo: at + 1, ...line })),
  }),
};

type Head = ReturnType<typeof headOf>;

function headOf(body: FactBody<FactKind>, from: Completion) {
  const occurredAt = body.occurredAt ?? from.now;
  return {
    id: body.id ?? from.id,
    storeId: body.storeId,
    till: body.till,
    number: body.number,
    businessDate: body.businessDate ?? localDay(occurredAt, from.store.timeZone),
    occurredAt,
    note: body.note,
    userId: from.userId,
    version: 1,
  };
}

/** What sales and returns have in common. */
function soldIn(body: FactBody<'sales' | 'returns'>) {
  const lines = numbered(body.lines, (line) => line.qty * line.unitPrice - line.discount);
  return {
    lines,
    tenders: body.tenders,
    total: sumOf(lines, 'total'),
    tax: sumOf(lines, 'tax'),
    fiscal: body.fiscal,
  };
}

/** Lines are numbered from 1, in the body's order. */
function numbered<L extends object>(lines: readonly L[], totalOf: (line: L) => number) {
  return lines.map((line, at) => {
    const total = totalOf(line);
    if (Math.abs(total) > MAX_MONEY) throw tooMuch(`lines.${at}`);
    return { lineNo: at + 1, ...line, total };
  });
}

/** No sum of 1200 lines, each within `Money`, leaves the safe integers. */
function sumOf<F extends string>(lines: readonly Record<F, number>[], field: F): number {
  const sum = lines.reduce((total, line) => total + line[field], 0);
  if (Math.abs(sum) > MAX_MONEY) throw tooMuch('lines');
  return sum;
}

function tooMuch(path: string): ProblemError {
  const error: FieldError = { path, message: `The amount is beyond ${MAX_MONEY}` };
  return new ProblemError('invalid-body', `${path}: ${error.message}.`, { errors: [error] });
}

/** A line of the stock ledger, without when the cloud recorded it. */
export type PlannedMovement = Omit<z.output<typeof Movement>, 'recordedAt'>;

const SIGN = { sales: -1, returns: 1, receipts: 1, adjustments: 1 } as const satisfies Record<FactKind, number>;
const TYPE = {
  sales: 'sale',
  returns: 'return',
  receipts: 'receipt',
  adjustments: 'adjustment',
} as const satisfies Record<FactKind, PlannedMovement['type']>;

interface MovingFact {
  id: string;
  storeId: string;
  occurredAt: string;
  reason?: string | null;
  lines: readonly { lineNo: number; productId: string; qty: number }[];
}

/** What a fact moves, a movement for each line, into the store positive. An adjustment can open the books. */
export function movementsOf(kind: FactKind, fact: MovingFact): PlannedMovement[] {
  const type = kind === 'adjustments' && fact.reason === 'opening' ? 'opening' : TYPE[kind];
  return fact.lines.map(({ lineNo, productId, qty }) => ({
    id: `${fact.id}:${lineNo}`,
    storeId: fact.storeId,
    productId,
    qty: SIGN[kind] * qty,
    type,
    documentId: fact.id,
    lineNo,
    occurredAt: fact.occurredAt,
  }));
}

const calendars = new Map<string, Intl.DateTimeFormat>();

/** The day, `YYYY-MM-DD`, that a moment (ISO 8601 UTC) belongs to in an IANA time zone; throws for an unknown zone. */
export function localDay(occurredAt: string, timeZone: string): string {
  let calendar = calendars.get(timeZone);
  if (calendar === undefined) {
    calendar = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      calendar: 'iso8601',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    });
    calendars.set(timeZone, calendar);
  }
  const parts = new Map(calendar.formatToParts(new Date(occurredAt)).map(({ type, value }) => [type, value]));
  return `${parts.get('year')?.padStart(4, '0')}-${parts.get('month')}-${parts.get('day')}`;
}
