/**
 * What a search looks in: every three characters in a row of the documents' search texts, in a full-text index of
 * SQLite's, so that any part of a word is found without reading documents. It knows rowids only, of what is shown.
 */
import type { DatabaseSync } from 'node:sqlite';
import { preparedOnce, quote } from '../database.ts';
import type { Resource } from '../profile.ts';

export const gramsName = (resource: string) => quote(`grams:${resource}`);

export function createGrams(db: DatabaseSync, resource: string): void {
  db.exec(`CREATE VIRTUAL TABLE ${gramsName(resource)} USING fts5
    (search, content = '', contentless_delete = 1, tokenize = 'trigram case_sensitive 1')`);
}

export function dropGrams(db: DatabaseSync, resource: string): void {
  db.exec(`DROP TABLE IF EXISTS ${gramsName(resource)}`);
}

/** Makes what runs a change of a document, and brings in line what it is found by. */
export function keepGrams(db: DatabaseSync, name: string, resource: Resource): <T>(id: string, run: () => T) => T {
  if (resource.search === undefined) return (_id, run) => run();
  const found = preparedOnce(db, `SELECT rowid, search FROM ${quote(`doc:${name}`)} WHERE id = ?`);
  const put = preparedOnce(db, `INSERT OR REPLACE INTO ${gramsName(name)} (rowid, search) VALUES (?, ?)`);
  const remove = preparedOnce(db, `DELETE FROM ${gramsName(name)} WHERE rowid = ?`);
  return (id, run) => {
    const before = found().get(id);
    const result = run();
    const after = found().get(id);
    if (after === undefined || after['search'] === (before?.['search'] ?? null)) return result;
    if (after['search'] === null) remove().run(after['rowid'] ?? null);
    else put().run(after['rowid'] ?? null, after['search'] ?? null);
    return result;
  };
}
