/** What a customer is about to buy. Pure: every change gives another basket. */
import { uuidv7 } from 'uuidv7';
import type { SaleBody, Product } from '../../documents.ts';

export interface Line {
  product: Product;
  qty: number;
}

/** The line that was touched last comes first: that is where the eye is. */
export type Basket = readonly Line[];

export const EMPTY: Basket = [];

export function withMore(basket: Basket, product: Product, by = 1): Basket {
  const line = basket.find((one) => one.product.id === product.id);
  const others = basket.filter((one) => one !== line);
  return [{ product, qty: (line?.qty ?? 0) + by }, ...others];
}

/** None of it takes the line away. */
export function withQuantity(basket: Basket, productId: string, qty: number): Basket {
  return basket.map((line) => (line.product.id === productId ? { ...line, qty } : line)).filter((line) => line.qty > 0);
}

export const totalOf = (basket: Basket): number =>
  basket.reduce((total, { product, qty }) => total + product.price * qty, 0);

export const countOf = (basket: Basket): number => basket.reduce((count, { qty }) => count + qty, 0);

export type TenderType = 'card' | 'cash';

/** The sale as it goes to the cloud. Lines in the order in which they were scanned. */
export function saleOf(basket: Basket, storeId: string, tender: TenderType, now: Date) {
  return {
    id: uuidv7(),
    storeId,
    till: 'web',
    occurredAt: now.toISOString(),
    lines: basket.toReversed().map(({ product, qty }) => ({ productId: product.id, qty, unitPrice: product.price })),
    tenders: [{ type: tender, amount: totalOf(basket) }],
  } satisfies SaleBody;
}
