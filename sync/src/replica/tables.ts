/**
 * One table per resource: for each document its base (what the cloud last said), its view (the base seen through the
 * overlay) and, taken from the view when it is stored, the columns that answers filter, sort and search by.
 */
import type { DatabaseSync } from 'node:sqlite';
import { preparedOnce } from '../database.ts';
import type { Doc, Json, Resource } from '../profile.ts';
import type { Absent } from './absent.ts';
import { keepGrams, openVocabulary, type Threes } from './grams.ts';
import { columnName, placesOf, type Place } from './places.ts';

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
  /** Another one, and the resource's tables are others. */
  readonly generation: number;
  /** The table of documents, quoted. */
  readonly documents: string;
  /** The column of an indexed field, as SQL; null where the profile does not index the field. */
  column(field: string): string | null;
  /** The search text, as SQL. */
  search(): string;
  row(id: string): Row | null;
  /** The table that `MATCH` finds documents in, by what their search text contains, quoted; null: there is none. */
  readonly grams: string | null;
  /** What begins with these two characters in it; null where it is of no use for them. */
  threes(pair: string): Threes | null;
  /** Its base is what this walk brought, or the feed since that began. */
  isMet(id: string, walk: number): boolean;
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

/** Opens a place of a resource. Statements are prepared only when used, so a reader can open it too. */
function openTable(db: DatabaseSync, name: string, resource: Resource, place: Place, absent: Absent): Table {
  const table = place.documents;
  const columns = new Set(place.fields);
  const lazily = (sql: string) => preparedOnce(db, sql);
  const byId = lazily(`SELECT version, base, view FROM ${table} WHERE id = ?`);
  const byWalk = lazily(`SELECT 1 FROM ${table} WHERE id = ? AND walk >= ?`);
  const putBase = lazily(`INSERT INTO ${table} (id, version, walk, base) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (id) DO UPDATE SET version = ?2, walk = ?3, base = ?4 WHERE version < ?2 OR walk < ?3`);
  const met = lazily(`UPDATE ${table} SET walk = ?2 WHERE id = ?1 AND walk < ?2 AND version = ?3 AND base IS ?4`);
  const derived = derivedOf(resource, place);
  const setView = lazily(`UPDATE ${table} SET view = ?2${derived.assigned(3)} WHERE id = ?1`);
  const putBoth = lazily(`INSERT INTO ${table} (id, version, walk, base, view${derived.named})
    VALUES (?1, ?2, ?3, ?4, ?4${derived.numbered(5)})
    ON CONFLICT (id) DO UPDATE SET version = ?2, walk = ?3, base = ?4, view = ?4${derived.assigned(5)}
    WHERE version < ?2 OR walk < ?3`);
  const ensure = lazily(`INSERT INTO ${table} (id, version, walk) VALUES (?, 0, 0) ON CONFLICT (id) DO NOTHING`);
  const searched = keepGrams(db, place);
  const count = lazily(`SELECT count(*) AS n FROM ${table} WHERE view IS NOT NULL`);
  return {
    name,
    resource,
    generation: place.generation,
    documents: table,
    grams: place.grams,
    threes: openVocabulary(db, place),
    column(field) {
      if (field === resource.id) return 'id';
      if (!resource.index.includes(field)) return null;
      return columns.has(field) ? columnName(field) : absent.field(name, field);
    },
    search: () => (place.whole ? 'search' : absent.search(name)),
    row: (id) => (byId().get(id) as Row | undefined) ?? null,
    isMet: (id, walk) => byWalk().get(id, walk) !== undefined,
    putBase(id, version, doc, walk) {
      const base = doc === null ? null : JSON.stringify(doc);
      // A new walk mostly meets what is known already.
      if (met().run(id, walk, version, base).changes > 0) return false;
      return putBase().run(id, version, walk, base).changes > 0;
    },
    putBoth(id, version, doc, walk) {
      const base = doc === null ? null : JSON.stringify(doc);
      if (met().run(id, walk, version, base).changes > 0) return false;
      return searched(id, () => putBoth().run(id, version, walk, base, ...derived.values(doc)).changes > 0);
    },
    ...openBases(db, table),
    setView(id, doc) {
      if (doc !== null) ensure().run(id);
      const view = doc === null ? null : JSON.stringify(doc);
      searched(id, () => setView().run(id, view, ...derived.values(doc)));
    },
    count: () => Number(count().get()?.['n']),
  };
}

