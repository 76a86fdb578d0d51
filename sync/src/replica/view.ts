/** Reads of the replica: what `answer`, `check` and `apply` see. */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Doc, Query, Reader } from '../profile.ts';
import { TEMPORARY, TEMPORARY_ID } from '../temporary-id.ts';
import { countSql, fewSql, listSql, type Sql } from './query.ts';
import type { Table, Tables } from './tables.ts';

const STATEMENTS = 500;
const MOST_COUNTS = 2000;

/** Keeps the statements of the queries seen last. Query shapes are few; values are bound. */
class Statements {
  readonly #db: DatabaseSync;
  readonly #known = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  get(text: string): StatementSync {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size >= STATEMENTS) this.#known.clear();
    const statement = this.#db.prepare(text);
    this.#known.set(text, statement);
    return statement;
  }
}

export interface ViewOptions {
  db: DatabaseSync;
  tables: Tables;
  store: string;
  /** Called for each resource that is looked through, before it is. */
  looked?: (resource: string) => void;
  /** The same for one document, under each id that it may have. */
  lookedAt?: (resource: string, ids: readonly string[]) => void;
  /** Rises whenever a document of the resource changes; given where counts may be remembered. */
  stateOf?: (resource: string) => number;
}

/** The replica as it is now. */
export class View implements Reader {
  readonly store: string;
  readonly #tables: Tables;
  readonly #statements: Statements;
  readonly #looked: (resource: string) => void;
  readonly #lookedAt: (resource: string, ids: readonly string[]) => void;
  readonly #temporary: StatementSync;
  readonly #stateOf: ((resource: string) => number) | undefined;
  /** What was counted, and in which state: to count a hundred thousand takes longer than to read a page of them. */
  readonly #counts = new Map<string, { state: number; count: number }>();

  constructor(options: ViewOptions) {
    this.store = options.store;
    this.#tables = options.tables;
    this.#statements = new Statements(options.db);
    this.#looked = options.looked ?? (() => {});
    this.#lookedAt = options.lookedAt ?? (() => {});
    this.#stateOf = options.stateOf;
    this.#temporary = options.db.prepare('SELECT id FROM temporary_id WHERE temporary = ?');
  }

  get(resource: string, id: string): Doc | null {
    const table = this.table(resource);
    const settled = this.settledId(id);
    this.#lookedAt(resource, settled === id ? [id] : [id, settled]);
    const view = table.row(id)?.view ?? (settled === id ? null : table.row(settled)?.view);
    return typeof view === 'string' ? (JSON.parse(view) as Doc) : null;
  }

  list(resource: string, query: Query): Doc[] {
    const few = (left: Sql) => {
      const asked = fewSql(left);
      return this.#statements.get(asked.text).get(...asked.values)?.['few'] === 1;
    };
    const { text, values } = listSql(this.#through(resource), query, few);
    const rows = this.#statements.get(text).all(...values);
    return rows.map((row) => JSON.parse(String(row['view'])) as Doc);
  }

  count(resource: string, query: Query): number {
    const { text, values } = countSql(this.#through(resource), query);
    const state = this.#stateOf?.(resource);
    const key = JSON.stringify([text, values]);
    const known = this.#counts.get(key);
    if (known !== undefined && known.state === state) return known.count;
    const count = Number(this.#statements.get(text).get(...values)?.['n']);
    if (state === undefined) return count;
    if (this.#counts.size >= MOST_COUNTS) this.#counts.clear();
    this.#counts.set(key, { state, count });
    return count;
  }

  table(resource: string): Table {
    const table = this.#tables.get(resource);
    if (table === undefined) throw new TypeError(`the profile has no resource "${resource}"`);
    return table;
  }

  #through(resource: string): Table {
    const table = this.table(resource);
    this.#looked(resource);
    return table;
  }

  /** A text with every temporary id in it that the cloud has replaced by its own. */
  settledIds(text: string): string {
    return text.replaceAll(TEMPORARY_ID, (id) => this.settledId(id));
  }

  /**
   * The cloud's id for a temporary one that it has replaced: it is still understood in later reads. What was tried again
   * has another temporary id in between.
   */
  settledId(id: string): string {
    if (!id.startsWith(TEMPORARY)) return id;
    const row = this.#temporary.get(id);
    return row === undefined ? id : this.settledId(String(row['id']));
  }
}
