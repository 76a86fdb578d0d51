import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { SaleCreate } from '../../../../rules/documents.ts';
import { completeFact } from '../../../../rules/facts.ts';
import type { Product } from '../../documents.ts';
import { type Basket, countOf, EMPTY, saleOf, totalOf, withMore, withQuantity } from './basket.ts';

const product = (id: string, price: number) => ({ id, price, name: id }) as Product;
const PRODUCTS = [product('p1', 85), product('p2', 1_250), product('p3', 0)] as const;

const step = fc.oneof(
  fc.record({ more: fc.constantFrom(...PRODUCTS) }),
  fc.record({ of: fc.constantFrom(...PRODUCTS), qty: fc.integer({ min: 0, max: 50 }) }),
);

const after = (steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[]): Basket =>
  steps.reduce<Basket>(
    (basket, one) => ('more' in one ? withMore(basket, one.more) : withQuantity(basket, one.of.id, one.qty)),
    EMPTY,
  );

test('What was touched last comes first, and is one line however often it is scanned', () => {
  const basket = [PRODUCTS[0], PRODUCTS[1], PRODUCTS[0]].reduce<Basket>((now, one) => withMore(now, one), EMPTY);
  expect(basket.map(({ product: { id }, qty }) => [id, qty])).toEqual([
    ['p1', 2],
    ['p2', 1],
  ]);
});

test('The total on the screen is the total that the rules give the sale, whatever was done to the basket', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const basket = after(steps);
      fc.pre(basket.length > 0);
      const sale = saleOf(basket, 'S001', 'cash', new Date('2026-07-01T10:00:00Z'));
      const from = { id: 'x', now: '2026-07-01T10:00:00.000Z', userId: 'u', store: { id: 'S001', timeZone: 'UTC' } };
      const fact = completeFact('sales', SaleCreate.parse(sale), from);
      expect(fact.total).toBe(totalOf(basket));
      expect(fact.tenders[0]?.amount).toBe(totalOf(basket));
      expect(fact.lines.reduce((count, { qty }) => count + qty, 0)).toBe(countOf(basket));
    }),
  );
});
