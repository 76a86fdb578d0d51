/** Invoices as facts: sales, returns for cancellations (`C…`), adjustments for stock corrections written as sales. */
import type { FactKind } from '../../rules/resources.ts';
import { adjustmentReason, type GoodsLine } from './lines.ts';

export interface ImportedLine {
  code: string;
  /** As the document has it: signed in adjustments only. */
  qty: number;
  price: number;
  description: string | null;
}

export interface ImportedFact {
  id: string;
  kind: FactKind;
  number: string;
  date: string;
  customer: string | null;
  reason: string | null;
  lines: ImportedLine[];
}

/** The facts of one invoice; `lines` are all its lines of goods, at least one. */
export function factsOf(lines: readonly [GoodsLine, ...GoodsLine[]]): ImportedFact[] {
  const [{ invoice, date, customer }] = lines;
  const head = { number: invoice, date, customer, reason: null };
  if (invoice.startsWith('C')) {
    return [{ ...head, id: invoice, kind: 'returns', lines: lines.map((line) => charged(line, -line.qty)) }];
  }
  // Goods for nothing are a present where they go with a sale or to a customer, else the stock room's bookkeeping.
  const sold = customer !== null || lines.some(({ price }) => price > 0);
  const isSale = ({ qty }: GoodsLine) => qty > 0 && sold;
  const sale = lines.filter(isSale).map((line) => charged(line, line.qty));
  const facts: ImportedFact[] = sale.length === 0 ? [] : [{ ...head, id: invoice, kind: 'sales', lines: sale }];
  const rest = Map.groupBy(
    lines.filter((line) => !isSale(line)),
    ({ description }) => adjustmentReason(description),
  );
  for (const [reason, group] of rest) {
    const adjusted = group.map(({ code, qty, description }) => ({
      code,
      qty,
      price: 0,
      description: description === '' ? null : description,
    }));
    const id = `${invoice}-${reason}`;
    facts.push({ ...head, id, kind: 'adjustments', customer: null, reason, lines: adjusted });
  }
  return facts;
}

const charged = ({ code, price }: GoodsLine, qty: number): ImportedLine => ({ code, qty, price, description: null });

/** What a line moves, into the store positive. */
export function movedBy(kind: FactKind, qty: number): number {
  return kind === 'sales' ? -qty : qty;
}
