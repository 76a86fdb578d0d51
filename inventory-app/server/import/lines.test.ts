import { describe, expect, test } from 'vitest';
import { factsOf } from './invoices.ts';
import { adjustmentReason, type GoodsLine, goodsOf } from './lines.ts';
import { fromLocalTime } from './local-time.ts';

const source = {
  invoice: '500001',
  code: '85123A',
  description: 'BLUE ENAMEL MUG',
  quantity: '6',
  date: '2011-03-01 09:30:00',
  price: '2.55',
  customer: '17850',
  country: 'United Kingdom',
};
const goods: GoodsLine = {
  invoice: '500001',
  code: '85123A',
  description: 'BLUE ENAMEL MUG',
  qty: 6,
  price: 255,
  rounded: false,
  date: '2011-03-01 09:30:00',
  customer: '17850',
  country: 'United Kingdom',
};

describe('A line', () => {
  test('of goods has its price in pence', () => {
    expect(goodsOf(source)).toEqual(goods);
    // 1.15 * 100 is 114.99999999999999
    expect(goodsOf({ ...source, price: '1.15' })).toMatchObject({ price: 115, rounded: false });
  });

  test('with parts of a penny is rounded, and says so', () => {
    expect(goodsOf({ ...source, price: '0.001' })).toMatchObject({ price: 0, rounded: true });
    expect(goodsOf({ ...source, price: '1.236' })).toMatchObject({ price: 124, rounded: true });
  });

  test('may have its code in lower case, and no customer', () => {
    expect(goodsOf({ ...source, code: '85123a', customer: '' })).toMatchObject({ code: '85123A', customer: null });
  });

  test.each([
    [{ code: 'POST' }, 'not goods: POST (postage)'],
    [{ code: 'm' }, 'not goods: M (manual entry)'],
    [{ code: 'BANK CHARGES' }, 'not goods: BANK CHARGES (bank charges)'],
    [{ code: 'gift_0001_20' }, 'not goods: gift vouchers'],
    [{ code: 'A B' }, 'unusable stock code'],
    [{ code: '' }, 'unusable stock code'],
    [{ invoice: '' }, 'unusable invoice number'],
    [{ quantity: '0' }, 'unusable quantity'],
    [{ quantity: '1.5' }, 'unusable quantity'],
    [{ price: 'free' }, 'unusable price'],
    [{ price: '-11062.06' }, 'negative price'],
    [{ invoice: 'C500001' }, 'cancellation with a positive quantity'],
  ])('with %o is left out: %s', (part, reason) => {
    expect(goodsOf({ ...source, ...part })).toBe(reason);
  });
});

describe('An invoice', () => {
  test('is a sale', () => {
    expect(factsOf([goods, { ...goods, code: '22000', qty: 1, price: 100 }])).toMatchObject([
      { id: '500001', kind: 'sales', number: '500001', customer: '17850', lines: [{ qty: 6 }, { qty: 1, price: 100 }] },
    ]);
  });

  test('that cancels is a return of positive quantities', () => {
    expect(factsOf([{ ...goods, invoice: 'C500001', qty: -6 }])).toMatchObject([
      { id: 'C500001', kind: 'returns', lines: [{ code: '85123A', qty: 6, price: 255 }] },
    ]);
  });

  test('without a price or a customer is a stock correction, one document for each reason', () => {
    const line = { ...goods, customer: null, price: 0 };
    expect(
      factsOf([
        { ...line, qty: -3, description: 'wet/rusty' },
        { ...line, qty: -2, description: '?' },
        { ...line, qty: 4, description: '' },
      ]),
    ).toMatchObject([
      { id: '500001-damaged', kind: 'adjustments', reason: 'damaged', lines: [{ qty: -3, description: 'wet/rusty' }] },
      { id: '500001-correction', reason: 'correction', lines: [{ qty: -2 }, { qty: 4, description: null }] },
    ]);
  });

  test('with a free article beside a paid one, or for a customer, is a sale of both', () => {
    const free = { ...goods, price: 0, customer: null };
    expect(factsOf([{ ...goods, customer: null }, free])).toMatchObject([{ kind: 'sales', lines: [{}, { price: 0 }] }]);
    expect(factsOf([{ ...free, customer: '17850' }])).toMatchObject([{ kind: 'sales' }]);
  });
});

test.each([
  ['damages?', 'damaged'],
  ['thrown away-rusty', 'damaged'],
  ['???missing', 'lost'],
  ['found some more on shelf', 'found'],
  ['show samples', 'own-use'],
  ["dotcom sold in 6's", 'correction'],
  ['', 'correction'],
])('The note %o means %s', (note, reason) => {
  expect(adjustmentReason(note)).toBe(reason);
});

describe('A local time', () => {
  test.each([
    ['2010-12-01 08:26:00', '2010-12-01T08:26:00.000Z'],
    ['2011-07-01 08:26:00', '2011-07-01T07:26:00.000Z'],
    ['2011-03-27 00:59:00', '2011-03-27T00:59:00.000Z'],
    ['2011-03-27 02:01:00', '2011-03-27T01:01:00.000Z'],
    ['2011-10-30 00:30:00', '2011-10-29T23:30:00.000Z'],
    ['2011-10-30 01:30:00', '2011-10-30T00:30:00.000Z'],
    ['2011-10-30 02:30:00', '2011-10-30T02:30:00.000Z'],
  ])('%s in London is %s', (local, utc) => {
    expect(fromLocalTime(local, 'Europe/London')).toBe(utc);
  });

  test('is not made of something else', () => {
    expect(fromLocalTime('2011-13-01 08:26:00', 'Europe/London')).toBeNull();
    expect(fromLocalTime('1/12/2010 8:26', 'Europe/London')).toBeNull();
  });
});
