/** How long a read waits for the cloud where this box could answer itself: as long as the route usually takes, and some. */
import type { LinkState } from '@larder/sync/link';

/** So many of the latest answers count. */
const WINDOW = 32;
const QUANTILE = 0.9;
const FACTOR = 3;
/** Below this a pause of the cloud's garbage collector would already count as slow, ms. */
const FLOOR = 150;

export interface Patience {
  /** An answer's head took so long, ms; late ones count as well. */
  learn(route: object, ms: number): void;
  /** How long to wait on this route, ms. */
  of(route: object, link: LinkState): number;
}

/** `ceiling`: the longest wait, ms, and the wait on a route of which nothing is known. */
export function createPatience(ceiling: number): Patience {
  const latencies = new WeakMap<object, number[]>();
  return {
    learn(route, ms) {
      const window = latencies.get(route);
      if (window === undefined) {
        latencies.set(route, [ms]);
        return;
      }
      window.push(ms);
      if (window.length > WINDOW) window.shift();
    },
    of(route, link) {
      // Whether the cloud is there is being found out: no reason to wait.
      if (link !== 'online') return Math.min(ceiling, FLOOR);
      const window = latencies.get(route);
      if (window === undefined) return ceiling;
      const sorted = window.toSorted((a, b) => a - b);
      const usual = sorted[Math.floor((sorted.length - 1) * QUANTILE)] ?? ceiling;
      return Math.min(ceiling, Math.max(FLOOR, usual * FACTOR));
    },
  };
}
