/** One process per data directory, by a lock that the operating system takes back when its holder dies (I12). */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { LarderError } from '@larder/sync/errors';

export interface Lock {
  release(): void;
}

const SQLITE_BUSY = 5;

/** What holds the locks of this process: a database that nobody can reach is closed, and its lock with it. */
const held = new Set<DatabaseSync>();

/**
 * Locks a directory for this process. Node has no file locks of its own, SQLite has: the file `lock` is an empty
 * database in an exclusive transaction that never writes. After a `kill -9` or a power cut nothing has to be cleaned up.
 *
 * @throws LarderError `LARDER_DATA_LOCKED` while another process, or another edge in this one, holds it.
 */
export function lockDirectory(directory: string): Lock {
  const database = new DatabaseSync(join(directory, 'lock'), { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (isBusy(error)) throw new LarderError('LARDER_DATA_LOCKED', `${directory} is in use.`, { cause: error });
    throw error;
  }
  held.add(database);
  return {
    release() {
      held.delete(database);
      database.close();
    },
  };
}

const isBusy = (error: unknown) => error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
