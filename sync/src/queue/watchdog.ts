/**
 * Proves progress (I5). The oldest write that could be sent must settle within a time while the link is up; where it does
 * not, something is wrong that nobody else has noticed: it is said, with the reason, and everything is tried anew.
 */
import type { QueuedEntry } from './entries.ts';

export interface WatchdogParts {
  /** The oldest entry that waits for no other. */
  oldest(): Pick<QueuedEntry, 'seq' | 'route' | 'state' | 'attempts'> | null;
  /** Null while nothing can be sent: then nothing is expected to move. Else why this one has not settled. */
  reason(seq: number): string | null;
  /** Without settling for longer than this, it is stuck, ms. */
  limit: number;
  uptime(): number;
  alarm(message: string, detail: Record<string, unknown>): void;
  /** Ends all delays and looks for work. */
  kick(): void;
}

export class Watchdog {
  readonly #parts: WatchdogParts;
  #watched: number | null = null;
  #since = 0;
  #barked = 0;
  #stalled: string | null = null;

  constructor(parts: WatchdogParts) {
    this.#parts = parts;
  }

  /** Why nothing moves; null while all is well. */
  get stalled(): string | null {
    return this.#stalled;
  }

  look(): void {
    const { oldest, reason, limit, uptime, alarm, kick } = this.#parts;
    const now = uptime();
    const entry = oldest();
    const why = entry === null ? null : reason(entry.seq);
    if (entry === null || why === null || entry.seq !== this.#watched) {
      this.#watched = why === null ? null : (entry?.seq ?? null);
      [this.#since, this.#barked, this.#stalled] = [now, now, null];
      return;
    }
    if (now - this.#barked < limit) return;
    this.#barked = now;
    this.#stalled = why;
    const { seq, route, state, attempts } = entry;
    alarm('a change that could be sent does not get through', {
      entry: seq,
      route,
      state,
      attempts,
      reason: why,
      seconds: Math.round((now - this.#since) / 1000),
    });
    kick();
  }
}
