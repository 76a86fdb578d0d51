/** The cloud's database in a trial: copied from a template, saved and brought back as an operator would. */
import { copyFileSync, cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { PostgresHarness } from '../../../inventory-app/server/db/postgres-harness.ts';
import { sqliteIn } from '../stage/cloud.ts';

export interface CloudDatabase {
  /** DATABASE_URL of what the cloud works on now. */
  readonly url: string;
  /** Saves it as it is. The cloud must not be running. */
  save(): Promise<void>;
  /** Goes on with what was saved. The cloud must not be running. */
  restore(): Promise<void>;
  /** Deletes all of it. */
  drop(): Promise<void>;
}

/** Where a copy of the template comes from: each call gives a database of its own. */
export type Copies = (directory: string) => Promise<CloudDatabase>;

const FILES = ['cloud.db', 'cloud.db-wal', 'cloud.db-shm'];

function copySqlite(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of FILES) {
    rmSync(join(to, name), { force: true });
    if (existsSync(join(from, name))) copyFileSync(join(from, name), join(to, name));
  }
}

/** Copies of the SQLite database in a directory. */
export const sqliteCopies =
  (template: string): Copies =>
  async (directory) => {
    const [live, saved] = [join(directory, 'cloud'), join(directory, 'cloud-saved')];
    copySqlite(template, live);
    return {
      url: sqliteIn(live),
      save: async () => copySqlite(live, saved),
      restore: async () => copySqlite(saved, live),
      drop: async () => rmSync(live, { recursive: true, force: true }),
    };
  };

/** Copies of a PostgreSQL database that nobody is connected to. */
export const postgresCopies =
  (postgres: PostgresHarness, template: string): Copies =>
  async () => {
    let url = await postgres.copyDatabase(template);
    let saved: string | null = null;
    return {
      get url() {
        return url;
      },
      async save() {
        if (saved !== null) await postgres.dropDatabase(saved);
        saved = await postgres.copyDatabase(url);
      },
      async restore() {
        if (saved === null) throw new Error('there is no backup');
        const lost = url;
        url = await postgres.copyDatabase(saved);
        await postgres.dropDatabase(lost);
      },
      async drop() {
        for (const each of saved === null ? [url] : [url, saved]) await postgres.dropDatabase(each);
      },
    };
  };

/** A copy of an edge's data directory, its lock left behind. */
export function copyEdge(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true, filter: (path) => !path.endsWith('/lock') });
}
