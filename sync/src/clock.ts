/**
 * The edge's clock: the wall's, but never behind a time that was already made durable, so that turning the wall clock
 * back neither reorders anything nor extends a grace; plus the offset learnt from the cloud, by which every edge and the
 * cloud agree on when something happened.
 */

export interface ClockOptions {
  /** The latest time in the database, ms since 1970, by this clock. */
  durable: number;
  /** The offset as it was kept, ms. */
  offset: number;
  wall?: () => number;
}

/** `Date` counts in whole seconds (RFC 9110 §5.6.7), ms. */
const RESOLUTION = 1000;
/** An answer that took longer says too little of the time, ms. */
const SLOWEST = 10_000;

export class Clock {
  readonly #wall: () => number;
  /** The latest time of the wall clock. */
  #latest: number;
  #offset: number;
  #learnt = false;

  constructor({ durable, offset, wall = Date.now }: ClockOptions) {
    this.#wall = wall;
    this.#offset = offset;
    this.#latest = durable - offset;
  }

  /** ms since 1970. */
  now(): number {
    return this.#base() + this.#offset;
  }

  get offset(): number {
    return this.#offset;
  }

  /** How far the box's own clock is ahead of the cloud's, ms; null: the cloud has not been heard since the start. */
  get skew(): number | null {
    return this.#learnt ? Math.round(this.#wall() - this.now()) : null;
  }

  /**
   * Learns from the `Date` of an answer of the app that took so many ms. True if the offset is another one now: smaller
   * differences than what such an answer leaves open change nothing.
   */
  learn(date: string | undefined, took: number): boolean {
    const said = Date.parse(date ?? '');
    if (Number.isNaN(said) || took > SLOWEST) return false;
    this.#learnt = true;
    // Somewhere within the second that was said, and half a round trip ago.
    const offset = Math.round(said + RESOLUTION / 2 + took / 2 - this.#base());
    if (Math.abs(offset - this.#offset) <= RESOLUTION + took) return false;
    this.#offset = offset;
    return true;
  }

  #base(): number {
    this.#latest = Math.max(this.#latest, this.#wall());
    return this.#latest;
  }
}
