/**
 * The poll, for apps without a feed: documents changed since a mark, and the keys of all of them, to see which are gone.
 * The marks are taken before the walk begins, as a feed's cursor would be; each poll takes the next one from its first
 * page's answer, so that what changes between two pages comes again.
 */
import type { Answer } from './client.ts';
import type { Ask, Poll } from './profile.ts';
import type { Reconcile } from './reconcile.ts';
import { resOf } from './request.ts';
import type { Slices } from './slices.ts';
import type { Store } from './store.ts';

export interface PollingParts {
  store: Store;
  slices: Slices;
  storeId: string;
  reconcile: Reconcile;
  ask(ask: Ask): Promise<Answer>;
}

const markOf = (resource: string) => `mark:${resource}`;

export class Polling {
  readonly #parts: PollingParts;

  constructor(parts: PollingParts) {
    this.#parts = parts;
  }

  /** It is known from where to poll. */
  get ready(): boolean {
    const { store } = this.#parts;
    return Object.keys(store.app.resources).every((name) => store.meta(markOf(name)) !== null);
  }

  /** Where the first poll after a walk begins: to be called before the walk does. */
  async takeMarks(poll: Poll): Promise<void> {
    const { store, storeId, ask } = this.#parts;
    const marks = new Map<string, string>();
    for (const name of Object.keys(store.app.resources))
      marks.set(name, poll.read(resOf(await ask(poll.ask(name, null, null, storeId)))).mark);
    store.commitAs('walk-cursor', () => marks.forEach((mark, name) => store.setMeta(markOf(name), mark)));
  }

  /** Fetches and applies what has changed. What an answer says counts before all that earlier ones said. */
  async changes(poll: Poll): Promise<void> {
    const { store, storeId, slices, ask, reconcile } = this.#parts;
    reconcile.next();
    for (const [name, resource] of Object.entries(store.app.resources)) {
      const since = store.meta(markOf(name));
      let mark: string | null = null;
      for (let page: string | null = null, isOver = false; !isOver;) {
        const found = poll.read(resOf(await ask(poll.ask(name, since, page, storeId))));
        mark ??= found.mark;
        page = found.next;
        isOver = page === null;
        const walk = reconcile.walkOf(name);
        await slices.commit(
          'walk-page',
          found.docs,
          (doc, noted) => {
            const id = String(doc[resource.id]);
            if (store.putBase(name, id, resource.version(doc), doc, walk)) noted.tag(`${name}/${id}`);
          },
          () => {
            if (isOver) store.setMeta(markOf(name), mark);
          },
        );
      }
    }
  }

  /** Compares keys: what was here before the first page was asked for, and is on none, is in the cloud no more. */
  async keys(poll: Poll): Promise<void> {
    const { store, storeId, slices, ask, reconcile } = this.#parts;
    reconcile.next();
    for (const [name, table] of store.tables) {
      const gone = new Set<string>();
      for (const { id } of table.bases({ after: null, through: null })) gone.add(id);
      for (let page: string | null = null, isOver = false; !isOver;) {
        const { ids, next } = poll.readKeys(resOf(await ask(poll.keys(name, page, storeId))));
        for (const id of ids) gone.delete(id);
        page = next;
        isOver = next === null;
      }
      await slices.commit('walk-page', [...gone], (id, noted) => {
        // As after a walk: what is not there has no version.
        store.putBase(name, id, 0, null, reconcile.walkOf(name));
        noted.tag(`${name}/${id}`);
      });
    }
  }
}
