/**
 * How many documents there are of each resource, as of the last count. A count walks an index, so it takes the longer the
 * more there are: it is made now and then, one resource at a time with everything else in between, and is kept, so that a
 * start knows it without counting.
 */
import { setTimeout as later } from 'node:timers';
import type { Store } from './store.ts';

export interface CensusParts {
  store: Pick<Store, 'tables' | 'meta' | 'setMeta' | 'commitAs'>;
  /** Lets everything go that waits for this thread. Rejects where the edge is stopping. */
  turn(): Promise<void>;
  /** The numbers are others now. */
  moved(): void;
}

const KEPT = 'counts';
/** At most this often, ms, and for no more than this share of the time: writes wait for a count. */
const EVERY = 2000;
const SHARE = 1 / 200;

export class Census {
  readonly #parts: CensusParts;
  #counts: Record<string, number>;
  #dueAt = performance.now() + EVERY;
  #counting = false;
  /** Whether all was there when it was counted last. */
  #complete: boolean;
  /** Once more after the start: what was counted last is from before something that may have been a power cut. */
  readonly #first: NodeJS.Timeout;

  constructor(parts: CensusParts, complete: boolean) {
    this.#parts = parts;
    this.#complete = complete;
    this.#counts = JSON.parse(parts.store.meta(KEPT) ?? '{}') as Record<string, number>;
    this.#first = later(() => this.#begin(), EVERY);
  }

  stop(): void {
    clearTimeout(this.#first);
  }

  of(resource: string): number {
    return this.#counts[resource] ?? 0;
  }

  /** Something has changed: counts anew, if it is time, or if all is there for the first time. */
  changed(complete: boolean): void {
    if (performance.now() < this.#dueAt && complete === this.#complete) return;
    this.#complete = complete;
    this.#begin();
  }

  #begin(): void {
    if (this.#counting) return;
    this.#counting = true;
    this.#count()
      // A stop, or a full disk: the numbers stay as they are.
      .catch(() => undefined)
      .finally(() => (this.#counting = false));
  }

  async #count(): Promise<void> {
    const { store, turn, moved } = this.#parts;
    const counts: Record<string, number> = {};
    let spent = 0;
    for (const [name, table] of store.tables) {
      await turn();
      const began = performance.now();
      counts[name] = table.count();
      spent += performance.now() - began;
    }
    this.#dueAt = performance.now() + Math.max(EVERY, spent / SHARE);
    const text = JSON.stringify(counts);
    if (text === JSON.stringify(this.#counts)) return;
    this.#counts = counts;
    moved();
    store.commitAs('counted', () => store.setMeta(KEPT, text));
  }
}
