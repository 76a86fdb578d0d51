/** What a line of the file says: goods that moved, or a reason to leave it out. */
import type * as z from 'zod';
import { type AdjustmentReason, Id } from '../../rules/documents.ts';
import type { SourceLine } from './source.ts';

export interface GoodsLine {
  invoice: string;
  /** Upper case: the file has `85123a` for `85123A`. */
  code: string;
  description: string;
  /** Never 0. */
  qty: number;
  /** Pence. */
  price: number;
  /** The file's price had a part of a penny. */
  rounded: boolean;
  date: string;
  customer: string | null;
  country: string;
}

/** Charges, fees and notes in the place of a stock code. */
const SERVICES: ReadonlyMap<string, string> = new Map([
  ['POST', 'postage'],
  ['DOT', 'postage of the online shop'],
  ['C2', 'carriage'],
  ['M', 'manual entry'],
  ['D', 'discount'],
  ['S', 'samples'],
  ['B', 'bad debt'],
  ['BANK CHARGES', 'bank charges'],
  ['AMAZONFEE', 'a marketplace’s fee'],
  ['CRUK', 'a charity’s commission'],
]);

/** The line as goods, or why it is left out. */
export function goodsOf(line: SourceLine): GoodsLine | string {
  const code = line.code.toUpperCase();
  const service = SERVICES.get(code);
  if (service !== undefined) return `not goods: ${code} (${service})`;
  if (code.startsWith('GIFT_')) return 'not goods: gift vouchers';
  if (!Id.safeParse(code).success) return 'unusable stock code';
  if (!/^[A-Z]?\d{1,18}$/.test(line.invoice)) return 'unusable invoice number';
  const qty = Number(line.quantity);
  if (!/^-?\d{1,9}$/.test(line.quantity) || qty === 0) return 'unusable quantity';
  if (!/^-?\d{1,9}(\.\d+)?$/.test(line.price)) return 'unusable price';
  const pence = Number(line.price) * 100;
  if (pence < 0) return 'negative price';
  if (line.invoice.startsWith('C') && qty > 0) return 'cancellation with a positive quantity';
  const price = Math.round(pence);
  const { invoice, description, date, country } = line;
  // Products of decimals are off by less than this; parts of a penny by more.
  const rounded = Math.abs(pence - price) > 1e-6;
  return { invoice, code, description, qty, price, rounded, date, country, customer: line.customer || null };
}

type Reason = z.output<typeof AdjustmentReason>;

/** The stock room's notes ("wet/rusty", "?missing", "dotcom sold in 6's"), in the words of our adjustments. */
const NOTES: readonly (readonly [RegExp, Reason])[] = [
  [/damag|smash|broke|crush|crack|wet|rust|mould|throw|destroy|unsale|fault|smudge/i, 'damaged'],
  [/lost|missing|\bmia\b|mystery/i, 'lost'],
  [/found/i, 'found'],
  [/sample|show|display|given away|mailout/i, 'own-use'],
];

/** Why stock was adjusted, as far as the note tells. */
export function adjustmentReason(note: string): Reason {
  return NOTES.find(([pattern]) => pattern.test(note))?.[1] ?? 'correction';
}
