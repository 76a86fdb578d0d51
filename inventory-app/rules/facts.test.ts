import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Adjustment, Receipt, Return, Sale } from './documents.ts';
import { completeFact, FACT_BODIES, localDay, movementsOf } from './facts.ts';
import { ProblemError } from './problems.ts';
import { FACT_KINDS } from './resources.ts';
import { validate } from './validate.ts';

const from = {
  id: '0197a000-0000-7000-8000-000000000001',
  now: '2026-07-01T23:30:00.000Z',
  userId: 'u-clerk',
  store: { id: 'S001', timeZone: 'Europe/London' },
};

const saleOf = (body: object) => completeFact('sales', validate(FACT_BODIES.sales, { storeId: 'S001', ...body }), from);

describe('A sale', () => {
  test('is completed with id, time, local day, numbered lines and totals', () => {
    const sale = saleOf({
      lines: [
        { productId: 'p1', qty: 3, unitPrice: 200, discount: 50, tax: 90 },
        { productId: 'p2', qty: 1, unitPrice: 99 },
      ],
      tenders: [{ type: 'cash', amount: 649 }],
    });
    expect(sale).toMatchObject({ id: from.id, occurredAt: from.now, businessDate: '2026-07-02', userId: 'u-clerk' });
    expect(sale.lines.map(({ lineNo, total }) => [lineNo, total])).toEqual([
      [1, 550],
      [2, 99],
    ]);
    expect(sale).toMatchObject({ total: 649, tax: 90, version: 1 });
    expect(Sale.parse(sale)).toEqual(sale);
  });

  test('keeps what its body says of id and time', () => {
    const stated = { id: 'x1', occurredAt: '2026-01-05T08:00:00.000Z', businessDate: '2026-01-04' };
    expect(saleOf({ ...stated, lines: [{ productId: 'p1', qty: 1, unitPrice: 1 }] })).toMatchObject(stated);
  });

  test('beyond what money can be is not a sale', () => {
    const lines = [{ productId: 'p1', qty: 1_000_000_000, unitPrice: 100_000_000_000 }];
    expect(() => saleOf({ lines })).toThrow(ProblemError);
  });
});

test('Every kind completes to a document of its schema', () => {
  const line = { productId: 'p1', qty: 2 };
  const bodies = {
    sales: { lines: [{ ...line, unitPrice: 5 }] },
    returns: { lines: [{ ...line, unitPrice: 5 }], saleNumber: '17', reason: 'broken' },
    receipts: { lines: [{ ...line, unitCost: 5 }], supplier: 'Mill & Sons' },
    adjustments: { lines: [{ ...line, qty: -2 }], reason: 'damaged' },
  };
  const schemas = { sales: Sale, returns: Return, receipts: Receipt, adjustments: Adjustment };
  for (const kind of FACT_KINDS) {
    const body = validate(FACT_BODIES[kind], { storeId: 'S001', ...bodies[kind] });
    const fact = completeFact(kind, body, from);
    expect(schemas[kind].parse(fact)).toEqual(fact);
    expect(movementsOf(kind, fact)).toMatchObject([
      { id: `${fact.id}:1`, qty: { sales: -2, returns: 2, receipts: 2, adjustments: -2 }[kind] },
    ]);
  }
});

test('What a sale moves is what its lines say, and a return of it brings the same back', () => {
  const lines = fc.array(
    fc.record({ productId: fc.constantFrom('p1', 'p2', 'p3'), qty: fc.integer({ min: 1, max: 9 }) }),
    { minLength: 1, maxLength: 20 },
  );
  fc.assert(
    fc.property(lines, (drawn) => {
      const priced = drawn.map((line) => ({ ...line, unitPrice: 100 }));
      const sale = saleOf({ lines: priced });
      const out = movementsOf('sales', sale);
      const back = movementsOf('returns', sale);
      const sum = (qtys: readonly { qty: number }[]) => qtys.reduce((total, { qty }) => total + qty, 0);
      expect(sum(out)).toBe(-sum(drawn));
      expect(sum([...out, ...back])).toBe(0);
      expect(new Set(out.map(({ id }) => id)).size).toBe(drawn.length);
      expect(sale.total).toBe(100 * sum(drawn));
    }),
  );
});

test('An adjustment can open the books', () => {
  const body = { storeId: 'S001', reason: 'opening', lines: [{ productId: 'p1', qty: 40 }] };
  const fact = completeFact('adjustments', validate(FACT_BODIES.adjustments, body), from);
  expect(movementsOf('adjustments', fact)).toMatchObject([{ type: 'opening', qty: 40 }]);
});

test.each([
  ['2026-03-29T00:59:59.999Z', 'Europe/London', '2026-03-29'],
  ['2026-06-30T23:00:00.000Z', 'Europe/London', '2026-07-01'],
  ['2026-01-01T04:59:00.000Z', 'America/New_York', '2025-12-31'],
  ['2026-01-01T10:00:00.000Z', 'Pacific/Kiritimati', '2026-01-02'],
])('%s is in %s the day %s', (moment, zone, day) => {
  expect(localDay(moment, zone)).toBe(day);
});
