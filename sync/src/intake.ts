/**
 * What comes of the feed's pages: a page is applied in slices, each some whole transactions of the cloud: bases, markers,
 * rebase; the last one keeps the cursor, so a page that is cut is asked for again. The overlay lets go of an entry in the
 * very commit that applies its marker (I6).
 */
import type { Answer } from './client.ts';
import type { Batch, Change, Changes } from './profile.ts';
import { isSettled } from './queue/states.ts';
import type { Reconcile } from './reconcile.ts';
import { resOf } from './request.ts';
import type { Slices } from './slices.ts';
import type { Noted, Store } from './store.ts';
import { transactionsOf } from './transactions.ts';

export interface IntakeParts {
  store: Store;
  slices: Pick<Slices, 'commit'>;
  reconcile: Pick<Reconcile, 'under' | 'walkOf'>;
  /** The cloud knows the cursor. */
  proved(): void;
  /** The position in time changed. */
  moved(): void;
}

/** Of pages that are asked for beside what follows the feed: where they begin, and the walk that they are asked for in. */
export type From = readonly [cursor: string, walking: string | null];

/** The cloud does not know the cursor: it was restored from a backup, or is another one. */
export class Restored extends Error {}

/** An idle feed's time is made durable this often, ms. */
const KEEP_AS_OF = 30_000;

export class Intake {
  readonly #parts: IntakeParts;
  #asOf: number | null;
  /** As it stands in the database. */
  #keptAsOf = 0;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    const asOf = parts.store.meta('as-of');
    this.#asOf = asOf === null ? null : Number(asOf);
  }

  /** When the base was last known to equal the cloud, ms since 1970. */
  get asOf(): number | null {
    return this.#asOf;
  }

  /**
   * Applies pages that follow each other, asked for at a time, and from a position within a walk unless they follow the
   * feed; true if there are more. Rejects with `Restored`.
   */
  async take(changes: Changes, answers: readonly Answer[], asked: number, from?: From): Promise<boolean> {
    const { store, slices, reconcile, proved, moved } = this.#parts;
    const batches = answers.map((answer) => this.read(changes, answer));
    const last = batches.at(-1);
    if (last === undefined) return false;
    proved();
    // Until the last page is in, and while a walk goes on, the base is as old as it was (I13).
    const asOf = last.more || reconcile.under ? null : asked;
    const transactions = batches.flatMap((batch) => transactionsOf(batch.changes));
    // An idle position says only that all is still the same: worth a commit only now and then.
    if (transactions.length > 0 || last.cursor !== store.meta('cursor') || this.#isAsOfOverdue(asked))
      await slices.commit(
        'feed',
        transactions,
        (transaction, noted) => {
          if (from !== undefined) this.assertSame(from[1]);
          this.apply(transaction, noted);
        },
        () => {
          if (from === undefined || store.meta('cursor') === from[0]) this.keepPosition(last);
          if (asOf !== null) this.#keepAsOf(asOf);
        },
      );
    if (asOf !== null) this.#asOf = asOf;
    moved();
    return last.more;
  }

  /** A page. Throws `Restored`. */
  read(changes: Changes, answer: Answer): Batch {
    const batch = changes.read(resOf(answer));
    const epoch = this.#parts.store.meta('epoch');
    if (batch === 'restored' || (epoch !== null && batch.epoch !== epoch)) throw new Restored();
    return batch;
  }

  /**
   * What a restored cloud says must not come here before it has been offered again what it lost, nor what it said before
   * that after it.
   */
  assertSame(walking: string | null): void {
    if (this.#parts.store.meta('walking') !== walking) throw new Error('the cloud was restored meanwhile');
  }

  /** In the transaction under way. */
  apply(transaction: readonly Change[], noted: Noted): void {
    for (const change of transaction) {
      if (change.type === 'marker') this.#land(change, noted);
      else this.#change(change, noted);
    }
  }

  #change(change: Exclude<Change, { type: 'marker' }>, noted: Noted): void {
    const { store, reconcile } = this.#parts;
    if (store.app.resources[change.resource] === undefined) return;
    const doc = change.type === 'put' ? change.doc : null;
    store.putBase(change.resource, change.id, change.version, doc, reconcile.walkOf(change.resource));
    noted.tag(change.resource, `${change.resource}/${change.id}`);
  }

  /** The base now contains everything that the write under this key did. */
  #land(marker: Extract<Change, { type: 'marker' }>, noted: Noted): void {
    const { store } = this.#parts;
    const entry = store.entries.byKey(marker.cause.user, marker.cause.key);
    if (entry === null || !entry.overlaid) return;
    // Only its answer tells the ids that the cloud gave: until then its documents are known by the temporary ones.
    const awaitsIds = !isSettled(entry.state) && store.app.writes[entry.route]?.result !== undefined;
    if (awaitsIds) store.entries.setMarked(entry.seq);
    else store.release(entry.seq, noted);
  }

  /** Where the feed goes on, in the transaction under way. */
  keepPosition(batch: Batch): void {
    const { store } = this.#parts;
    store.setMeta('cursor', batch.cursor);
    store.setMeta('epoch', batch.epoch);
  }

  /** A walk that began then has ended. */
  complete(asOf: number): void {
    this.#parts.store.commitAs('complete', () => this.#keepAsOf(asOf));
    this.#asOf = asOf;
  }

  /** A poll that began then has found all that there was; made durable now and then. */
  equalled(asOf: number): void {
    if (this.#isAsOfOverdue(asOf)) this.complete(asOf);
    this.#asOf = asOf;
  }

  #isAsOfOverdue(now: number): boolean {
    return now - this.#keptAsOf > KEEP_AS_OF;
  }

  #keepAsOf(asOf: number): void {
    this.#keptAsOf = asOf;
    this.#parts.store.setMeta('as-of', String(asOf));
  }
}
