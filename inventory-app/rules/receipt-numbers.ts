/**
 * The numbers that tills print: `S001-T2-g3-000124` is receipt 124 of the third generation of till 2 in store S001.
 * A till counts by itself, whatever it is connected to. Who has lost count (a wiped or a restored till) begins another
 * generation at 1; who gives it out, and why nobody else ever does, is at `nextGeneration`. Pure, for the page too.
 */
import { ProblemError } from './problems.ts';

/** A till's receipts from one of its starts on: `T2`, and which generation. */
export interface Series {
  storeId: string;
  till: string;
  generation: number;
}

export interface ReceiptNumber extends Series {
  /** From 1. */
  seq: number;
}

/** Numbers that have not arrived, both ends included. */
export type Gap = { from: number; to: number };

/** Of a generation and of a receipt in it: both fit 32 bits. */
export const LARGEST = 999_999_999;
/** What a till is called, T1 to T99. */
export const TILL = /^T[1-9][0-9]?$/;
const SHAPE = /^(S[0-9]{3,6})-(T[1-9][0-9]?)-g([1-9][0-9]{0,8})-([0-9]{6,9})$/;
const DIGITS = 6;

/** As it is printed. Throws `RangeError` for what is no number of a receipt. */
export function formatNumber({ storeId, till, generation, seq }: ReceiptNumber): string {
  const text = `${storeId}-${till}-g${generation}-${String(seq).padStart(DIGITS, '0')}`;
  if (parseNumber(text) === null) throw new RangeError(`${text} is not the number of a receipt`);
  return text;
}

/** Null for what no till prints: a number of another kind, or one written another way. */
export function parseNumber(text: string): ReceiptNumber | null {
  const [, storeId = '', till = '', generation = '', seq = ''] = SHAPE.exec(text) ?? [];
  const number = { storeId, till, generation: Number(generation), seq: Number(seq) };
  const isCanonical = number.seq > 0 && seq === String(number.seq).padStart(DIGITS, '0');
  return isCanonical ? number : null;
}

/** By store, till, generation and count; tills by their number, so that T2 comes before T10. For `sort`. */
export function compareNumbers(a: ReceiptNumber, b: ReceiptNumber): number {
  if (a.storeId !== b.storeId) return a.storeId < b.storeId ? -1 : 1;
  return Number(a.till.slice(1)) - Number(b.till.slice(1)) || a.generation - b.generation || a.seq - b.seq;
}

/** The number after the last of a series (0: none yet). Throws `RangeError` where the series is full. */
export function nextNumber(series: Series, last: number): ReceiptNumber {
  if (last >= LARGEST) throw new RangeError('the series is full: the till has to be started anew');
  return { ...series, seq: last + 1 };
}

/** Which numbers of a series are missing up to the highest of these, ascending. Repeats and order do not count. */
export function gapsIn(seqs: Iterable<number>): Gap[] {
  const gaps: Gap[] = [];
  let before = 0;
  for (const seq of [...new Set(seqs)].sort((a, b) => a - b)) {
    if (seq - before > 1) gaps.push({ from: before + 1, to: seq - 1 });
    before = seq;
  }
  return gaps;
}

export type Giver = 'cloud' | 'edge';

/** ISO 8601. Only that it is the same everywhere matters: two generations are gone for each minute after it. */
const FIRST_MINUTE = Date.parse('2026-11-01T00:00:00.000Z') / 60_000;

/**
 * The generation for a till that starts now (`at`, ISO 8601). `highest`: of those that the giver knows for this till,
 * 0 where it knows none. The cloud gives odd ones, the store's box even ones, each beyond what it knows: so the two,
 * cut off from each other, never give the same.
 *
 * And none below the present minute: a box that was lost, or put back from a backup, has taken what it gave with it, and
 * its successor must not give it again; nor must a cloud that was restored. Throws `invalid-body` where none is left.
 */
export function nextGeneration(highest: number, by: Giver, at: string): number {
  const minute = Math.max(0, Math.floor(Date.parse(at) / 60_000) - FIRST_MINUTE);
  const beyond = Math.max(highest + 1, 2 * minute + 1);
  const isGivers = beyond % 2 === (by === 'cloud' ? 1 : 0);
  const given = isGivers ? beyond : beyond + 1;
  if (given <= LARGEST) return given;
  const error = { path: 'till', message: 'It has no generation left, so another till has to be used' };
  throw new ProblemError('invalid-body', `${error.path}: ${error.message}.`, { errors: [error] });
}
