/**
 * Applies the migrations in prisma/<provider>/migrations, which are in Prisma's own layout, and records them as Prisma
 * does, so `prisma migrate` works on the same database and the same files. It needs no engine and no network.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Connection, inTransaction, openConnection } from './connection.ts';
import { DatabaseError, type Provider } from './url.ts';

export interface Migration {
  /** `<timestamp>_<what>`, the directory's name; they apply in the order of their names. */
  name: string;
  sql: string;
  /** SHA-256 of the file, in hex. */
  checksum: string;
}

/** The lock that Prisma's own engine takes, so that the two exclude each other. */
const PRISMA_LOCK = 72_707_369;

const HISTORY: Record<Provider, string> = {
  sqlite: `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
    "id"                    TEXT PRIMARY KEY NOT NULL,
    "checksum"              TEXT NOT NULL,
    "finished_at"           DATETIME,
    "migration_name"        TEXT NOT NULL,
    "logs"                  TEXT,
    "rolled_back_at"        DATETIME,
    "started_at"            DATETIME NOT NULL DEFAULT current_timestamp,
    "applied_steps_count"   INTEGER UNSIGNED NOT NULL DEFAULT 0
)`,
  postgresql: `CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id                      VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum                VARCHAR(64) NOT NULL,
    finished_at             TIMESTAMPTZ,
    migration_name          VARCHAR(255) NOT NULL,
    logs                    TEXT,
    rolled_back_at          TIMESTAMPTZ,
    started_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count     INTEGER NOT NULL DEFAULT 0
)`,
};

/** The migrations on disk, in order. */
export function migrationsOf(provider: Provider): Migration[] {
  const root = fileURLToPath(new URL(`../../prisma/${provider}/migrations`, import.meta.url));
  return readdirSync(root)
    .filter((name) => existsSync(join(root, name, 'migration.sql')))
    .sort()
    .map((name) => {
      const sql = readFileSync(join(root, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    });
}

/**
 * Brings the database up to date and returns the names of the migrations that were missing. All of them apply or none.
 * Safe from several processes at once. Throws `DatabaseError` where the files are not the ones that were applied.
 */
export async function migrateDatabase(url: string, migrations?: Migration[]): Promise<string[]> {
  const connection = await openConnection(url);
  try {
    return await inTransaction(connection, async () => {
      // SQLite has no need of it: the transaction began as the one writer.
      if (connection.provider === 'postgresql') await connection.query('SELECT pg_advisory_xact_lock($1)', PRISMA_LOCK);
      return await applyMissing(connection, migrations ?? migrationsOf(connection.provider));
    });
  } finally {
    await connection.close();
  }
}

async function applyMissing(connection: Connection, migrations: Migration[]): Promise<string[]> {
  await connection.script(HISTORY[connection.provider]);
  const rows = await connection.query(
    'SELECT migration_name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL',
  );
  const applied = new Map(rows.map((row) => [String(row['migration_name']), row]));
  refuseUnknown(new Set(applied.keys()), migrations);
  const missing: string[] = [];
  for (const migration of migrations) {
    const row = applied.get(migration.name);
    if (row === undefined) {
      await apply(connection, migration);
      missing.push(migration.name);
      continue;
    }
    if (row['finished_at'] === null) {
      throw new DatabaseError(
        `The migration ${migration.name} was begun by Prisma and failed: resolve it there first.`,
      );
    }
    if (row['checksum'] !== migration.checksum) {
      throw new DatabaseError(
        `The migration ${migration.name} was changed after it was applied: restore its file, and make the change in a new one.`,
      );
    }
  }
  return missing;
}

/** A database that is ahead of this release is left alone. */
function refuseUnknown(applied: Set<string>, migrations: Migration[]): void {
  const known = new Set(migrations.map(({ name }) => name));
  const unknown = [...applied].filter((name) => !known.has(name)).sort();
  if (unknown.length === 0) return;
  throw new DatabaseError(
    `The database has migrations that this release does not know (${unknown.join(', ')}): start the release that made them.`,
  );
}

async function apply(connection: Connection, { name, sql, checksum }: Migration): Promise<void> {
  // Prisma keeps times as milliseconds in SQLite and as TIMESTAMPTZ in PostgreSQL.
  const now = () => (connection.provider === 'sqlite' ? Date.now() : new Date().toISOString());
  const started = now();
  await connection.script(sql);
  await connection.query(
    `INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, started_at, applied_steps_count)
     VALUES ($1, $2, $3, $4, $5, 1)`,
    randomUUID(),
    checksum,
    now(),
    name,
    started,
  );
}
