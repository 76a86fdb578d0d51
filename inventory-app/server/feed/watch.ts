/** Wakes those who follow the feed: at once for what this process commits, soon for what others do. */
import type { Database } from '../db/open.ts';

const POLL_MS = 500;

export class FeedWatch {
  readonly #database: Database;
  readonly #followers = new Set<Follower>();
  #poll: NodeJS.Timeout | null = null;
  #seen = -1;

  constructor(database: Database) {
    this.#database = database;
  }

  /** How many follow at the moment. */
  get followers(): number {
    return this.#followers.size;
  }

  /** This process committed changes for these stores' subsets; null among them: for all. */
  wake(stores: readonly (string | null)[]): void {
    for (const follower of this.#followers) {
      if (stores.includes(null) || stores.includes(follower.store)) follower.wake();
    }
  }

  /** Begins to follow one store's subset. One poll serves all followers; it runs while there are any. */
  follow(store: string | null): Follower {
    const follower = new Follower(store, () => this.#leave(follower));
    this.#followers.add(follower);
    this.#poll ??= setInterval(() => void this.#look(), POLL_MS).unref();
    return follower;
  }

  #leave(follower: Follower): void {
    this.#followers.delete(follower);
    if (this.#followers.size > 0 || this.#poll === null) return;
    clearInterval(this.#poll);
    this.#poll = null;
  }

  async #look(): Promise<void> {
    // A database that does not answer now is asked again in a moment; whoever reads a page meets the error itself.
    const last = await this.#database.prisma.change
      .findFirst({ orderBy: { position: 'desc' }, select: { position: true } })
      .catch(() => undefined);
    if (last === undefined) return;
    const position = last?.position ?? 0;
    if (position === this.#seen) return;
    this.#seen = position;
    for (const follower of this.#followers) follower.wake();
  }
}

export class Follower {
  readonly store: string | null;
  /** Ends the following. */
  readonly leave: () => void;
  /** Remembers what happened while the follower was busy reading, so that no waking is missed. */
  #woken = false;
  #resolve: (() => void) | null = null;

  constructor(store: string | null, leave: () => void) {
    this.store = store;
    this.leave = leave;
  }

  wake(): void {
    this.#woken = true;
    this.#resolve?.();
  }

  readonly #release = (): void => this.#resolve?.();

  /** Resolves when there may be something new since the last time, after `ms`, or when the signal aborts. */
  async changed(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#woken) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, ms);
      signal.addEventListener('abort', this.#release, { once: true });
      this.#resolve = resolve;
      if (!signal.aborted) await promise;
      clearTimeout(timer);
      signal.removeEventListener('abort', this.#release);
    }
    this.#woken = false;
    this.#resolve = null;
  }
}
