/**
 * Whether a short read is waited for on the spot. From the system's own memory, or from a good disk, a record comes in
 * microseconds: less than it costs to hand the read to another thread. From a worn card it can take a second, in which
 * every hit would wait as well. So after a slow one nobody waits for a while, each time twice as long.
 */

/** A read that takes longer is slow, ms. */
const SLOW = 2;
/** How long nobody waits after one, at first and at the most, ms. */
const SHORTEST = 1000;
const LONGEST = 300_000;

/** Times are those of any clock that is never turned back, ms. */
export class ReadPace {
  readonly #inputs: () => number;
  /** At the last slow read. */
  #known: number;
  #pause = SHORTEST;
  #until = -Infinity;

  /** `inputs`: how often a disk has been read so far; on a busy processor a read can also take long without one. */
  constructor(inputs = () => process.resourceUsage().fsRead) {
    this.#inputs = inputs;
    this.#known = inputs();
  }

  isQuick(now: number): boolean {
    return now >= this.#until;
  }

  /** One that was waited for has ended at `now`. */
  took(ms: number, now: number): void {
    if (ms <= SLOW || !this.#hasDiskBeenRead()) return;
    const isSlowAgain = now < this.#until + this.#pause;
    this.#pause = isSlowAgain ? Math.min(2 * this.#pause, LONGEST) : SHORTEST;
    this.#until = now + this.#pause;
  }

  #hasDiskBeenRead(): boolean {
    const before = this.#known;
    this.#known = this.#inputs();
    return this.#known > before;
  }
}
