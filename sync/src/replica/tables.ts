/**
 * One table per resource: for each document its base (what the cloud last said), its view (the base seen through the
 * overlay) and, taken from the view when it is stored, the columns that answers filter, sort and search by.
 */
import type { DatabaseSync } from 'node:sqlite';
import { preparedOnce, quote } from '../database.ts';
import type { Doc, Json, Resource } from '../profile.ts';
import { createGrams, dropGrams, gramsName, keepGrams } from './grams.ts';

type Value = string | number | null;

export interface Row {
  version: number;
  /** JSON; null: the cloud has no such document (any more). */
  base: string | null;
  /** JSON; null: not there. */
  view: string | null;
}

/** Ids after the one and up to the other, in the order of their bytes; null: without bound. */
export interface Stretch {
  after: string | null;
  through: string | null;
}

export interface Table {
  readonly name: string;
  readonly resource: Resource;
  /** The column of an indexed field, quoted; null where the field is not indexed. */
  column(field: string): string | null;
  row(id: string): Row | null;
  /** The table that `MATCH` finds documents in, by what their search text contains, quoted; null: there is none. */
  readonly grams: string | null;
  /** Stores what the cloud says, unless what is known is newer; true if it changed. */
  putBase(id: string, version: number, doc: Doc | null, walk: number): boolean;
  /** The same for a document that no waiting entry touches: base and view are one, and stored as one. */
  putBoth(id: string, version: number, doc: Doc | null, walk: number): boolean;
  /** Stores what the cloud was found to have, whatever is known. */
  mendBase(id: string, version: number, doc: Doc | null): void;
  /** The bases of a stretch, in the order of ids. */
  bases(stretch: Stretch): Iterable<{ id: string; base: string }>;
  /** Ids of documents with a base that a walk did not meet. */
  unmet(walk: number): string[];
  setView(id: string, doc: Doc | null): void;
  count(): number;
}

/** JSON values as SQLite compares them; booleans become 0 and 1. */
export function columnValue(value: Json | undefined): Value {
  if (value === undefined || value === null) return null;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'object') return JSON.stringify(value);
  return value;
}

/** SQLite sorts blobs after text. */
const AFTER_ALL = new Uint8Array();

const tableName = (resource: string) => quote(`doc:${resource}`);
const columnName = (field: string) => quote(`f:${field}`);

/** Rises when tables of the same resource are made otherwise. */
const LAYOUT = 2;

/** What the columns depend on: another shape, and the table is built anew from the bases in it. */
const shapeOf = (resource: Resource, release: number) =>
  JSON.stringify([LAYOUT, release, resource.id, resource.index, resource.search !== undefined]);

/** Brings the replica's tables in line with the profile. Writer only, inside a transaction. */
export function prepareTables(db: DatabaseSync, resources: Record<string, Resource>, release: number): void {
  for (const [name, resource] of Object.entries(resources)) {
    const shape = shapeOf(resource, release);
    const known = db.prepare('SELECT shape FROM resource WHERE name = ?').get(name)?.['shape'];
    if (known === shape) continue;
    if (known === undefined) {
      createTable(db, name, resource);
      db.prepare('INSERT INTO resource (name, shape) VALUES (?, ?)').run(name, shape);
      continue;
    }
    rebuild(db, name, resource);
    // Another release may turn pages otherwise: a walk that is under way begins this resource again.
    db.prepare('UPDATE resource SET shape = ?, page = NULL WHERE name = ?').run(shape, name);
  }
}

function createTable(db: DatabaseSync, name: string, resource: Resource): void {
  const table = tableName(name);
  const columns = resource.index.map((field) => `, ${columnName(field)}`).join('');
  db.exec(`CREATE TABLE ${table} (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, walk INTEGER NOT NULL, base TEXT, view TEXT, search TEXT${columns})`);
  for (const field of resource.index)
    db.exec(
      `CREATE INDEX ${quote(`by:${name}:${field}`)} ON ${table} (${columnName(field)}, id) WHERE view IS NOT NULL`,
    );
  if (resource.search !== undefined) createGrams(db, name);
}

/** Builds a table anew, row by row, from the documents kept in it. */
function rebuild(db: DatabaseSync, name: string, resource: Resource): void {
  const old = quote(`old:${name}`);
  dropGrams(db, name);
  db.exec(`ALTER TABLE ${tableName(name)} RENAME TO ${old}`);
  const indexes = db
    .prepare(`SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL`)
    .all(`old:${name}`);
  for (const index of indexes) db.exec(`DROP INDEX ${quote(String(index['name']))}`);
  createTable(db, name, resource);
  const table = openTable(db, name, resource);
  for (const row of db.prepare(`SELECT id, version, walk, base, view FROM ${old}`).iterate()) {
    const id = String(row['id']);
    table.putBase(id, Number(row['version']), parse(row['base']), Number(row['walk']));
    table.setView(id, parse(row['view']));
  }
  db.exec(`DROP TABLE ${old}`);
}

