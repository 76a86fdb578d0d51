import { describe, expect, test } from 'vitest';
import { en } from './en.ts';
import { moneyOf } from './money.ts';
import { timesOf } from './times.ts';
import { zh } from './zh.ts';

const NOW = Date.parse('2026-07-01T10:32:00.000Z');
const at = (seconds: number) => NOW - seconds * 1000;
const times = timesOf('en-GB', en);

test('An answer’s source is said with its age', () => {
  expect(times.source({ from: 'cloud', asOf: at(0) }, NOW)).toBe('Live from the cloud');
  expect(times.source({ from: 'cache', asOf: at(40) }, NOW)).toBe('From this store’s cache, fetched 40 s ago');
  expect(times.source({ from: 'replica', asOf: at(40) }, NOW)).toMatch(/^From this store’s copy, as of .*\d\d:\d\d/);
  expect(times.source({ from: 'device', asOf: at(40) }, NOW)).toMatch(/^From this device, as of .*\d\d:\d\d/);
  expect(times.source({ from: 'none', asOf: at(0) }, NOW)).toBe('Straight from the cloud');
  expect([2, 60, 300].map((seconds) => times.ago(at(seconds), NOW))).toEqual(['just now', '60 s ago', '5 min ago']);
});

test('A time says the day where the hour alone would not be clear', () => {
  expect(times.time(at(60), NOW)).toMatch(/^\d\d:\d\d$/);
  expect(times.time(at(86_400), NOW)).toMatch(/^[A-Z][a-z]{2},? \d\d:\d\d$/);
  expect(times.time(at(30 * 86_400), NOW)).toMatch(/^\d{1,2} [A-Z][a-z]+,? (at )?\d\d:\d\d$/);
});

test.each([
  ['GBP', 250, '2.50'],
  ['JPY', 250, '250'],
])('An amount in %s is read as it is written', (currency, minor, plain) => {
  const money = moneyOf('en-GB', currency);
  expect(money.plain(minor)).toBe(plain);
  expect(money.read(plain)).toBe(minor);
  expect(['', 'x', '-1', '1.234', '1,2,3'].map(money.read)).toEqual([null, null, null, null, null]);
});

test('The end of the grace period is said, when it is near', () => {
  expect(times.left(172_800)).toBe('2 days');
  expect(times.left(7200)).toBe('2 h');
  expect(times.left(10)).toBe('less than an hour');
});

describe('Chinese', () => {
  const leaves = (words: object): unknown[] =>
    Object.values(words).flatMap((value: unknown) =>
      typeof value === 'object' && value !== null ? leaves(value) : [value],
    );

  test('says all that English says, and nothing in English', () => {
    const said = leaves(zh).map((leaf) =>
      typeof leaf === 'function' ? String((leaf as (...args: unknown[]) => string)(3, 4)) : String(leaf),
    );
    expect(said).toHaveLength(leaves(en).length);
    expect(said.filter((text) => !/[\u4e00-\u9fff]/.test(text))).toEqual(['3', '3 / 4', '/ 3', 'PIN', 'PIN']);
  });
});
