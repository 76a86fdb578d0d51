/** A return as it goes to the cloud. */
import { uuidv7 } from 'uuidv7';
import { amountOf, type ReturnBody } from '../../documents.ts';
import type { Words } from '../../words/en.ts';
import type { TenderType } from '../sell/basket.ts';

/** Why something is brought back: the code that is kept, whatever language it was chosen in. */
export type Reason = keyof Words['returns']['reasons'];

export interface RefundLine {
  productId: string;
  qty: number;
  /** What was paid for one, in the currency's smallest unit. */
  unitPrice: number;
}

export interface Refund {
  storeId: string;
  /** Of the sale: its id where it is known here, its number where only that is. */
  sale: { id: string } | { number: string } | null;
  lines: readonly RefundLine[];
  reason: Reason;
  tender: TenderType;
}

export function returnOf({ storeId, sale, lines, reason, tender }: Refund, now: Date) {
  return {
    id: uuidv7(),
    storeId,
    till: 'web',
    saleId: sale !== null && 'id' in sale ? sale.id : null,
    saleNumber: sale !== null && 'number' in sale ? sale.number : null,
    reason,
    occurredAt: now.toISOString(),
    lines: lines.map(({ productId, qty, unitPrice }) => ({ productId, qty, unitPrice })),
    tenders: [{ type: tender, amount: amountOf(lines) }],
  } satisfies ReturnBody;
}
