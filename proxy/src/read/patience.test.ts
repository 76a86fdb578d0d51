import { expect, test } from 'vitest';
import { createPatience } from './patience.ts';

const ROUTE = {};

test('is as long as the operator allows where nothing is known', () => {
  expect(createPatience(800).of(ROUTE, 'online')).toBe(800);
});

test('follows what the route usually takes, within its bounds', () => {
  const patience = createPatience(800);
  const after = (ms: number) => {
    for (let i = 0; i < 32; i++) patience.learn(ROUTE, ms);
    return patience.of(ROUTE, 'online');
  };
  expect([after(1), after(100), after(5000)]).toEqual([150, 300, 800]);
  expect(patience.of({}, 'online')).toBe(800);
});

test('one slow answer in many does not stretch it', () => {
  const patience = createPatience(800);
  for (let i = 0; i < 30; i++) patience.learn(ROUTE, i === 7 ? 5000 : 100);
  expect(patience.of(ROUTE, 'online')).toBe(300);
});

test('is short while nobody knows whether the cloud is there', () => {
  expect(createPatience(800).of(ROUTE, 'doubtful')).toBe(150);
  expect(createPatience(100).of(ROUTE, 'doubtful')).toBe(100);
});
