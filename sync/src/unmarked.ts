/**
 * What took effect, and whose marker has not come by the end of the feed. It may lie before the place in the feed from
 * which this edge follows; or the cloud has lost it. queue/restored.ts says when that comes about.
 */
import { askAgain } from './queue/restored.ts';
import type { Reconcile } from './reconcile.ts';
import type { Slices } from './slices.ts';
import type { Store } from './store.ts';

export interface UnmarkedParts {
  store: Store;
  slices: Pick<Slices, 'commit'>;
  reconcile: Pick<Reconcile, 'under' | 'walkOf'>;
  /** Entries are to be sent once more. */
  asked(): void;
}

export class Unmarked {
  readonly #parts: UnmarkedParts;

  constructor(parts: UnmarkedParts) {
    this.#parts = parts;
  }

  /**
   * These had taken effect before the feed was asked, and by its end have had no marker. Those that the cloud had before it
   * was asked for them lie before the cursor. The others would have come: unless the cloud was put back to a backup that
   * knows the cursor, and lacks them. So it is asked (I2).
   */
  async settle(seqs: readonly number[]): Promise<void> {
    const { store, slices, reconcile, asked } = this.#parts;
    const [known, doubtful] = this.byProof(seqs);
    if (reconcile.under) await slices.commit('contained', known, (seq) => this.contain(seq));
    else await this.release(known);
    if (doubtful.length === 0) return;
    store.commitAs('contained', () => askAgain(store, doubtful, false));
    asked();
  }

  /** Those that are still shown: which of them lie before the cursor, and which have to be asked for. */
  byProof(seqs: readonly number[]): [known: number[], doubtful: number[]] {
    const { store } = this.#parts;
    const left = new Set(store.entries.applied());
    // Where the app keeps no keys its feed has no markers, and that none came says nothing.
    const isKnown = (seq: number) => store.again.isKnown(seq) || !store.app.honoursKeys;
    const still = seqs.filter((seq) => left.has(seq));
    return [still.filter(isKnown), still.filter((seq) => !isKnown(seq))];
  }

  /** Whatever the walk under way brings contains it; in the transaction under way. */
  contain(seq: number): void {
    this.#parts.store.contain(seq, (resource) => this.#parts.reconcile.walkOf(resource));
  }

  /** The base contains these. */
  async release(applied: readonly number[]): Promise<void> {
    const { store, slices } = this.#parts;
    const left = new Set(store.entries.applied());
    const contained = applied.filter((seq) => left.has(seq));
    if (contained.length === 0) return;
    await slices.commit('contained', contained, (seq, noted) => store.release(seq, noted));
  }
}
