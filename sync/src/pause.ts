/** The time between two attempts at the cloud. */

const RETRY_FIRST = 200;
const RETRY_MOST = 5000;

/** Full jitter, so that stores cut off together do not come back together; ms. `random` is 0 to 1. */
export const retryDelay = (failures: number, random: number): number =>
  random * Math.min(RETRY_MOST, RETRY_FIRST * 2 ** Math.min(failures, 10));

/** One wait at a time, that a change ends early. */
export class Pause {
  #wake: (() => void) | null = null;
  #stopped = false;

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Waits for a time, ms, or for `end`; null: for that alone. After `stop` not at all. */
  async wait(ms: number | null): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = ms === null ? null : setTimeout(resolve, ms);
      this.#wake = () => {
        if (timer !== null) clearTimeout(timer);
        resolve();
      };
      if (this.#stopped) this.#wake();
    });
    this.#wake = null;
  }

  /** Ends the wait under way. */
  end(): void {
    this.#wake?.();
  }

  /** Ends it, and all that would follow. */
  stop(): void {
    this.#stopped = true;
    this.end();
  }
}