/** The columns of a place that are taken from the view: their values, and how statements name them. */
function derivedOf(resource: Resource, place: Place) {
  const searches = place.whole;
  const columns = [...(searches ? ['search'] : []), ...place.fields.map(columnName)];
  return {
    named: columns.map((column) => `, ${column}`).join(''),
    numbered: (from: number) => columns.map((_column, at) => `, ?${from + at}`).join(''),
    assigned: (from: number) => columns.map((column, at) => `, ${column} = ?${from + at}`).join(''),
    values(doc: Doc | null): Value[] {
      if (doc === null) return columns.map(() => null);
      const fields = place.fields.map((field) => columnValue(doc[field]));
      return searches ? [resource.search?.(doc) ?? null, ...fields] : fields;
    },
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

/** The table in use, which a rebuild has to keep the one that it fills in step with. */
function openUsed(db: DatabaseSync, name: string, resource: Resource, absent: Absent): Table {
  const { used, next } = placesOf(db, name, resource);
  const table = openTable(db, name, resource, used, absent);
  if (next === null) return table;
  const copy = openCopy(db, resource, used, next);
  return {
    ...table,
    putBase(id, ...rest) {
      const changed = table.putBase(id, ...rest);
      copy(id);
      return changed;
    },
    putBoth(id, ...rest) {
      const changed = table.putBoth(id, ...rest);
      copy(id);
      return changed;
    },
    mendBase(id, ...rest) {
      table.mendBase(id, ...rest);
      copy(id);
    },
    setView(id, doc) {
      table.setView(id, doc);
      copy(id);
    },
  };
}

/** Copies a document from one place to another, with the columns that the other one has. */
export function openCopy(db: DatabaseSync, resource: Resource, from: Place, to: Place): (id: string) => void {
  const derived = derivedOf(resource, to);
  const read = preparedOnce(db, `SELECT version, walk, base, view FROM ${from.documents} WHERE id = ?`);
  const write = preparedOnce(
    db,
    `INSERT INTO ${to.documents} (id, version, walk, base, view${derived.named})
    VALUES (?1, ?2, ?3, ?4, ?5${derived.numbered(6)})
    ON CONFLICT (id) DO UPDATE SET version = ?2, walk = ?3, base = ?4, view = ?5${derived.assigned(6)}`,
  );
  const searched = keepGrams(db, to);
  return (id) => {
    const row = read().get(id) as (Row & { walk: number }) | undefined;
    if (row === undefined) return;
    const { version, walk, base, view } = row;
    const doc = view === null ? null : (JSON.parse(view) as Doc);
    searched(id, () => write().run(id, version, walk, base, view, ...derived.values(doc)));
  };
}

export type Tables = ReadonlyMap<string, Table>;

/** A resource's tables as they stand, and as they stand again after a rebuild. */
export interface OpenTables {
  readonly tables: Tables;
  /** Opens them anew where they have become others. */
  reopen(name: string, generation: number): void;
}

/** Opens every resource's table. `absent`: what comes of a query that the tables of an earlier release have no index for. */
export function openTables(db: DatabaseSync, resources: Record<string, Resource>, absent: Absent): OpenTables {
  const open = (name: string, resource: Resource) => openUsed(db, name, resource, absent);
  const tables = new Map(Object.entries(resources).map(([name, resource]) => [name, open(name, resource)]));
  return {
    tables,
    reopen(name, generation) {
      const known = tables.get(name);
      if (known !== undefined && known.generation !== generation) tables.set(name, open(name, known.resource));
    },
  };
}
