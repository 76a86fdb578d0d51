/** Chance from a seed: the same seed gives the same choices on every machine. */

export interface Chance {
  /** 0 to below 1. */
  next(): number;
  /** 0 to below `below`. */
  whole(below: number): number;
  /** One of them; they must not be none. */
  pick<T>(from: readonly T[]): T;
  /** True this often, 0 to 1. */
  happens(often: number): boolean;
}

/** mulberry32: 32 bits of state are enough to make a plan from. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (below: number) => Math.floor(next() * below);
  return {
    next,
    whole,
    happens: (often) => next() < often,
    pick(from) {
      const chosen = from[whole(from.length)];
      if (chosen === undefined) throw new Error('there is nothing to pick from');
      return chosen;
    },
  };
}

/** A seed for the n-th part of something, far from that of its neighbours. */
export const seedOf = (seed: number, n: number): number => (Math.imul(seed ^ 0x9e3779b9, 2_654_435_761) + n) >>> 0;
