/**
 * The inventory app's database: SQLite or PostgreSQL behind one type.
 *
 *   openDatabase(url): Promise<Database>
 *   Database = { prisma, provider, url, transaction(fn), lockFeed(tx), close() }
 *   Transaction = the `tx` that `transaction` hands to `fn`
 *
 * `prisma` has the SQLite client's type for both: the PostgreSQL client differs in one field only, `Change.position`
 * (BIGINT there), and gives it as a number too. Money is `bigint` in both. Run `migrateDatabase` (migrate.ts) first.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Prisma, PrismaClient } from '../../prisma/generated/sqlite/client.ts';
import { isRetryable } from './retry.ts';
import { DatabaseError, type Provider, providerOf, sqliteFile } from './url.ts';

export type Transaction = Prisma.TransactionClient;

export interface Database {
  readonly prisma: PrismaClient;
  readonly provider: Provider;
  /** As given; may hold a password, so it is never logged. */
  readonly url: string;
  /**
   * Runs `fn` in one transaction: READ COMMITTED on PostgreSQL, the only writer on SQLite. `fn` runs again, from the
   * start and in a new transaction, when the database gave this one up (deadlock, serialization failure, busy), so it
   * must have no effects outside `tx`. What `fn` throws rolls back and is thrown on. A write on `prisma` itself waits
   * for the transaction on SQLite: `fn` must not await one.
   */
  transaction<T>(fn: (tx: Transaction) => Promise<T>): Promise<T>;
  /**
   * To be called last, just before the rows of `Change` are inserted: from here to the commit no other transaction
   * inserts any, so positions ascend in commit order. SQLite has one writer anyway.
   */
  lockFeed(tx: Transaction): Promise<void>;
  close(): Promise<void>;
}

/** Any number, the same in every process: PostgreSQL's advisory locks have no names. */
const FEED_LOCK = 7_310_001;
const ATTEMPTS = 5;
/** How long a transaction waits to begin, and how long it may run, in milliseconds. */
const PATIENCE = { maxWait: 15_000, timeout: 20_000 };

/**
 * Opens `file:<path>` (SQLite, the file is made where it is missing) or `postgresql://…`.
 * Throws `DatabaseError` for any other address; the driver's error where the database cannot be reached.
 */
export async function openDatabase(url: string): Promise<Database> {
  const provider = providerOf(url);
  const prisma = provider === 'sqlite' ? await openSqlite(url) : await openPostgres(url);
  const database: Database = {
    prisma,
    provider,
    url,
    transaction: (fn) => withRetries(() => prisma.$transaction(fn, PATIENCE)),
    async lockFeed(tx) {
      if (provider === 'postgresql') await tx.$executeRaw`SELECT pg_advisory_xact_lock(${FEED_LOCK})`;
    },
    close: () => prisma.$disconnect(),
  };
  try {
    await prisma.$queryRaw`SELECT 1`;
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

async function openSqlite(url: string): Promise<PrismaClient> {
  const [client, { SqliteAdapterFactory }] = await Promise.all([
    generated(import('../../prisma/generated/sqlite/client.ts')),
    import('./sqlite-adapter.ts'),
  ]);
  return new client.PrismaClient({ adapter: new SqliteAdapterFactory(sqliteFile(url)) });
}

async function openPostgres(url: string): Promise<PrismaClient> {
  const [client, { PrismaPg }] = await Promise.all([
    generated(import('../../prisma/generated/postgresql/client.ts')),
    import('@prisma/adapter-pg'),
  ]);
  const prisma = new client.PrismaClient({ adapter: new PrismaPg({ connectionString: url }) });
  const numbered = prisma.$extends({
    result: { change: { position: { needs: { position: true }, compute: (row) => Number(row.position) } } },
  });
  // The one place where the two clients' types are taken for equal: `position` is a number in both from here on, and
  // filters take numbers for a BIGINT. schemas.test.ts proves that nothing else differs.
  return numbered as unknown as PrismaClient;
}

/** The clients are made by `npm run generate`, not kept in the repository. */
async function generated<T>(client: Promise<T>): Promise<T> {
  try {
    return await client;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new DatabaseError('The database clients are missing: run `npm run generate` first.', { cause: error });
  }
}

async function withRetries<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      if (attempt === ATTEMPTS || !isRetryable(error)) throw error;
      // Two that collided must not collide again in step.
      await sleep(Math.random() * 20 * 2 ** attempt);
    }
  }
}
