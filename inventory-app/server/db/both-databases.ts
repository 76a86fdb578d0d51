/** The same tests on both databases, each test on real ones of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe } from 'vitest';
import { migrateDatabase } from './migrate.ts';
import { type Database, openDatabase } from './open.ts';
import { type PostgresHarness, startPostgres } from './postgres-harness.ts';
import type { Provider } from './url.ts';

/** What tests get their databases from; everything it made is closed and deleted after the last test. */
export interface Databases {
  readonly provider: Provider;
  /** The address of a new, empty database without tables. */
  emptyUrl(): Promise<string>;
  /** A new database with its tables, open. Another process may open its `url` too. */
  make(): Promise<Database>;
}

/** Defines a suite twice: `<name> on sqlite`, `<name> on postgresql`. */
export function describeBothDatabases(name: string, define: (databases: Databases) => void): void {
  describe.each<Provider>(['sqlite', 'postgresql'])(`${name} on %s`, (provider) => {
    const opened: Database[] = [];
    const source = provider === 'sqlite' ? sqliteFiles() : postgresDatabases();
    afterAll(async () => {
      await Promise.all(opened.map((database) => database.close()));
      await source.end();
    });
    define({
      provider,
      emptyUrl: source.next,
      async make() {
        const url = await source.next();
        await migrateDatabase(url);
        const database = await openDatabase(url);
        opened.push(database);
        return database;
      },
    });
  });
}

interface Source {
  next(): Promise<string>;
  end(): Promise<void>;
}

function sqliteFiles(): Source {
  let directory: Promise<string> | undefined;
  let made = 0;
  return {
    async next() {
      directory ??= mkdtemp(join(tmpdir(), 'larder-sqlite-'));
      made += 1;
      return `file:${join(await directory, `test-${made}.db`)}`;
    },
    async end() {
      if (directory !== undefined) await rm(await directory, { recursive: true, force: true });
    },
  };
}

function postgresDatabases(): Source {
  let harness: Promise<PostgresHarness> | undefined;
  return {
    async next() {
      harness ??= startPostgres();
      return (await harness).createDatabase();
    },
    async end() {
      if (harness !== undefined) await (await harness).stop();
    },
  };
}
