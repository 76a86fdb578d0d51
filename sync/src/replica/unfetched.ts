/** What a check looks at while the replica may not have all of it yet (I9). */
import type { Doc, Query, Reader } from '../profile.ts';

/** Notes whether something was asked for that may only not have been fetched yet. */
export class Unfetched implements Reader {
  readonly store: string;
  readonly #view: Reader;
  #asked = false;

  constructor(view: Reader) {
    this.store = view.store;
    this.#view = view;
  }

  /** A document was not there, or some were looked through, of which any may have been missing. */
  get asked(): boolean {
    return this.#asked;
  }

  get(resource: string, id: string): Doc | null {
    const doc = this.#view.get(resource, id);
    if (doc === null) this.#asked = true;
    return doc;
  }

  list(resource: string, query: Query): Doc[] {
    this.#asked = true;
    return this.#view.list(resource, query);
  }

  count(resource: string, query: Query): number {
    this.#asked = true;
    return this.#view.count(resource, query);
  }
}
