/**
 * One connection without Prisma, for what Prisma is not made for: migrations and bulk loads. The same SQL on both
 * databases, with `$1`, `$2`, … for values.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import { Client } from 'pg';
import { type Provider, providerOf, sqliteFile } from './url.ts';

export type Value = string | number | bigint | null;
export type Row = Record<string, unknown>;
/** How a column is declared: TEXT, INTEGER, BIGINT or BOOLEAN; a boolean is given as 0 or 1. */
export type ColumnType = 'text' | 'int4' | 'int8' | 'bool';

export interface Connection {
  readonly provider: Provider;
  /** Runs a script of several statements without values. */
  script(sql: string): Promise<void>;
  query(sql: string, ...values: Value[]): Promise<Row[]>;
  /** Inserts rows whose values stand in the order of `columns`. */
  insert(table: string, columns: Record<string, ColumnType>, rows: readonly (readonly Value[])[]): Promise<void>;
  close(): Promise<void>;
}

/** Opens a connection of its own; a SQLite file and its directory are made where they are missing. */
export async function openConnection(url: string): Promise<Connection> {
  return providerOf(url) === 'sqlite' ? openSqlite(sqliteFile(url)) : openPostgres(url);
}

/** Runs `fn` in one transaction; on SQLite as the writer from its start. */
export async function inTransaction<T>(connection: Connection, fn: () => Promise<T>): Promise<T> {
  await (connection.provider === 'sqlite' ? beginWriting(connection) : connection.script('BEGIN'));
  try {
    const result = await fn();
    await connection.script('COMMIT');
    return result;
  } catch (error) {
    await connection.script('ROLLBACK');
    throw error;
  }
}

/** How long another writer is waited for: the driver's own wait blocks the process, so most of it is done here. */
const BUSY = { driverMs: 50, pauseMs: 20, deadlineMs: 60_000 };

async function beginWriting(connection: Connection): Promise<void> {
  const deadline = performance.now() + BUSY.deadlineMs;
  for (;;) {
    try {
      return await connection.script('BEGIN IMMEDIATE');
    } catch (error) {
      const busy = (error as { code?: unknown }).code === 'SQLITE_BUSY';
      if (!busy || performance.now() > deadline) throw error;
    }
    await sleep(BUSY.pauseMs);
  }
}

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ');

function openSqlite(path: string): Connection {
  mkdirSync(dirname(path), { recursive: true });
  const db = new BetterSqlite3(path);
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
  db.exec(`PRAGMA busy_timeout = ${BUSY.driverMs}`);
  return {
    provider: 'sqlite',
    async script(sql) {
      db.exec(sql);
    },
    async query(sql, ...values) {
      const statement = db.prepare(sql);
      // `$1` is a parameter named 1 to SQLite.
      const named = Object.fromEntries(values.map((value, index) => [index + 1, value]));
      if (statement.reader) return statement.all(named) as Row[];
      statement.run(named);
      return [];
    },
    async insert(table, columns, rows) {
      const names = Object.keys(columns);
      const places = names.map(() => '?').join(', ');
      const statement = db.prepare(`INSERT INTO "${table}" (${quoted(names)}) VALUES (${places})`);
      for (const row of rows) statement.run(...row);
    },
    async close() {
      db.close();
    },
  };
}

async function openPostgres(url: string): Promise<Connection> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return {
    provider: 'postgresql',
    async script(sql) {
      await client.query(sql);
    },
    async query(sql, ...values) {
      const { rows } = await client.query<Row>(sql, values);
      return rows;
    },
    async insert(table, columns, rows) {
      const names = Object.keys(columns);
      // One array per column: one statement for any number of rows, parsed and planned once.
      const arrays = Object.values(columns).map((type, index) => `$${index + 1}::${type}[]`);
      const values = names.map((_, index) => rows.map((row) => row[index]));
      const text = `INSERT INTO "${table}" (${quoted(names)}) SELECT * FROM unnest(${arrays.join(', ')})`;
      await client.query({ name: `insert ${table}`, text, values });
    },
    close: () => client.end(),
  };
}
