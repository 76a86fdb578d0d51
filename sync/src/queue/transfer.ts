/**
 * The queue and the inbox as a file: what survives a box that is replaced. Lines of JSON: a head, an entry each, and a
 * last one with the SHA-256 of all before it. There is no credential in it; what the writes say of the business is in it.
 *
 * Imported entries keep their keys, so a file that is imported twice, or on a box that has some of it, doubles nothing,
 * and neither does the old box if it comes back (I2).
 */
import { createHash } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { openReader, openWriter, transaction } from '../database.ts';
import { LarderError } from '../errors.ts';
import { isSettled, next } from './states.ts';
import type { EntryState } from '../client.ts';

const VERSION = 2;
/** In `meta`: there are imported entries that were never run. */
export const IMPORTED = 'imported';
/** Columns of an entry that go with it. What else there is belongs to the box: tags, overlay, delays. */
const COLUMNS = (
  'key user user_json route kind release method path search headers body fingerprint at state attempts size ' +
  'verdict answer settled_at inbox made looked temporary'
).split(' ');

interface Head {
  larder: 'queue';
  version: number;
  entries: number;
}
type Row = Record<string, string | number | null>;
/** A line: an entry, what it builds on, with what it went to the inbox, and what people did with it there. */
interface Line {
  seq: number;
  needs: number[];
  orphanOf: number | null;
  actions: Row[];
  columns: Row;
}

export interface Exported {
  text: string;
  /** All that is in it, and how many of them lie in the inbox. */
  entries: number;
  inbox: number;
}

/**
 * What waits in a data directory or lies in its inbox, whether an edge is running there or not.
 *
 * @throws LarderError `LARDER_DATA_UNUSABLE`
 */
export function exportQueue(data: string): Exported {
  const db = usable(data, () => openReader(data));
  try {
    db.exec('BEGIN');
    const rows = db
      .prepare(
        `SELECT seq, orphan_of, ${COLUMNS.join(', ')} FROM entry
         WHERE state IN ('queued', 'sending', 'unknown') OR inbox IS NOT NULL ORDER BY seq`,
      )
      .all() as Row[];
    const needs = db.prepare('SELECT need FROM entry_need WHERE seq = ? ORDER BY need');
    const actions = db.prepare('SELECT action, who, at, detail FROM inbox_action WHERE seq = ? ORDER BY n');
    const lines = rows.map(({ seq, orphan_of: orphanOf, ...columns }) => ({
      seq,
      needs: needs.all(seq ?? 0).map(({ need }) => need),
      orphanOf,
      actions: actions.all(seq ?? 0),
      columns,
    }));
    const head: Head = { larder: 'queue', version: VERSION, entries: lines.length };
    const body = [head, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('');
    const text = `${body}${JSON.stringify({ sha256: digestOf(body) })}\n`;
    return { text, entries: lines.length, inbox: rows.filter(({ inbox }) => inbox !== null).length };
  } finally {
    db.close();
  }
}

export interface Imported {
  entries: number;
  /** Were here already, under their keys. */
  known: number;
  /** Their keys stand for other requests here: left out, for a person to look at. */
  mismatched: string[];
}

/**
 * Takes an exported queue into the data directory of an edge that is not running; its next start shows and sends it.
 *
 * @throws LarderError `LARDER_EXPORT_INVALID`, and then nothing was taken; `LARDER_DATA_UNUSABLE`
 */
export function importQueue(data: string, text: string): Imported {
  const lines = linesOf(text);
  const db = openWriter(data);
  try {
    return transaction(db, 'import', () => {
      const known = db.prepare('SELECT seq, fingerprint FROM entry WHERE user = ? AND key = ?');
      const insert = inserting(db);
      const imported: Imported = { entries: 0, known: 0, mismatched: [] };
      /** Places in the order of acceptance: there, and here. */
      const places = new Map<number, number>();
      for (const line of lines) {
        const { user, key, fingerprint } = line.columns;
        const here = known.get(user ?? '', key ?? '');
        if (here === undefined) {
          places.set(line.seq, insert(line, places));
          imported.entries += 1;
          continue;
        }
        places.set(line.seq, Number(here['seq']));
        if (here['fingerprint'] === fingerprint) imported.known += 1;
        else imported.mismatched.push(String(key));
      }
      db.prepare('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)').run(IMPORTED, 'yes');
      return imported;
    });
  } finally {
    db.close();
  }
}

/** Puts an entry into the database with what belongs to it, and gives its place. What it refers to came before it. */
function inserting(db: DatabaseSync): (line: Line, places: ReadonlyMap<number, number>) => number {
  const into = [...COLUMNS, 'tags', 'overlaid', 'orphan_of'];
  const entry = db.prepare(`INSERT INTO entry (${into.join(', ')}) VALUES (${into.map(() => '?').join(', ')})`);
  const need = db.prepare('INSERT OR IGNORE INTO entry_need (seq, need) VALUES (?, ?)');
  const action = db.prepare('INSERT INTO inbox_action (seq, action, who, at, detail) VALUES (?, ?, ?, ?, ?)');
  return ({ columns, needs, orphanOf, actions }, places) => {
    const state = next(columns['state'] as EntryState, 'restart');
    const values = COLUMNS.map((column) => (column === 'state' ? state : (columns[column] ?? null)));
    // What was refused shows in nothing any more.
    const overlaid = isSettled(state) ? 0 : 1;
    const orphan = orphanOf === null ? null : (places.get(orphanOf) ?? null);
    const place = Number(entry.run(...values, '[]', overlaid, orphan).lastInsertRowid);
    for (const each of needs) if (places.has(each)) need.run(place, places.get(each) ?? 0);
    for (const { action: what, who, at, detail } of actions)
      action.run(place, what ?? '', who ?? '', at ?? '', detail ?? '');
    return place;
  };
}

const invalid = (detail: string) => new LarderError('LARDER_EXPORT_INVALID', detail);
const digestOf = (text: string) => createHash('sha256').update(text).digest('hex');

function linesOf(text: string): Line[] {
  const end = text.lastIndexOf('\n', text.length - 2) + 1;
  const body = text.slice(0, end);
  const last = jsonOf(text.slice(end)) as { sha256?: unknown } | null;
  if (last?.sha256 !== digestOf(body)) throw invalid('Its checksum is not that of its content.');
  const [head, ...lines] = body.trimEnd().split('\n').map(jsonOf) as [Partial<Head> | null, ...Line[]];
  if (head?.larder !== 'queue') throw invalid('It does not begin as one.');
  if (head.version !== VERSION) throw invalid(`It is of version ${head.version}; this Larder reads ${VERSION}.`);
  if (head.entries !== lines.length) throw invalid(`It should have ${head.entries} entries and has ${lines.length}.`);
  return lines;
}

function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function usable<T>(data: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new LarderError('LARDER_DATA_UNUSABLE', `${data}: ${why}.`, { cause: error });
  }
}
