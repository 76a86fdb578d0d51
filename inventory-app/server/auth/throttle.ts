/**
 * Guessing passwords costs time: after a few wrong ones in a row, a name is not looked at for a while. For a name that
 * nobody has, too, so that it tells nothing. In this process's memory: a start forgives.
 */

export interface Throttle {
  /** Counts an attempt before it is made, so that many at once count as many. Seconds to wait first; 0: none. */
  attempt(name: string): number;
  /** It was right: nothing is held against the name. */
  succeed(name: string): void;
}

interface Count {
  failures: number;
  /** ms since 1970. */
  until: number;
}

const FREE = 10;
const FIRST_WAIT_MS = 30_000;
const LONGEST_WAIT_MS = 15 * 60_000;
const MOST_NAMES = 10_000;

export function createThrottle(now: () => Date): Throttle {
  // The least lately guessed comes first, and goes first.
  const counts = new Map<string, Count>();
  return {
    attempt(name) {
      const { failures, until } = counts.get(name) ?? { failures: 0, until: 0 };
      const wait = until - now().getTime();
      if (wait > 0) return Math.ceil(wait / 1000);
      const next = failures + 1;
      const hold = next < FREE ? 0 : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(next - FREE, 10));
      counts.delete(name);
      counts.set(name, { failures: next, until: now().getTime() + hold });
      const [oldest] = counts.keys();
      if (counts.size > MOST_NAMES && oldest !== undefined) counts.delete(oldest);
      return 0;
    },
    succeed: (name) => void counts.delete(name),
  };
}
