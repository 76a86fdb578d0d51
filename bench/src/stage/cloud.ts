/** The cloud of the demo and of the tests: the inventory app as its own process, over a database of its own. */
import { join } from 'node:path';
import { runProcess, startProcess, type Running } from './process.ts';

const FILE = 'inventory-app/server/main.ts';

/** A SQLite database in a directory. */
export const sqliteIn = (directory: string) => `file:${join(directory, 'cloud.db')}`;

export interface CloudOptions {
  /** DATABASE_URL: `file:…` or `postgresql://…`. */
  database: string;
  port?: number;
  env?: Record<string, string>;
  line?(text: string): void;
}

/** Fills a database with the made-up store. Does nothing to one that has it. */
export const seedCloud = (database: string): Promise<string> =>
  runProcess({ name: 'seed', file: FILE, args: ['seed'], env: { DATABASE_URL: database } });

/** Fills a database with a file of the Online Retail data set. */
export const importCloud = (database: string, path: string, line?: (text: string) => void): Promise<string> =>
  runProcess({
    name: 'import',
    file: FILE,
    args: ['import', path],
    env: { DATABASE_URL: database },
    ...(line === undefined ? {} : { line }),
  });

export const startCloud = ({ database, port = 0, env = {}, line }: CloudOptions): Promise<Running> =>
  startProcess({
    name: 'the cloud app',
    file: FILE,
    args: ['serve', '--port', String(port)],
    env: { DATABASE_URL: database, LOG_LEVEL: 'warn', ...env },
    ...(line === undefined ? {} : { line }),
  });