const parse = (json: unknown): Doc | null => (typeof json === 'string' ? (JSON.parse(json) as Doc) : null);

/** Opens a resource's table. The statements of writing are prepared only when used, so a reader can open it too. */
export function openTable(db: DatabaseSync, name: string, resource: Resource): Table {
  const table = tableName(name);
  const columns = new Map(resource.index.map((field) => [field, columnName(field)]));
  const lazily = (sql: string) => preparedOnce(db, sql);
  const byId = lazily(`SELECT version, base, view FROM ${table} WHERE id = ?`);
  const putBase = lazily(`INSERT INTO ${table} (id, version, walk, base) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (id) DO UPDATE SET version = ?2, walk = ?3, base = ?4 WHERE version < ?2 OR walk < ?3`);
  const met = lazily(`UPDATE ${table} SET walk = ?2 WHERE id = ?1 AND walk < ?2 AND version = ?3 AND base IS ?4`);
  const assignments = resource.index.map((field, at) => `, ${columnName(field)} = ?${at + 4}`).join('');
  const setView = lazily(`UPDATE ${table} SET view = ?2, search = ?3${assignments} WHERE id = ?1`);
  const columnsText = resource.index.map((field) => `, ${columnName(field)}`).join('');
  const valuesText = resource.index.map((_field, at) => `, ?${at + 6}`).join('');
  const bothText = resource.index.map((field, at) => `, ${columnName(field)} = ?${at + 6}`).join('');
  const putBoth = lazily(`INSERT INTO ${table} (id, version, walk, base, view, search${columnsText})
    VALUES (?1, ?2, ?3, ?4, ?4, ?5${valuesText})
    ON CONFLICT (id) DO UPDATE SET version = ?2, walk = ?3, base = ?4, view = ?4, search = ?5${bothText}
    WHERE version < ?2 OR walk < ?3`);
  const ensure = lazily(`INSERT INTO ${table} (id, version, walk) VALUES (?, 0, 0) ON CONFLICT (id) DO NOTHING`);
  const searched = keepGrams(db, name, resource);
  const columnsOf = (doc: Doc | null): Value[] =>
    doc === null
      ? [null, ...resource.index.map(() => null)]
      : [resource.search?.(doc) ?? null, ...resource.index.map((field) => columnValue(doc[field]))];
  const count = lazily(`SELECT count(*) AS n FROM ${table} WHERE view IS NOT NULL`);
  return {
    name,
    resource,
    grams: resource.search === undefined ? null : gramsName(name),
    column: (field) => (field === resource.id ? 'id' : (columns.get(field) ?? null)),
    row: (id) => (byId().get(id) as Row | undefined) ?? null,
    putBase(id, version, doc, walk) {
      const base = doc === null ? null : JSON.stringify(doc);
      // A new walk mostly meets what is known already.
      if (met().run(id, walk, version, base).changes > 0) return false;
      return putBase().run(id, version, walk, base).changes > 0;
    },
    putBoth(id, version, doc, walk) {
      const base = doc === null ? null : JSON.stringify(doc);
      if (met().run(id, walk, version, base).changes > 0) return false;
      return searched(id, () => putBoth().run(id, version, walk, base, ...columnsOf(doc)).changes > 0);
    },
    ...openBases(db, table),
    setView(id, doc) {
      if (doc !== null) ensure().run(id);
      const view = doc === null ? null : JSON.stringify(doc);
      searched(id, () => setView().run(id, view, ...columnsOf(doc)));
    },
    count: () => Number(count().get()?.['n']),
  };
}

/** The bases by themselves, for walks and audits. `table`: quoted. */
function openBases(db: DatabaseSync, table: string): Pick<Table, 'mendBase' | 'bases' | 'unmet'> {
  const mendBase = preparedOnce(
    db,
    `INSERT INTO ${table} (id, version, walk, base) VALUES (?1, ?2, 0, ?3)
    ON CONFLICT (id) DO UPDATE SET version = ?2, base = ?3`,
  );
  // Two bounds that are always there let one statement serve all: '' is before every id, a blob after every text.
  const bases = preparedOnce(
    db,
    `SELECT id, base FROM ${table} WHERE id > ?1 AND id <= ?2 AND base IS NOT NULL ORDER BY id`,
  );
  const unmet = preparedOnce(db, `SELECT id FROM ${table} WHERE walk < ? AND base IS NOT NULL`);
  return {
    mendBase(id, version, doc) {
      mendBase().run(id, version, doc === null ? null : JSON.stringify(doc));
    },
    *bases({ after, through }) {
      for (const row of bases().iterate(after ?? '', through ?? AFTER_ALL))
        yield { id: String(row['id']), base: String(row['base']) };
    },
    unmet: (walk) =>
      unmet()
        .all(walk)
        .map((row) => String(row['id'])),
  };
}

export type Tables = ReadonlyMap<string, Table>;

export function openTables(db: DatabaseSync, resources: Record<string, Resource>): Tables {
  return new Map(Object.entries(resources).map(([name, resource]) => [name, openTable(db, name, resource)]));
}
