/**
 * Prisma's better-sqlite3 adapter on two connections. By itself it has one, on which whatever is asked outside a
 * transaction runs inside the one that happens to be open: it would see uncommitted rows, and its writes would roll
 * back with a stranger's. Here reads outside transactions have a connection of their own, which sees what is committed
 * (WAL), and a write outside a transaction becomes one.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3';

type Adapter = Awaited<ReturnType<PrismaBetterSqlite3['connect']>>;
type OpenTransaction = Awaited<ReturnType<Adapter['startTransaction']>>;
type Statement = Parameters<Adapter['queryRaw']>[0];

/** A driver's busy wait stops the whole process, so it is short, and the rest of the waiting is done here. */
const BUSY = { driverMs: 50, pauseMs: 20, deadlineMs: 15_000 };

const CONNECTION = `PRAGMA busy_timeout = ${BUSY.driverMs}; PRAGMA foreign_keys = ON;`;
/** FULL: a committed transaction survives a power cut. */
const WRITER = `PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${CONNECTION}`;
const READER = `${CONNECTION} PRAGMA query_only = ON;`;

export class SqliteAdapterFactory {
  readonly provider = 'sqlite';
  readonly adapterName = '@prisma/adapter-better-sqlite3';
  readonly #path: string;

  /** `path`: the database file; it and its directory are made where they are missing. */
  constructor(path: string) {
    this.#path = path;
  }

  async connect(): Promise<Adapter> {
    mkdirSync(dirname(this.#path), { recursive: true });
    const factory = new PrismaBetterSqlite3({ url: this.#path });
    const writer = await factory.connect();
    await writer.executeScript(WRITER);
    const reader = await factory.connect();
    await reader.executeScript(READER);
    return new TwoConnections(writer, reader);
  }
}

class TwoConnections implements Adapter {
  readonly provider = 'sqlite';
  readonly adapterName = '@prisma/adapter-better-sqlite3';
  readonly #writer: Adapter;
  readonly #reader: Adapter;

  constructor(writer: Adapter, reader: Adapter) {
    this.#writer = writer;
    this.#reader = reader;
  }

  queryRaw(statement: Statement) {
    if (!isWrite(statement)) return this.#reader.queryRaw(statement);
    return this.#inTransaction((tx) => tx.queryRaw(statement));
  }

  executeRaw(statement: Statement) {
    if (!isWrite(statement)) return this.#reader.executeRaw(statement);
    return this.#inTransaction((tx) => tx.executeRaw(statement));
  }

  executeScript(script: string) {
    return this.#writer.executeScript(script);
  }

  /**
   * Begins as a writer at once. A deferred transaction that reads first and then writes fails where another process
   * wrote in between, and no waiting helps it.
   */
  async startTransaction(isolationLevel?: Parameters<Adapter['startTransaction']>[0]): Promise<OpenTransaction> {
    const deadline = performance.now() + BUSY.deadlineMs;
    for (;;) {
      const tx = await this.#writer.startTransaction(isolationLevel);
      try {
        await tx.executeRaw(plain('ROLLBACK'));
        await tx.executeRaw(plain('BEGIN IMMEDIATE'));
        return tx;
      } catch (error) {
        // Gives the connection to the next in line; there is nothing to roll back.
        await tx.rollback();
        if (!isBusy(error) || performance.now() > deadline) throw error;
      }
      await sleep(BUSY.pauseMs);
    }
  }

  async dispose() {
    await this.#reader.dispose();
    await this.#writer.dispose();
  }

  async #inTransaction<T>(run: (tx: OpenTransaction) => Promise<T>): Promise<T> {
    const tx = await this.startTransaction();
    try {
      const result = await run(tx);
      await tx.executeRaw(plain('COMMIT'));
      await tx.commit();
      return result;
    } catch (error) {
      await tx.executeRaw(plain('ROLLBACK')).catch(() => undefined);
      await tx.rollback();
      throw error;
    }
  }
}

const plain = (sql: string): Statement => ({ sql, args: [], argTypes: [] });

/** What is mistaken for a read fails on the reader's connection, which is read-only; it is never done unnoticed. */
const isWrite = ({ sql }: Statement): boolean => /^\s*(?:INSERT|UPDATE|DELETE|REPLACE)\b/iu.test(sql);

/** The adapter's word for SQLITE_BUSY in all its forms. */
function isBusy(error: unknown): boolean {
  const cause = error instanceof Error ? (error.cause as { kind?: unknown } | undefined) : undefined;
  return cause?.kind === 'SocketTimeout';
}
