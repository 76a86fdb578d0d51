/**
 * The walk over all of the cloud's documents, resource by resource and page by page. It is the bootstrap of an empty
 * replica, the sweep after the cloud was restored, and, for apps without a feed, the poll that finds changes and
 * deletions. A walk that is cut goes on where it was.
 */
import type { StatementSync } from 'node:sqlite';
import type { Answer } from './client.ts';
import type { Ask, Resource } from './profile.ts';
import { resOf } from './request.ts';
import type { Slices } from './slices.ts';
import type { Store } from './store.ts';
import { EVERYTHING } from './tag-table.ts';

export interface ReconcileParts {
  store: Store;
  slices: Pick<Slices, 'commit'>;
  storeId: string;
  now(): number;
  ask(ask: Ask): Promise<Answer>;
  /** Applies what the cloud had committed when this was called, markers and all; nothing where there is no feed. */
  reach(): Promise<void>;
}

export class Reconcile {
  readonly #parts: ReconcileParts;
  readonly #select: StatementSync;

  constructor(parts: ReconcileParts) {
    this.#parts = parts;
    this.#select = parts.store.db.prepare('SELECT name, complete, walk, page FROM resource');
  }

  /** Every resource has been walked to its end at least once: the replica may answer for all (I9). */
  get complete(): boolean {
    return this.#rows().every((row) => row.complete);
  }

  /** Begins a new walk of everything. What is there goes on answering meanwhile. */
  begin(): void {
    this.#parts.store.commitAs('walk-begun', () => this.mark());
  }

  /** The same, in the transaction under way. */
  mark(): void {
    const { store, now } = this.#parts;
    store.db.exec('UPDATE resource SET walk = walk + 1, page = NULL');
    store.setMeta('walking', String(now()));
  }

  /** From now on what the cloud says counts before all that it said earlier, whatever the versions. */
  next(): void {
    const { store } = this.#parts;
    store.commitAs('walk-begun', () => store.db.exec('UPDATE resource SET walk = walk + 1'));
  }

  /** When the walk under way was begun, or the last one that was: ms since 1970. */
  get begun(): number {
    return Number(this.#parts.store.meta('walking') ?? this.#parts.store.meta('walked') ?? 0);
  }

  /** The walk that a resource is in: what it brings counts before anything that earlier ones brought. */
  walkOf(name: string): number {
    return this.#row(name).walk;
  }

  /** A walk was begun and has not ended. */
  get under(): boolean {
    return this.#parts.store.meta('walking') !== null;
  }

  /** A walk was begun, and no page of it is here whole: it will bring every document that the cloud has from now on. */
  get isAtStart(): boolean {
    return this.under && this.#rows().every(({ page }) => page === null);
  }

  /** Walks on to the end. Throws a `CloudFault` where the link is cut; called again, it goes on with the next page. */
  async finish(): Promise<void> {
    const { store } = this.#parts;
    for (const name of Object.keys(store.app.resources)) await this.#walk(name);
    store.commitAs('walk-ended', (noted) => {
      store.setMeta('walked', store.meta('walking'));
      store.setMeta('walking', null);
      noted.tag(EVERYTHING);
    });
  }

  async #walk(name: string): Promise<void> {
    const { store, slices, reach } = this.#parts;
    const resource = store.app.resources[name];
    if (resource === undefined) return;
    const { walk, page } = this.#row(name);
    if (page === DONE) return;
    const keep = store.db.prepare('UPDATE resource SET page = ? WHERE name = ?');
    for (let asked = this.#page(resource, page); ;) {
      const { docs, next } = await asked;
      // On its way while this one is stored; one at the most.
      if (next !== null) asked = this.#page(resource, next);
      // Some of these documents may contain what a waiting write did, and those of earlier pages not, or the other way
      // round: once its marker is in, all of them do (I6). What is accepted after this is in none of them.
      if (!store.overlay.isEmpty()) await reach();
      await slices.commit(
        'walk-page',
        docs,
        (doc) => store.putBase(name, String(doc[resource.id]), resource.version(doc), doc, walk),
        () => {
          if (next !== null) keep.run(next, name);
        },
      );
      if (next === null) return this.#end(name, walk);
    }
  }

  #page(resource: Resource, page: string | null): Promise<Page> {
    const asked = this.#parts
      .ask(resource.list(page, this.#parts.storeId))
      .then((answer) => resource.page(resOf(answer)));
    // Whoever waits for it hears of it; until then nobody does.
    asked.catch(() => undefined);
    return asked;
  }

  /** The last page is in: what the walk did not meet is not in the cloud any more. */
  async #end(name: string, walk: number): Promise<void> {
    const { store, slices } = this.#parts;
    await slices.commit(
      'walk-page',
      store.tables.get(name)?.unmet(walk) ?? [],
      // What is not there has no version: a restored cloud that makes it again begins anew.
      (id) => store.putBase(name, id, 0, null, walk),
      () => void store.db.prepare('UPDATE resource SET page = ?, complete = 1 WHERE name = ?').run(DONE, name),
    );
  }

  #row(name: string): Row {
    const row = this.#rows().find((candidate) => candidate.name === name);
    if (row === undefined) throw new Error(`there is no resource "${name}"`);
    return row;
  }

  #rows(): Row[] {
    return this.#select
      .all()
      .filter((row) => this.#parts.store.app.resources[String(row['name'])] !== undefined)
      .map((row) => ({
        name: String(row['name']),
        complete: row['complete'] === 1,
        walk: Number(row['walk']),
        page: typeof row['page'] === 'string' ? row['page'] : null,
      }));
  }
}

type Page = ReturnType<Resource['page']>;

interface Row {
  name: string;
  complete: boolean;
  walk: number;
  page: string | null;
}

/** In place of a page: this resource's walk has ended. */
const DONE = '\0done';
