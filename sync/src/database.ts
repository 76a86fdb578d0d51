/** `edge.db`: one SQLite file that holds replica, queue and tags, so that one commit covers them all (I1, I12). */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { crashPoint, type Step } from './crash-point.ts';
import { LarderError } from './errors.ts';

/** The n-th brings `user_version` from n to n + 1. Never edited, only appended to. */
const SCHEMA = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

  -- The queue. See queue/states.ts for what the states mean.
  CREATE TABLE entry (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    user TEXT NOT NULL,
    user_json TEXT NOT NULL,
    route TEXT NOT NULL,
    kind TEXT NOT NULL,
    release INTEGER NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    search TEXT NOT NULL,
    headers TEXT NOT NULL,
    body TEXT,
    fingerprint TEXT NOT NULL,
    at TEXT NOT NULL,
    state TEXT NOT NULL,
    -- 0 once the base contains it: until then the overlay shows it (I6)
    overlaid INTEGER NOT NULL DEFAULT 1,
    told INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL DEFAULT 0,
    tags TEXT NOT NULL,
    -- what apply threw, if it did: its effect is not shown
    fault TEXT,
    verdict TEXT,
    answer TEXT,
    settled_at TEXT,
    UNIQUE (user, key)
  );
  CREATE INDEX entry_open ON entry (state, not_before) WHERE state IN ('queued', 'sending', 'unknown');
  CREATE INDEX entry_overlaid ON entry (seq) WHERE overlaid = 1;
  CREATE INDEX entry_inbox ON entry (seq) WHERE state = 'refused' AND told = 1;

  -- What an entry waits for (I3).
  CREATE TABLE entry_need (seq INTEGER NOT NULL, need INTEGER NOT NULL, PRIMARY KEY (seq, need)) WITHOUT ROWID;
  CREATE INDEX entry_need_of ON entry_need (need);
  -- What its apply looked at: id '*' is a list. A change beneath runs it again.
  CREATE TABLE entry_read (
    seq INTEGER NOT NULL, resource TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (seq, resource, id)
  ) WITHOUT ROWID;
  CREATE INDEX entry_read_of ON entry_read (resource, id, seq);
  -- What its apply did, in order: the overlay.
  CREATE TABLE entry_op (
    seq INTEGER NOT NULL, n INTEGER NOT NULL, resource TEXT NOT NULL, id TEXT NOT NULL,
    type TEXT NOT NULL, field TEXT, by INTEGER, doc TEXT, PRIMARY KEY (seq, n)
  ) WITHOUT ROWID;
  CREATE INDEX entry_op_of ON entry_op (resource, id, seq, n);

  CREATE TABLE credential (user TEXT PRIMARY KEY, sealed BLOB NOT NULL, expires_at INTEGER) WITHOUT ROWID;
  CREATE TABLE temporary_id (temporary TEXT PRIMARY KEY, id TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE tag (tag TEXT PRIMARY KEY, sequence INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL, expires_at INTEGER) WITHOUT ROWID;
  -- The replica's tables are made from the profile's resources: replica/tables.ts.
  CREATE TABLE resource (
    name TEXT PRIMARY KEY,
    shape TEXT NOT NULL,
    complete INTEGER NOT NULL DEFAULT 0,
    walk INTEGER NOT NULL DEFAULT 0,
    page TEXT
  ) WITHOUT ROWID;
  `,
  `
  -- Its marker came before its verdict: the overlay lets go as it settles.
  ALTER TABLE entry ADD COLUMN marked INTEGER NOT NULL DEFAULT 0;
  -- What is ready is found in order, without looking at all that waits.
  CREATE INDEX entry_queued ON entry (seq) WHERE state = 'queued';
  CREATE INDEX entry_applied ON entry (seq) WHERE overlaid = 1 AND state = 'applied';
  `,
  `
  -- 1: it had been applied in a cloud that was restored since, and is offered again under its key.
  ALTER TABLE entry ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
  -- JSON, 'resource/id': what it made or edited, and all that it looked at or touched.
  ALTER TABLE entry ADD COLUMN made TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE entry ADD COLUMN looked TEXT NOT NULL DEFAULT '[]';
  CREATE INDEX entry_again ON entry (seq) WHERE again = 1;
  -- The entry that made the document: with it goes what is known of its ids.
  ALTER TABLE temporary_id ADD COLUMN maker INTEGER;
  `,
  `
  -- Why a person has to see to it: inbox/types.ts; null: nobody has to.
  ALTER TABLE entry ADD COLUMN inbox TEXT;
  UPDATE entry SET inbox = iif(verdict = 'orphaned', 'orphaned', 'refused') WHERE state = 'refused' AND told = 1;
  DROP INDEX entry_inbox;
  ALTER TABLE entry DROP COLUMN told;
  CREATE INDEX entry_inbox ON entry (seq) WHERE inbox IS NOT NULL;
  -- The temporary ids that its apply made, in order.
  ALTER TABLE entry ADD COLUMN temporary TEXT NOT NULL DEFAULT '[]';
  -- The refused entry that it went to the inbox with.
  ALTER TABLE entry ADD COLUMN orphan_of INTEGER;
  CREATE INDEX entry_orphan ON entry (orphan_of) WHERE orphan_of IS NOT NULL;
  -- The entry that was made of it when it was tried again.
  ALTER TABLE entry ADD COLUMN retried_as INTEGER;
  -- What people did with entries in the inbox: kept as long as the entry.
  CREATE TABLE inbox_action (
    n INTEGER PRIMARY KEY AUTOINCREMENT, seq INTEGER NOT NULL, action TEXT NOT NULL, who TEXT NOT NULL,
    at TEXT NOT NULL, detail TEXT NOT NULL
  );
  CREATE INDEX inbox_action_of ON inbox_action (seq);
  `,
  `
  -- Bytes of the request, for the queue's limit; what was there before counts as little.
  ALTER TABLE entry ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX entry_size ON entry (state, again, size) WHERE state IN ('queued', 'sending', 'unknown');
  `,
  `
  -- Who made or edited a document, without looking at all that was added to its numbers.
  CREATE INDEX entry_op_whole ON entry_op (resource, id, type, seq) WHERE type <> 'add';
  `,
  `
  -- Which of the tables that a resource has had is in use; which is being filled to take its place, with what shape, and
  -- up to which id: replica/places.ts.
  ALTER TABLE resource ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE resource ADD COLUMN next INTEGER;
  ALTER TABLE resource ADD COLUMN next_shape TEXT;
  ALTER TABLE resource ADD COLUMN built TEXT;
  `,
  `
  -- What is of unknown outcome is found in order, without looking at all that there is.
  CREATE INDEX entry_unknown ON entry (seq) WHERE state = 'unknown';
  `,
  `
  -- 1: it was offered again since the place in the feed is known, and no sending since then has ended in doubt. Where the
  -- cloud had it already, it had it before that place, unless its marker comes.
  ALTER TABLE entry ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;
  -- 1: it lies before the place in the feed: whatever the cloud says from now on contains it.
  ALTER TABLE entry ADD COLUMN behind INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX entry_behind ON entry (seq) WHERE behind = 1;
  `,
  `
  -- Whether a start can read what waits is seen without reading it.
  CREATE INDEX entry_release ON entry (state, release, route) WHERE state IN ('queued', 'sending', 'unknown');
  `,
];

/** Of the writer: with SQLite's 2 MB a bootstrap reads its own indexes again and again; more than this gives no more. */
const CACHE_KB = 8192;

const file = (data: string) => join(data, 'edge.db');

/** Opens `edge.db` for its one writer, and brings its schema up to date. */
export function openWriter(data: string): DatabaseSync {
  try {
    mkdirSync(data, { recursive: true });
    const db = new DatabaseSync(file(data));
    db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = 0;
      PRAGMA journal_size_limit = 67108864;
      PRAGMA cache_size = -${CACHE_KB};
      PRAGMA temp_store = MEMORY;
      PRAGMA busy_timeout = 5000;
      CREATE TEMP TABLE changed (resource TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (resource, id)) WITHOUT ROWID;
      CREATE TEMP TABLE rerun (seq INTEGER PRIMARY KEY);
    `);
    migrate(db);
    guard?.(db, true);
    return db;
  } catch (error) {
    if (error instanceof LarderError) throw error;
    throw new LarderError('LARDER_DATA_UNUSABLE', `${file(data)}: ${messageOf(error)}.`, { cause: error });
  }
}

