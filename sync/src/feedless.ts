/** Apps without a feed: walked again and again, or polled by marks and keys. Each round ends with a wait. */
import type { Answer } from './client.ts';
import type { Intake } from './intake.ts';
import type { Pause } from './pause.ts';
import { Polling } from './poll.ts';
import type { Ask, Poll } from './profile.ts';
import type { Reconcile } from './reconcile.ts';
import type { Slices } from './slices.ts';
import type { Store } from './store.ts';
import type { Unmarked } from './unmarked.ts';

export interface FeedlessParts {
  store: Store;
  slices: Slices;
  storeId: string;
  reconcile: Reconcile;
  unmarked: Unmarked;
  intake: Intake;
  pause: Pick<Pause, 'wait'>;
  now(): number;
  ask(ask: Ask): Promise<Answer>;
  /** Walks to the end. */
  finishWalk(): Promise<void>;
  /** A round ended well. */
  succeeded(): void;
  /** The position in time changed. */
  moved(): void;
}

const WALK_AGAIN = 60_000;

export class Feedless {
  readonly #parts: FeedlessParts;
  readonly #polling: Polling;
  /** When keys were last compared. */
  #keyed = 0;
  /** What had taken effect before the walk under way began. */
  #before: number[] = [];

  constructor(parts: FeedlessParts) {
    this.#parts = parts;
    this.#polling = new Polling(parts);
  }

  async round(): Promise<void> {
    const { poll } = this.#parts.store.app;
    return poll === undefined ? this.#byWalk() : this.#byMarks(poll);
  }

  /** A write that settled before a walk began is in what the walk brought. */
  async #byWalk(): Promise<void> {
    const { store, reconcile, unmarked, finishWalk, succeeded, pause } = this.#parts;
    if (!reconcile.under) {
      this.#before = store.entries.applied();
      reconcile.begin();
    }
    await finishWalk();
    await unmarked.release(this.#before);
    this.#before = [];
    succeeded();
    await pause.wait(WALK_AGAIN);
  }

  /** What settled before a poll began is in what it brought; a removal is in the keys alone. */
  async #byMarks(poll: Poll): Promise<void> {
    const { store, now, reconcile, unmarked, intake, finishWalk, succeeded, moved, pause } = this.#parts;
    if (!reconcile.complete || reconcile.under || !this.#polling.ready) {
      if (!reconcile.under || !this.#polling.ready) {
        await this.#polling.takeMarks(poll);
        reconcile.begin();
      }
      await finishWalk();
    }
    const [began, applied] = [now(), store.entries.applied()];
    await this.#polling.changes(poll);
    if (began - this.#keyed >= poll.keysEvery * 1000 || store.overlay.removes(applied)) {
      await this.#polling.keys(poll);
      this.#keyed = began;
    }
    await unmarked.release(applied);
    intake.equalled(began);
    succeeded();
    moved();
    await pause.wait(poll.every * 1000);
  }
}
