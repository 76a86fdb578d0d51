/**
 * Where a resource's documents are kept. A release that wants other columns, search texts or layout gets tables of its
 * own, a generation later, which are filled beside those in use (`rebuild.ts`) and take their place when they are whole.
 * Until then the documents themselves are there as ever, with the columns that the earlier release had.
 */
import type { DatabaseSync } from 'node:sqlite';
import { quote } from '../database.ts';
import type { Resource } from '../profile.ts';
import { createGrams } from './grams.ts';

/** Thrown where the replica cannot answer for a resource yet: it must not answer as if it could (I9). */
export class Incomplete extends Error {
  constructor(resource: string) {
    super(`the replica of "${resource}" is not complete`);
    this.name = 'Incomplete';
  }
}

export interface Place {
  generation: number;
  /** The table of documents, quoted. */
  documents: string;
  /** Indexed fields that have a column in it. */
  fields: readonly string[];
  /** The table of search texts in threes, quoted; null: there is none that this release can use. */
  grams: string | null;
  /** It is as this release wants it. */
  whole: boolean;
}

export interface Places {
  /** What is read and written now. */
  used: Place;
  /** What is being filled to take its place; null: nothing. */
  next: Place | null;
}

export const columnName = (field: string) => quote(`f:${field}`);

const nameOf = (kind: 'doc' | 'grams', resource: string, generation: number) =>
  generation === 0 ? `${kind}:${resource}` : `${kind}@${generation}:${resource}`;

/** Rises when tables of the same resource are made otherwise. */
const LAYOUT = 3;
/** Since then the columns are what they are. */
const COLUMNS_SINCE = 2;

/** What columns and search texts depend on. */
const shapeOf = (resource: Resource, release: number) =>
  JSON.stringify([LAYOUT, release, resource.id, resource.index, resource.search !== undefined]);

/** A column holds a document's field whatever the release; of another layout nothing is known but the documents. */
function fieldsOf(shape: string): string[] {
  const [layout, , , index] = JSON.parse(shape) as unknown[];
  return Number(layout) >= COLUMNS_SINCE && Number(layout) <= LAYOUT && Array.isArray(index) ? index.map(String) : [];
}

const wholePlace = (name: string, resource: Resource, generation: number): Place => ({
  generation,
  documents: quote(nameOf('doc', name, generation)),
  fields: resource.index,
  grams: resource.search === undefined ? null : quote(nameOf('grams', name, generation)),
  whole: true,
});

/** Where a resource is now. `prepareTables` has been there. */
export function placesOf(db: DatabaseSync, name: string, resource: Resource): Places {
  const row = db.prepare('SELECT shape, generation, next FROM resource WHERE name = ?').get(name);
  const generation = Number(row?.['generation'] ?? 0);
  const whole = wholePlace(name, resource, generation);
  if (typeof row?.['next'] !== 'number') return { used: whole, next: null };
  const used = { ...whole, fields: fieldsOf(String(row['shape'])), grams: null, whole: false };
  return { used, next: wholePlace(name, resource, row['next']) };
}

/**
 * Brings the replica's tables in line with the profile: new ones are empty, and what there was stays. Costs the same
 * however many documents there are. Writer only, inside a transaction.
 */
export function prepareTables(db: DatabaseSync, resources: Record<string, Resource>, release: number): void {
  const known = db.prepare('SELECT shape, generation, next_shape FROM resource WHERE name = ?');
  // A start that changes nothing writes nothing, and so waits for no fsync.
  const abandon = db.prepare(
    'UPDATE resource SET next = NULL, next_shape = NULL, built = NULL WHERE name = ? AND next_shape IS NOT NULL',
  );
  // Another release may turn pages otherwise: a walk that is under way begins this resource again.
  const begin = db.prepare('UPDATE resource SET next = ?2, next_shape = ?3, built = NULL, page = NULL WHERE name = ?1');
  for (const [name, resource] of Object.entries(resources)) {
    const shape = shapeOf(resource, release);
    const row = known.get(name);
    if (row === undefined) {
      createTables(db, name, resource, 0);
      db.prepare('INSERT INTO resource (name, shape) VALUES (?, ?)').run(name, shape);
    } else if (row['shape'] === shape) abandon.run(name);
    else if (row['next_shape'] !== shape) {
      const generation = freeGeneration(db, name, Number(row['generation']));
      createTables(db, name, resource, generation);
      begin.run(name, generation, shape);
    }
  }
}

/** One that was abandoned may still be there. */
function freeGeneration(db: DatabaseSync, name: string, after: number): number {
  const taken = db.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?");
  let generation = after + 1;
  while (taken.get(nameOf('doc', name, generation)) !== undefined) generation += 1;
  return generation;
}

function createTables(db: DatabaseSync, name: string, resource: Resource, generation: number): void {
  const { documents, grams } = wholePlace(name, resource, generation);
  const columns = resource.index.map((field) => `, ${columnName(field)}`).join('');
  db.exec(`CREATE TABLE ${documents} (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, walk INTEGER NOT NULL, base TEXT, view TEXT, search TEXT${columns})`);
  const by = generation === 0 ? `by:${name}` : `by@${generation}:${name}`;
  for (const field of resource.index)
    db.exec(
      `CREATE INDEX ${quote(`${by}:${field}`)} ON ${documents} (${columnName(field)}, id) WHERE view IS NOT NULL`,
    );
  if (grams !== null) createGrams(db, grams);
}

/** Tables of documents and search texts that no resource uses or fills any more: their names. */
export function leftTables(db: DatabaseSync): { documents: string[]; grams: string[] } {
  const used = new Set<string>();
  for (const row of db.prepare('SELECT name, generation, next FROM resource').all())
    for (const generation of [row['generation'], row['next'] ?? row['generation']])
      for (const kind of ['doc', 'grams'] as const) used.add(nameOf(kind, String(row['name']), Number(generation)));
  const left = (sql: string) =>
    db
      .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE ?`)
      .all(sql)
      .map((row) => String(row['name']))
      .filter((name) => /^(doc|grams)[:@]/.test(name) && !used.has(name));
  return {
    grams: left('CREATE VIRTUAL TABLE%').filter((name) => name.startsWith('grams')),
    documents: left('CREATE TABLE%').filter((name) => name.startsWith('doc')),
  };
}
