/** The edge's clock: never behind a time that was already known, over restarts, so that turning it back extends no grace (I8). */
import type { StateStore } from '@larder/sync/client';

export interface EdgeClock {
  /** ms since 1970. */
  now(): number;
  /** Makes the present durable; to be called once a minute. */
  keep(): Promise<void>;
  /**
   * The cloud is there and says how late it is. Only that brings back a clock that had run days ahead, which would
   * otherwise have ended every grace for good. True if it went back.
   */
  correct(cloud: number): boolean;
}

const KEY = 'edge-clock';
/** Less than this is a correction, and not a clock that was turned back, ms. */
const BACK = 60_000;
const AHEAD = 24 * 3_600_000;

/** What the machine's clocks say. */
export interface Clocks {
  /** ms since 1970, as somebody has set it. */
  wall(): number;
  /** ms since some moment; nobody sets it. */
  uptime(): number;
}

const MACHINE: Clocks = { wall: () => Date.now(), uptime: () => performance.now() };

/** @param known a time that has surely been, ms since 1970. */
export async function openClock(state: StateStore | null, known: number, clocks = MACHINE): Promise<EdgeClock> {
  const { wall, uptime } = clocks;
  let latest = Math.max(known, Number((await state?.get(KEY)) ?? 0));
  let at = uptime();
  const now = () => {
    const passed = uptime() - at;
    at += passed;
    const told = wall();
    // A wall clock that was turned back stops nothing: what has passed since counts. Not otherwise: the two drift apart.
    if (told < latest + passed - BACK) latest += passed;
    else latest = Math.max(latest, told);
    return latest;
  };
  return {
    // Whole, as the wall's.
    now: () => Math.floor(now()),
    keep: async () => state?.set(KEY, String(Math.floor(now())), null),
    correct(cloud) {
      if (now() - cloud < AHEAD) return false;
      // While the wall runs ahead there is nothing better to follow.
      if (wall() - cloud < AHEAD) latest = wall();
      return latest - cloud < AHEAD;
    },
  };
}
