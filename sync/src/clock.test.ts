import { describe, expect, test } from 'vitest';
import { Clock } from './clock.ts';

const NOON = Date.UTC(2026, 10, 21, 12);
const HOUR = 3_600_000;
const said = (at: number) => new Date(at).toUTCString();

/** A clock whose wall the test sets. */
function clockAt(wall: number, durable = 0, offset = 0) {
  const world = { wall };
  return { world, clock: new Clock({ durable, offset, wall: () => world.wall }) };
}

describe('the clock of an edge', () => {
  test('is the wall clock, and never goes back with it', () => {
    const { world, clock } = clockAt(NOON);
    expect(clock.now()).toBe(NOON);
    world.wall = NOON - HOUR;
    expect(clock.now()).toBe(NOON);
    world.wall = NOON + 5;
    expect(clock.now()).toBe(NOON + 5);
  });

  test('is never behind what was already made durable, over a start with a clock that was turned back', () => {
    const { clock } = clockAt(NOON - HOUR, NOON);
    expect(clock.now()).toBe(NOON);
  });

  test.each([-24 * HOUR, -90_000, 90_000, 24 * HOUR])('follows the cloud where the box is %d ms wrong', (wrong) => {
    const { clock } = clockAt(NOON + wrong);
    expect(clock.skew).toBeNull();
    expect(clock.learn(said(NOON), 100)).toBe(true);
    expect(Math.abs(clock.now() - NOON)).toBeLessThanOrEqual(1000);
    expect(Math.abs((clock.skew ?? 0) - wrong)).toBeLessThanOrEqual(1000);
  });

  test('keeps what it has learnt over a start', () => {
    const first = clockAt(NOON + HOUR);
    first.clock.learn(said(NOON), 0);
    const { clock } = clockAt(NOON + HOUR + 1000, first.clock.now(), first.clock.offset);
    expect(Math.abs(clock.now() - (NOON + 1000))).toBeLessThanOrEqual(1000);
  });

  test('turned back, it is brought on by the cloud alone', () => {
    const { world, clock } = clockAt(NOON);
    clock.learn(said(NOON), 0);
    world.wall = NOON - HOUR;
    expect(clock.now()).toBeGreaterThanOrEqual(NOON);
    clock.learn(said(NOON + 60_000), 0);
    expect(Math.abs(clock.now() - (NOON + 60_000))).toBeLessThanOrEqual(1000);
    expect(Math.abs((clock.skew ?? 0) + HOUR + 60_000)).toBeLessThanOrEqual(1000);
  });

  test('changes for nothing that an answer leaves open, and for no answer that says nothing', () => {
    const { clock } = clockAt(NOON);
    expect(clock.learn(said(NOON), 600)).toBe(false);
    expect(clock.learn(undefined, 0)).toBe(false);
    expect(clock.learn('yesterday', 0)).toBe(false);
    expect(clock.learn(said(NOON + HOUR), 60_000)).toBe(false);
    expect(clock.now()).toBe(NOON);
  });
});
