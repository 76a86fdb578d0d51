/**
 * What a search looks in: every three characters in a row of the documents' search texts, in a full-text index of
 * SQLite's, so that any part of a word is found without reading documents. It knows rowids only, of what is shown.
 */
import type { DatabaseSync } from 'node:sqlite';
import { preparedOnce } from '../database.ts';
import type { Place } from './places.ts';

/** `grams`: quoted. */
export function createGrams(db: DatabaseSync, grams: string): void {
  db.exec(`CREATE VIRTUAL TABLE ${grams} USING fts5
    (search, content = '', contentless_delete = 1, tokenize = 'trigram case_sensitive 1')`);
}

/** Makes what runs a change of a document, and brings in line what it is found by. */
export function keepGrams(db: DatabaseSync, { documents, grams }: Place): <T>(id: string, run: () => T) => T {
  if (grams === null) return (_id, run) => run();
  const found = preparedOnce(db, `SELECT rowid, search FROM ${documents} WHERE id = ?`);
  const put = preparedOnce(db, `INSERT OR REPLACE INTO ${grams} (rowid, search) VALUES (?, ?)`);
  const remove = preparedOnce(db, `DELETE FROM ${grams} WHERE rowid = ?`);
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
