/** The end of an entry: applied or refused, by the cloud's word or a person's. Runs inside the writer's transaction. */
import type { Answer } from './client.ts';
import { messageOf } from './database.ts';
import type { InboxKind } from './inbox/types.ts';
import type { Verdict } from './profile.ts';
import type { QueuedEntry } from './queue/entries.ts';
import { resOf } from './request.ts';
import type { Noted, Store } from './store.ts';

export interface SettlementParts {
  store: Store;
  /** The edge's clock, ms since 1970. */
  now(): number;
  alarm(message: string, detail: Record<string, unknown>): void;
}

export class Settlement {
  readonly #parts: SettlementParts;

  constructor(parts: SettlementParts) {
    this.#parts = parts;
  }

  /**
   * It took effect. The overlay shows it until the base contains it: the feed's marker says when (I6). `answer` null: a
   * person says so. Returns the entries that settled.
   */
  applied(
    entry: QueuedEntry,
    verdict: Verdict,
    answer: Answer | null,
    ids: Record<string, string>,
    noted: Noted,
  ): number[] {
    const { store } = this.#parts;
    store.replaceIds(ids, entry.seq);
    store.entries.settle(entry.seq, 'done', verdict, answer, this.#time());
    store.entries.forgetNeed(entry.seq);
    noted.tag(...entry.tags);
    if (entry.marked && this.#isHere(entry.seq)) store.release(entry.seq, noted);
    return [entry.seq];
  }

  /**
   * Is what it made known here under the ids that are good now? The marker may be of a cloud that was restored since, and
   * this answer of the restored one, which made it anew.
   */
  #isHere(seq: number): boolean {
    const { store } = this.#parts;
    return store.again.madeBy(seq).every(({ resource, id }) => {
      const row = store.tables.get(resource)?.row(store.settledIds(id));
      return row !== null && row !== undefined && (row.base !== null || row.version > 0);
    });
  }

  /** It will never take effect: the overlay lets go, and proposals that build on it go to the inbox with it. */
  refused(entry: QueuedEntry, verdict: Verdict, answer: Answer, noted: Noted): number[] {
    const { store } = this.#parts;
    store.entries.settle(entry.seq, 'refused', verdict, answer, this.#time());
    store.entries.setInbox(entry.seq, this.#kindOf(entry, verdict, answer));
    if (entry.overlaid) store.release(entry.seq, noted);
    return [entry.seq, ...this.#orphan(entry.seq, answer, noted)];
  }

  /** What needs a refused entry, directly or through others; each once, however many ways lead to it. */
  #orphan(refused: number, answer: Answer, noted: Noted): number[] {
    const { entries } = this.#parts.store;
    const gone = [refused];
    // Grows while it is walked.
    for (const seq of gone) {
      const needing = entries.needing(seq);
      // A fact has happened whatever became of the proposal beneath it: it is sent (DESIGN: facts are not refused).
      entries.forgetNeed(seq);
      for (const orphan of needing.filter((entry) => entry.kind === 'proposal')) {
        entries.settle(orphan.seq, 'orphaned', 'orphaned', answer, this.#time());
        entries.setInbox(orphan.seq, 'orphaned');
        entries.setOrphanOf(orphan.seq, seq);
        if (orphan.overlaid) this.#parts.store.release(orphan.seq, noted);
        gone.push(orphan.seq);
      }
    }
    return gone.slice(1);
  }

  #kindOf(entry: QueuedEntry, verdict: Verdict, answer: Answer): InboxKind {
    if (verdict === 'key-mismatch') return 'key-mismatch';
    const { store, alarm } = this.#parts;
    try {
      const conflict = store.app.conflict?.(store.view, store.rebase.reqOf(entry), resOf(answer)) ?? null;
      return conflict === null ? 'refused' : 'conflict';
    } catch (error) {
      alarm('the profile cannot read this refusal', { entry: entry.seq, route: entry.route, error: messageOf(error) });
      return 'refused';
    }
  }

  #time(): string {
    return new Date(this.#parts.now()).toISOString();
  }
}
