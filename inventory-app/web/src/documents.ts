/** The app's documents, as its API shows them. */
import type * as z from 'zod';
import type * as rules from '../../rules/documents.ts';

export type Store = z.output<typeof rules.Store>;
export type Product = z.output<typeof rules.Product>;
export type StockLevel = z.output<typeof rules.StockLevel>;
export type Sale = z.output<typeof rules.Sale>;
export type Return = z.output<typeof rules.Return>;
export type SaleBody = z.input<typeof rules.SaleCreate>;
export type ReturnBody = z.input<typeof rules.ReturnCreate>;

/** A page of a list. */
export interface Page<T> {
  data: T[];
  page: { next: string | null; total: number };
}

/** What lines come to, in the currency's smallest unit. */
export const amountOf = (lines: readonly { qty: number; unitPrice: number }[]): number =>
  lines.reduce((sum, { qty, unitPrice }) => sum + qty * unitPrice, 0);
