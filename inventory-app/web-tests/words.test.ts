import { describe, expect, test } from 'vitest';
import { agoWords, moneyOf, sourceWords, stockOf, stripOf, timeWords, graceWords } from '../web/words.js';

const NOW = Date.parse('2026-07-01T10:32:00.000Z');
const at = (seconds: number) => new Date(NOW - seconds * 1000);

const status = (link: object = {}, queue: object = {}, replica: object = {}) => ({
  link: { state: 'online', since: null, held: false, ...link },
  queue: { length: 0, oldest: null, inbox: 0, ...queue },
  replica: { complete: true, feed: { live: true, asOf: '2026-07-01T10:30:00.000Z' }, ...replica },
});

describe('The strip', () => {
  test('says that all is well', () => {
    expect(stripOf(status(), NOW)).toEqual({
      tone: 'calm',
      text: 'Connected. Everything is in the cloud',
      waiting: '',
      attention: '',
    });
  });

  test('says while the link is cut what is shown and what waits', () => {
    expect(stripOf(status({ state: 'offline' }, { length: 14 }), NOW)).toMatchObject({
      tone: 'warn',
      text: expect.stringMatching(/^Working from this store’s copy, as of .*\d\d:\d\d/),
      waiting: '14 changes waiting',
    });
  });

  test.each([
    [null, 'calm', 'Direct to the cloud'],
    [undefined, 'alarm', 'Nothing answers. Is this device on the store’s network?'],
    [status({ state: 'doubtful' }), 'busy', 'Checking the connection…'],
    [status({}, {}, { complete: false }), 'busy', 'Fetching this store’s copy…'],
  ])('of %o is %s: %s', (given, tone, text) => {
    expect(stripOf(given, NOW)).toMatchObject({ tone, text });
  });

  test('counts one change as one', () => {
    expect(stripOf(status({}, { length: 1, inbox: 1 }), NOW)).toMatchObject({
      waiting: 'Sending 1 change',
      attention: '1 change needs a manager',
    });
  });
});

test('An answer’s source is said with its age', () => {
  expect(sourceWords({ from: 'cloud', asOf: at(0) }, NOW)).toBe('Live from the cloud');
  expect(sourceWords({ from: 'cache', asOf: at(40) }, NOW)).toBe('From this store’s cache, fetched 40 s ago');
  expect(sourceWords({ from: 'replica', asOf: at(40) }, NOW)).toMatch(/^From this store’s copy, as of .*\d\d:\d\d/);
  expect(sourceWords({ from: null, asOf: at(0) }, NOW)).toBe('Straight from the cloud');
  expect([2, 60, 300].map((seconds) => agoWords(at(seconds), NOW))).toEqual(['just now', '60 s ago', '5 min ago']);
});

test('A time says the day where the hour alone would not be clear', () => {
  expect(timeWords(at(60), NOW)).toMatch(/^\d\d:\d\d$/);
  expect(timeWords(at(86_400), NOW)).toMatch(/^[A-Z][a-z]{2},? \d\d:\d\d$/);
  expect(timeWords(at(30 * 86_400), NOW)).toMatch(/^\d{1,2} [A-Z][a-z]+,? (at )?\d\d:\d\d$/);
});

test('Stock is said in words', () => {
  expect([undefined, -2, 0, 3, 30].map((qty) => stockOf(qty, 5))).toEqual([
    { tone: 'none', text: 'No stock kept' },
    { tone: 'gone', text: '2 short' },
    { tone: 'gone', text: 'Sold out' },
    { tone: 'low', text: '3 in stock' },
    { tone: 'some', text: '30 in stock' },
  ]);
});

test.each([
  ['GBP', 250, '2.50'],
  ['JPY', 250, '250'],
])('An amount in %s is read as it is written', (currency, minor, plain) => {
  const money = moneyOf(currency);
  expect(money.plain(minor)).toBe(plain);
  expect(money.read(plain)).toBe(minor);
  expect(['', 'x', '-1', '1.234', '1,2,3'].map(money.read)).toEqual([null, null, null, null, null]);
});

test('The end of the grace period is said, when it is near', () => {
  expect(graceWords(null)).toBe('');
  expect(graceWords(172_800)).toContain('In 2 days only');
  expect(graceWords(7200)).toContain('In 2 h only');
  expect(graceWords(10)).toContain('In less than an hour only');
});
