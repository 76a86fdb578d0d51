/**
 * From nothing, or from a cloud that was restored, to a walk: the feed's place is taken first, so that what changes while
 * the walk goes on comes afterwards; what the cloud may have lost is offered again; and the feed is read to the present.
 * docs/decisions/0007 says why in this order.
 */
import type { Answer } from './client.ts';
import { CloudFault } from './fault.ts';
import { type Intake, Restored } from './intake.ts';
import { lastChanges } from './last-changes.ts';
import type { Pause } from './pause.ts';
import type { Ask, Batch, Changes } from './profile.ts';
import { askAgain, offerAgain, untilSettled } from './queue/restored.ts';
import type { Reconcile } from './reconcile.ts';
import { resOf } from './request.ts';
import type { Store } from './store.ts';
import { EVERYTHING } from './tag-table.ts';
import type { Unmarked } from './unmarked.ts';

export interface RestorationParts {
  store: Store;
  storeId: string;
  /** What was applied is offered again to a cloud that was restored, if not longer ago than this, ms. */
  keepSettled: number;
  reconcile: Reconcile;
  unmarked: Unmarked;
  intake: Intake;
  pause: Pick<Pause, 'wait'>;
  now(): number;
  /** `mayBeGone`: an answer that the cursor is unknown is one, too. */
  ask(ask: Ask, mayBeGone?: boolean): Promise<Answer>;
  /** The link was found down since the attempt began. */
  isBroken(): boolean;
  /** The cloud knows the cursor. */
  proved(): void;
  /** The cloud was restored or replaced: nothing that is cached of it is trusted. */
  restored(): void;
  log(level: 'info' | 'warn', message: string, detail?: Record<string, unknown>): void;
}

export class Restoration {
  readonly #parts: RestorationParts;

  constructor(parts: RestorationParts) {
    this.#parts = parts;
  }

  /** Takes the cursor, then begins the walk: nothing that changes in between is lost. */
  async begin(changes: Changes): Promise<void> {
    const { store, now, reconcile, intake } = this.#parts;
    const batch = await this.#end(changes);
    reconcile.begin();
    store.commitAs('walk-cursor', (noted) => {
      intake.keepPosition(batch);
      // What was sent before now may lie before that position: the documents fetched would contain what is shown besides.
      offerAgain(store, now(), null, noted);
    });
  }

  /**
   * The cloud's history was replaced: what it may have lost is offered again, then all is fetched anew beside what is
   * here. Its new end is taken first, so that it is known again before anything is sent.
   */
  async restore(changes: Changes): Promise<void> {
    const { store, keepSettled, log, now, reconcile, intake, restored, proved } = this.#parts;
    const batch = await this.#end(changes);
    const entries = store.commitAs('restored', (noted) => {
      reconcile.mark();
      intake.keepPosition(batch);
      noted.tag(EVERYTHING);
      return offerAgain(store, now(), now() - keepSettled, noted);
    });
    log('warn', 'the cloud was restored or replaced: offering again what it may have lost, then fetching everything', {
      entries,
    });
    restored();
    proved();
  }

  /** Before a walk begins or goes on: is it still the same cloud, and does it have all that it is to have? */
  async readyToWalk(changes: Changes, catchUp: () => Promise<void>): Promise<void> {
    const { store, reconcile } = this.#parts;
    for (;;) {
      if (store.again.count() > 0) await this.#offerAgain(changes);
      if (!reconcile.under) return;
      if (!reconcile.isAtStart) return catchUp();
      if (await this.#catchUpBeside(changes)) return;
    }
  }

  /**
   * Waits while replay offers again what the cloud has lost. Until then the base stays as it is: it contains all of that,
   * and the documents of the restored cloud do not yet (I6). What cannot be settled holds the documents that it touches as
   * they are, from then on until it is.
   */
  async #offerAgain(changes: Changes): Promise<void> {
    const { store, storeId, ask, proved, pause, isBroken, log } = this.#parts;
    if (changes.read(resOf(await ask(changes.ask(store.meta('cursor'), storeId), true))) === 'restored')
      throw new Restored();
    proved();
    const left = await untilSettled(store, async (ms) => {
      if (isBroken()) throw new CloudFault('reset', false);
      await pause.wait(ms);
    });
    store.commitAs('restored', () => {
      for (const seq of store.again.end()) store.rebase.hold(seq);
    });
    log('info', 'what the restored cloud had lost has been offered again', { left });
  }

  /**
   * To the present before a walk, in one commit: the old bases go on answering for all that the walk will bring (I6). False
   * where nothing came of it, because the cloud has to be asked for something first.
   */
  async #catchUpBeside(changes: Changes): Promise<boolean> {
    const { store, storeId, ask, proved, intake, unmarked, reconcile } = this.#parts;
    const applied = store.entries.applied();
    const { held, markers, last } = await lastChanges(store, async (cursor) => {
      const batch = intake.read(changes, await ask(changes.ask(cursor, storeId), true));
      proved();
      return batch;
    });
    return store.commitAs('feed', (noted) => {
      const [known, doubtful] = unmarked.byProof(applied.filter((seq) => !markers.has(seq)));
      if (doubtful.length > 0) {
        askAgain(store, doubtful, true);
        return false;
      }
      // A removal of what was brought before the last cut may be among what is not held: it is to be met again.
      reconcile.mark();
      intake.apply(held, noted);
      for (const seq of known) unmarked.contain(seq);
      intake.keepPosition(last);
      return true;
    });
  }

  /** The feed's present end. */
  async #end(changes: Changes): Promise<Batch> {
    const { ask, storeId } = this.#parts;
    const batch = changes.read(resOf(await ask(changes.ask(null, storeId))));
    if (batch === 'restored') throw new Error('the cloud has no position to start from');
    return batch;
  }
}
