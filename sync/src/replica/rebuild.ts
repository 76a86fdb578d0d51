/**
 * Fills the tables that a new release of the profile wants, from the documents kept in the old ones, while those go on
 * being read and written. Each change of a document is copied over as it is made (`tables.ts`), and all the others here,
 * slice by slice in the order of ids; a process that ends goes on where it was. When none is left the new tables take the
 * old ones' place in one transaction, and the old ones are cleared away.
 */
import { messageOf, quote } from '../database.ts';
import type { Slices } from '../slices.ts';
import type { Store } from '../store.ts';
import { leftTables, placesOf } from './places.ts';
import { openCopy } from './tables.ts';

export interface RebuildParts {
  store: Store;
  slices: Slices;
  /** Lets everything go that waits for this thread. Rejects where the edge is stopping. */
  turn(): Promise<void>;
  /** A resource's tables are new. */
  moved(): void;
  log(level: 'info' | 'warn', message: string, detail: Record<string, unknown>): void;
}

/** Documents looked up at once. */
const BATCH = 500;
/** After a failure, ms. */
const AGAIN = 30_000;

export class Rebuild {
  readonly #parts: RebuildParts;

  #again: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(parts: RebuildParts) {
    this.#parts = parts;
  }

  /** Does all there is to do; where the disk is full, later. */
  begin(): void {
    this.run().catch((error: unknown) => {
      if (this.#stopped) return;
      this.#parts.log('warn', 'the replica could not be built anew for this release', { error: messageOf(error) });
      this.#again = setTimeout(() => this.begin(), AGAIN);
    });
  }

  stop(): void {
    this.#stopped = true;
    if (this.#again !== null) clearTimeout(this.#again);
  }

  /** The same once. Rejects where the disk is full or the edge stops; called again, it goes on. */
  async run(): Promise<void> {
    // Whoever started the edge is told first that it is ready.
    await this.#parts.turn();
    for (const name of Object.keys(this.#parts.store.app.resources)) await this.#build(name);
    await this.#clear();
  }

  async #build(name: string): Promise<void> {
    const { store, slices, turn, moved, log } = this.#parts;
    const resource = store.app.resources[name];
    const { used, next } = resource === undefined ? { next: null } : placesOf(store.db, name, resource);
    if (resource === undefined || next === null) return;
    const began = performance.now();
    const copy = openCopy(store.db, resource, used, next);
    const after = store.db.prepare(`SELECT id FROM ${used.documents} WHERE id > ? ORDER BY id LIMIT ${BATCH}`);
    const keep = store.db.prepare('UPDATE resource SET built = ? WHERE name = ?');
    for (let last = this.#builtUpTo(name); ;) {
      const ids = after.all(last).map((row) => String(row['id']));
      const end = ids.at(-1);
      if (end === undefined) break;
      await slices.commit('rebuild', ids, copy, () => void keep.run(end, name));
      last = end;
      await turn();
    }
    this.#takePlace(name, next.generation);
    moved();
    log('info', 'the replica was built anew for this release', { resource: name, ms: performance.now() - began });
  }

  /** The last id of the slices that are whole; ids are not empty. */
  #builtUpTo(name: string): string {
    const built = this.#parts.store.db.prepare('SELECT built FROM resource WHERE name = ?').get(name)?.['built'];
    return typeof built === 'string' ? built : '';
  }

  #takePlace(name: string, generation: number): void {
    const { store } = this.#parts;
    store.commitAs('rebuilt', () =>
      store.db
        .prepare(
          `UPDATE resource SET generation = next, shape = next_shape, next = NULL, next_shape = NULL, built = NULL
          WHERE name = ?`,
        )
        .run(name),
    );
    store.rebuilt(name, generation);
  }

  /** Piece by piece: to give a large table's pages back at once would hold up the writes that come in. */
  async #clear(): Promise<void> {
    const { db } = this.#parts.store;
    const { documents, grams } = leftTables(db);
    for (const name of grams) await this.#drop(`TABLE ${quote(name)}`);
    const indexes = db.prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
    );
    for (const name of documents) {
      for (const index of indexes.all(name)) await this.#drop(`INDEX ${quote(String(index['name']))}`);
      await this.#empty(quote(name));
      await this.#drop(`TABLE ${quote(name)}`);
    }
  }

  async #drop(what: string): Promise<void> {
    const { store, turn } = this.#parts;
    store.commitAs('cleared', () => store.db.exec(`DROP ${what}`));
    await turn();
  }

  async #empty(table: string): Promise<void> {
    const { store, slices, turn } = this.#parts;
    const some = store.db.prepare(`SELECT rowid FROM ${table} LIMIT ${BATCH}`);
    const remove = store.db.prepare(`DELETE FROM ${table} WHERE rowid = ?`);
    for (let rows = some.all(); rows.length > 0; rows = some.all()) {
      await slices.commit('cleared', rows, (row) => void remove.run(Number(row['rowid'])));
      await turn();
    }
  }
}
