/**
 * The queue as a file: what survives a box that is replaced. Lines of JSON: a head, an entry each, and a last one with
 * the SHA-256 of all before it. There is no credential in it; what the writes say of the business is in it.
 *
 * Imported entries keep their keys, so a file that is imported twice, or on a box that has some of it, doubles nothing,
 * and neither does the old box if it comes back (I2).
 */
import { createHash } from 'node:crypto';
import { openReader, openWriter, transaction } from '../database.ts';
import { LarderError } from '../errors.ts';
import { next } from './states.ts';
import type { EntryState } from '../client.ts';

const VERSION = 1;
/** In `meta`: there are imported entries that were never run. */
export const IMPORTED = 'imported';
/** Columns of an entry that go with it. What else there is belongs to the box: tags, overlay, delays. */
const COLUMNS =
  'key user user_json route kind release method path search headers body fingerprint at state attempts size'.split(' ');

interface Head {
  larder: 'queue';
  version: number;
  entries: number;
}
type Row = Record<string, string | number | null>;

export interface Exported {
  text: string;
  entries: number;
}

/** What waits in a data directory, whether an edge is running there or not. @throws LarderError `LARDER_DATA_UNUSABLE` */
export function exportQueue(data: string): Exported {
  const db = usable(data, () => openReader(data));
  try {
    db.exec('BEGIN');
    const rows = db
      .prepare(
        `SELECT seq, ${COLUMNS.join(', ')} FROM entry WHERE state IN ('queued', 'sending', 'unknown') ORDER BY seq`,
      )
      .all();
    const needs = db.prepare('SELECT need FROM entry_need WHERE seq = ? ORDER BY need');
    const entries = rows.map((row) => ({ ...row, needs: needs.all(row['seq'] ?? 0).map(({ need }) => Number(need)) }));
    const head: Head = { larder: 'queue', version: VERSION, entries: entries.length };
    const body = [head, ...entries].map((line) => `${JSON.stringify(line)}\n`).join('');
    return { text: `${body}${JSON.stringify({ sha256: digestOf(body) })}\n`, entries: entries.length };
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
  const rows = rowsOf(text);
  const db = openWriter(data);
  try {
    return transaction(db, () => {
      const known = db.prepare('SELECT seq, fingerprint FROM entry WHERE user = ? AND key = ?');
      const insert = db.prepare(
        `INSERT INTO entry (${COLUMNS.join(', ')}, tags) VALUES (${COLUMNS.map(() => '?').join(', ')}, '[]')`,
      );
      const need = db.prepare('INSERT OR IGNORE INTO entry_need (seq, need) VALUES (?, ?)');
      const imported: Imported = { entries: 0, known: 0, mismatched: [] };
      /** Places in the order of acceptance: there, and here. */
      const places = new Map<number, number>();
      for (const { seq, needs, ...row } of rows) {
        const here = known.get(row['user'] ?? '', row['key'] ?? '');
        if (here !== undefined) {
          places.set(seq, Number(here['seq']));
          if (here['fingerprint'] === row['fingerprint']) imported.known += 1;
          else imported.mismatched.push(String(row['key']));
          continue;
        }
        const state = next(row['state'] as EntryState, 'restart');
        const values = COLUMNS.map((column) => (column === 'state' ? state : (row[column] ?? null)));
        const place = Number(insert.run(...values).lastInsertRowid);
        places.set(seq, place);
        for (const each of needs) if (places.has(each)) need.run(place, places.get(each) ?? 0);
        imported.entries += 1;
      }
      db.prepare('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)').run(IMPORTED, 'yes');
      return imported;
    });
  } finally {
    db.close();
  }
}

const invalid = (detail: string) => new LarderError('LARDER_EXPORT_INVALID', detail);
const digestOf = (text: string) => createHash('sha256').update(text).digest('hex');

function rowsOf(text: string): (Row & { seq: number; needs: number[] })[] {
  const end = text.lastIndexOf('\n', text.length - 2) + 1;
  const body = text.slice(0, end);
  const last = jsonOf(text.slice(end)) as { sha256?: unknown } | null;
  if (last?.sha256 !== digestOf(body)) throw invalid('Its checksum is not that of its content.');
  const [head, ...rows] = body.trimEnd().split('\n').map(jsonOf) as [Partial<Head> | null, ...never[]];
  if (head?.larder !== 'queue') throw invalid('It does not begin as one.');
  if (head.version !== VERSION) throw invalid(`It is of version ${head.version}; this Larder reads ${VERSION}.`);
  if (head.entries !== rows.length) throw invalid(`It should have ${head.entries} entries and has ${rows.length}.`);
  return rows;
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
