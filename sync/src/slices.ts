/**
 * Bulk work (pages of the feed and of the walk, releases) in short commits, with everything else in between: a write that
 * comes in waits for one slice at the most.
 */
import type { Step } from './crash-point.ts';
import type { Noted, Store } from './store.ts';

export interface SlicesParts {
  store: Pick<Store, 'commitAs'>;
  /** Lets everything go that waits for this thread: writes first. */
  turn(): Promise<void>;
  /** Processor time of this thread, ms. A wait for the disk, or for a core, does not make a slice longer. */
  spent(): number;
}

/** What a slice may cost, ms. */
const SLICE = 10;
/** So much of it at the least is new work, ms: what each commit costs anyhow must not be all that a slice does. */
const LEAST = 1;

export class Slices {
  readonly #parts: SlicesParts;
  /** How long a slice takes up new work; the rest is for bringing the views in line, which grows with it. */
  #budget = SLICE / 2;

  constructor(parts: SlicesParts) {
    this.#parts = parts;
  }

  /**
   * Does `work` for each unit in order, `end` in the same commit as the last one. A unit is never split. What was
   * committed stays where a later slice throws or the process ends: `end` is the place to say how far all this has come.
   */
  async commit<T>(
    step: Step,
    units: readonly T[],
    work: (unit: T, noted: Noted) => void,
    end: (noted: Noted) => void = () => undefined,
  ): Promise<void> {
    for (let at = 0; ;) {
      at = this.#slice(step, units, at, work, end);
      if (at >= units.length) return;
      await this.#parts.turn();
    }
  }

  /** One slice, from a unit on; returns the next one's first. */
  #slice<T>(
    step: Step,
    units: readonly T[],
    from: number,
    work: (unit: T, noted: Noted) => void,
    end: (noted: Noted) => void,
  ): number {
    const { store, spent } = this.#parts;
    const begun = spent();
    let worked = 0;
    const next = store.commitAs(step, (noted) => {
      let at = from;
      for (; at < units.length && worked < this.#budget; at++) {
        // Of its type, being within bounds.
        work(units[at] as T, noted);
        worked = spent() - begun;
      }
      if (at >= units.length) end(noted);
      return at;
    });
    const all = Math.max(spent() - begun, LEAST);
    this.#budget = Math.min(SLICE, Math.max(LEAST, (SLICE * worked) / all));
    return next;
  }
}
