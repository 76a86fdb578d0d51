#!/usr/bin/env node
/** The inventory app's command line. Exit codes: 0 done, 1 failed, 2 wrong usage. */
import { parseArgs } from 'node:util';
import type { Database } from './db/open.ts';
import { DatabaseError } from './db/url.ts';

const HELP = `Usage: node inventory-app/server/main.ts [command] [options]

Commands
  serve            migrate the database and serve (the default)
  migrate          bring the database up to date
  seed             put a small made-up store into the database
  import <file>    put the UCI "Online Retail" file into the database
  new-epoch        tell all edges to fetch everything anew, after a restore

Options
  --port <n>       port to listen on; 0: any that is free (default 4000)
  --host <name>    address to listen on (default 127.0.0.1)
  --help           this text

Environment
  DATABASE_URL     file:<path> (default file:.larder/cloud.db) or postgresql://...
  LOG_LEVEL        trace, debug, info (default), warn, error, fatal, silent
`;

class UsageError extends Error {}

async function run(args: string[]): Promise<void> {
  const { values, positionals } = parsed(args);
  if (values.help) return void process.stdout.write(HELP);
  const [command = 'serve', ...operands] = positionals;
  const commandOf = COMMANDS[command];
  if (commandOf === undefined) throw new UsageError(`There is no command "${command}".`);
  if (operands.length !== (command === 'import' ? 1 : 0)) throw new UsageError(`"${command}" is used differently.`);
  await commandOf({ databaseUrl: process.env['DATABASE_URL'] ?? 'file:.larder/cloud.db', ...values, operands });
}

interface Invocation {
  databaseUrl: string;
  host: string;
  port: string;
  operands: string[];
}

/** Loaded when they are asked for: `--help` needs none of them. */
const COMMANDS: Readonly<Record<string, (invocation: Invocation) => Promise<void>>> = {
  async serve({ databaseUrl, host, port }) {
    if (!/^[0-9]{1,5}$/.test(port) || Number(port) > 65_535) throw new UsageError('--port must be from 0 to 65535.');
    const { serve } = await import('./serve.ts');
    await serve({ databaseUrl, host, port: Number(port) });
  },
  async migrate({ databaseUrl }) {
    const { migrateDatabase } = await import('./db/migrate.ts');
    const applied = await migrateDatabase(databaseUrl);
    process.stdout.write(applied.length === 0 ? 'up to date\n' : `applied ${applied.join(', ')}\n`);
  },
  async seed({ databaseUrl }) {
    const { seed } = await import('./seed/seed.ts');
    await onDatabase(databaseUrl, seed);
  },
  async import({ databaseUrl, operands: [file = ''] }) {
    const { importCommand } = await import('./import/command.ts');
    await onDatabase(databaseUrl, (database) => importCommand(database, file));
  },
  async 'new-epoch'({ databaseUrl }) {
    const { newEpoch } = await import('./settings.ts');
    await onDatabase(databaseUrl, async (database) => `The feed's epoch is now ${await newEpoch(database)}.`);
  },
};

/** Runs a command on the migrated database and prints the sentence that says what it did. */
async function onDatabase(url: string, command: (database: Database) => Promise<string>): Promise<void> {
  const [{ migrateDatabase }, { openDatabase }] = await Promise.all([
    import('./db/migrate.ts'),
    import('./db/open.ts'),
  ]);
  await migrateDatabase(url);
  const database = await openDatabase(url);
  try {
    process.stdout.write(`${await command(database)}\n`);
  } finally {
    await database.close();
  }
}

function parsed(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        port: { type: 'string', default: '4000' },
        host: { type: 'string', default: '127.0.0.1' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\n\n${HELP}`);
    process.exitCode = 2;
  } else {
    // Only what was written for people is shown alone; the rest is a fault, and its stack says where.
    const known = error instanceof DatabaseError || (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    process.stderr.write(`${known ? (error as Error).message : (error as Error).stack}\n`);
    process.exitCode = 1;
  }
}
