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
const AHEAD = 24 * 3_600_000;

/** @param known a time that has surely been, ms since 1970. */
export async function openClock(state: StateStore | null, known: number, wall = Date.now): Promise<EdgeClock> {
  let latest = Math.max(known, Number((await state?.get(KEY)) ?? 0));
  const now = () => (latest = Math.max(latest, wall()));
  return {
    now,
    keep: async () => state?.set(KEY, String(now()), null),
    correct(cloud) {
      if (now() - cloud < AHEAD) return false;
      // While the wall runs ahead there is nothing better to follow.
      latest = wall() - cloud < AHEAD ? wall() : latest;
      return latest - cloud < AHEAD;
    },
  };
}
