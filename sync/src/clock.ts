/**
 * The edge's clock: the wall's, but never behind a time that was already made durable, so that turning the wall clock
 * back neither reorders anything nor extends a grace.
 */
export class Clock {
  #latest: number;

  /** `durable`: the latest time in the database, ms since 1970. */
  constructor(durable: number) {
    this.#latest = durable;
  }

  now(): number {
    this.#latest = Math.max(this.#latest, Date.now());
    return this.#latest;
  }
}