/** Opens `edge.db` for reading; it must exist. */
export function openReader(data: string): DatabaseSync {
  const db = new DatabaseSync(file(data), { readOnly: true });
  db.exec('PRAGMA temp_store = MEMORY; PRAGMA busy_timeout = 5000; PRAGMA mmap_size = 268435456;');
  return db;
}

/** Opens `edge.db` to checkpoint its WAL away from the writer, whose commits would wait for it. */
export function openCheckpointer(data: string): DatabaseSync {
  const db = new DatabaseSync(file(data));
  db.exec('PRAGMA busy_timeout = 0; PRAGMA wal_autocheckpoint = 0;');
  return db;
}

function migrate(db: DatabaseSync): void {
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (version > SCHEMA.length)
    throw new LarderError('LARDER_DATA_UNUSABLE', `edge.db was written by a newer Larder (schema ${version}).`);
  for (const [at, step] of SCHEMA.entries()) {
    if (at < version) continue;
    transaction(db, 'schema', () => db.exec(`${step}; PRAGMA user_version = ${at + 1}`));
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A name as SQL takes it. */
export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** A statement that is prepared when it is first used. */
export function preparedOnce(db: DatabaseSync, sql: string): () => StatementSync {
  let statement: StatementSync | null = null;
  return () => (statement ??= db.prepare(sql));
}

/**
 * Under tests the writer's connection takes no change outside of `transaction`: a commit that nobody can have the process
 * crash at does not come about. Null in production.
 */
const guard: ((db: DatabaseSync, closed: boolean) => void) | null =
  process.env['NODE_ENV'] === 'test' ? (db, closed) => db.exec(`PRAGMA query_only = ${closed ? 'ON' : 'OFF'}`) : null;

/** Makes what lives and dies with this connection: nothing of it is durable, so that there is nothing to crash at. */
export function makeTemporary(db: DatabaseSync, sql: string): void {
  const isClosed = guard !== null && db.prepare('PRAGMA query_only').get()?.['query_only'] === 1;
  if (isClosed) guard?.(db, false);
  db.exec(sql);
  if (isClosed) guard?.(db, true);
}

/** Runs `work` in one durable transaction; whatever it throws, nothing of it stays. */
export function transaction<T>(db: DatabaseSync, step: Step, work: () => T): T {
  guard?.(db, false);
  try {
    db.exec('BEGIN IMMEDIATE');
    const result = work();
    crashPoint?.(`${step}:uncommitted`);
    db.exec('COMMIT');
    crashPoint?.(`${step}:committed`);
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw diskError(error);
  } finally {
    guard?.(db, true);
  }
}

/** Like `transaction`, inside one: a failure takes back only this part. */
export function savepoint<T>(db: DatabaseSync, work: () => T): T {
  db.exec('SAVEPOINT part');
  try {
    const result = work();
    db.exec('RELEASE part');
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK TO part; RELEASE part');
    throw error;
  }
}

const SQLITE_IOERR = 10;
const SQLITE_FULL = 13;

/** Is it the disk that is full or fails? */
export function isDiskFault(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0;
  return code === SQLITE_FULL || code === SQLITE_IOERR;
}

/** A full or failing disk as an error that a person can act on (I11). */
function diskError(error: unknown): unknown {
  if (!isDiskFault(error)) return error;
  return new LarderError('LARDER_DISK_FULL', `${messageOf(error)}.`, { cause: error });
}
