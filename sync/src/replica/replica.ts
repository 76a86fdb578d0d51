/** Answers from the replica over a connection of its own, each from one snapshot: reads wait for no fsync. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Call, ReplicaAnswer } from '../client.ts';
import { openCheckpointer, openReader } from '../database.ts';
import type { App, Read, User } from '../profile.ts';
import { answerOf, reqOf } from '../request.ts';
import { compileRoutes, type Routes } from '../route.ts';
import { EVERYTHING } from '../tag-table.ts';
import { absentIn } from './absent.ts';
import { Incomplete } from './places.ts';
import { openTables, type OpenTables } from './tables.ts';
import { View } from './view.ts';

export class Replica {
  readonly #db: DatabaseSync;
  readonly #checkpointer: DatabaseSync;
  readonly #routes: Routes<Read<User>>;
  readonly #view: View;
  readonly #isComplete: StatementSync;
  readonly #operations: StatementSync;
  readonly #generations: StatementSync;
  readonly #open: OpenTables;
  readonly #meta: StatementSync;

  constructor(data: string, app: App, store: string) {
    this.#db = openReader(data);
    this.#checkpointer = openCheckpointer(data);
    this.#routes = compileRoutes(app.reads);
    this.#isComplete = this.#db.prepare('SELECT complete FROM resource WHERE name = ?');
    this.#meta = this.#db.prepare('SELECT value FROM meta WHERE name = ?');
    this.#operations = this.#db.prepare(
      "SELECT count(*) AS n, coalesce(sum(type <> 'add'), 0) AS whole FROM entry_op WHERE resource = ? AND id = ?",
    );
    this.#generations = this.#db.prepare('SELECT name, generation FROM resource');
    this.#open = openTables(this.#db, app.resources, absentIn);
    // Its tag is raised in the transaction that changes a document: equal here, equal there (I6).
    const state = this.#db.prepare(`SELECT max(sequence) AS state FROM tag WHERE tag IN (?, '${EVERYTHING}')`);
    this.#view = new View({
      db: this.#db,
      tables: this.#open.tables,
      store,
      looked: (resource) => this.#mustBeComplete(resource),
      lookedAt: (resource, ids) => this.#mustBeKnown(resource, ids),
      stateOf: (resource) => Number(state.get(resource)?.['state'] ?? 0),
    });
  }

  /** The cloud's answer, made from one snapshot; null where the replica cannot know it. */
  read(call: Call): ReplicaAnswer | null {
    const route = this.#routes.match(call.method === 'HEAD' ? 'GET' : call.method, call.path);
    const answer = route?.value.answer;
    if (route === null || answer === undefined) return null;
    this.#db.exec('BEGIN');
    try {
      // A rebuild may have ended since.
      for (const row of this.#generations.all()) this.#open.reopen(String(row['name']), Number(row['generation']));
      const search = this.settledIds(call.search);
      const res = answer(this.#view, reqOf({ ...call, search }, route.params), call.user);
      if (res === null) return null;
      return { answer: answerOf(res), asOf: this.#number('as-of'), sequence: this.#number('sequence') };
    } catch (error) {
      if (error instanceof Incomplete) return null;
      throw error;
    } finally {
      this.#db.exec('COMMIT');
    }
  }

  /** A text with every temporary id in it that the cloud has replaced by its own. */
  settledIds(text: string): string {
    return this.#view.settledIds(text);
  }

  /**
   * Moves the WAL into the database file, which would otherwise delay the writer's commits. A disk that is full today may
   * take it tomorrow: until then all of it is in the WAL, and the writer says what is wrong.
   */
  checkpoint(): void {
    try {
      this.#checkpointer.exec('PRAGMA wal_checkpoint(PASSIVE)');
    } catch {
      // Tried again the next time.
    }
  }

  close(): void {
    this.#checkpointer.close();
    this.#db.close();
  }

  /** I9: what has not been fetched to its end is not answered from. */
  #mustBeComplete(resource: string): void {
    if (!this.#isFetched(resource)) throw new Incomplete(resource);
  }

  /**
   * One document is known before its resource is fetched to the end where a waiting write made, replaced or removed it,
   * or changed what was fetched already: only the overlay shows that write (I6). A number that was added to and never
   * fetched is not known (I9), and a document that nothing waiting touches is the cloud's to answer.
   */
  #mustBeKnown(resource: string, ids: readonly string[]): void {
    if (this.#isFetched(resource) || ids.some((id) => this.#isOverlaidWhole(resource, id))) return;
    throw new Incomplete(resource);
  }

  #isFetched(resource: string): boolean {
    return this.#isComplete.get(resource)?.['complete'] === 1;
  }

  #isOverlaidWhole(resource: string, id: string): boolean {
    const found = this.#operations.get(resource, id);
    if (Number(found?.['n'] ?? 0) === 0) return false;
    return Number(found?.['whole']) > 0 || typeof this.#open.tables.get(resource)?.row(id)?.base === 'string';
  }

  #number(name: string): number {
    return Number(this.#meta.get(name)?.['value'] ?? 0);
  }
}
