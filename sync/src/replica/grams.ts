/**
 * What a search looks in: every three characters in a row of the documents' search texts, in a full-text index of
 * SQLite's, so that any part of a word is found without reading documents. It knows rowids only, of what is shown.
 */
import type { DatabaseSync } from 'node:sqlite';
import { makeTemporary, preparedOnce, quote } from '../database.ts';
import type { Place } from './places.ts';

/** Stands twice behind every text, so that its last characters begin a three as well. It is no character of any text. */
export const END = '\u{10FFFF}';

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
    else put().run(after['rowid'] ?? null, `${String(after['search'])}${END}${END}`);
    return result;
  };
}

export interface Threes {
  /** All threes of the index that begin with these two characters. */
  grams: string[];
  /** In how many documents each of them stands, summed up: no fewer than have one. */
  documents: number;
}

const MOST = 256;

/** Makes what looks up how two characters go on; null where that is in too many ways, or there is no index. */
export function openVocabulary(db: DatabaseSync, { grams }: Place): (pair: string) => Threes | null {
  if (grams === null) return () => null;
  const vocabulary = `temp.${quote(`vocabulary of ${grams}`)}`;
  const made = preparedOnce(
    db,
    `SELECT term, doc FROM ${vocabulary} WHERE term >= ?1 AND term <= ?2 LIMIT ${MOST + 1}`,
  );
  let isThere = false;
  return (pair) => {
    if (!isThere)
      makeTemporary(db, `CREATE VIRTUAL TABLE IF NOT EXISTS ${vocabulary} USING fts5vocab(main, ${grams}, row)`);
    isThere = true;
    const rows = made().all(pair, pair + END);
    if (rows.length > MOST) return null;
    const documents = rows.reduce((sum, row) => sum + Number(row['doc']), 0);
    return { grams: rows.map((row) => String(row['term'])), documents };
  };
}
