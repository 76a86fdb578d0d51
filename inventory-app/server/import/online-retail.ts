/** `import`: the UCI "Online Retail" file into store S001, all or nothing. */
import { randomUUID } from 'node:crypto';
import { type Connection, inTransaction, openConnection, type Value } from '../db/connection.ts';
import type { Database } from '../db/open.ts';
import { DatabaseError } from '../db/url.ts';
import { layFoundation } from '../seed/foundation.ts';
import { factsOf, type ImportedFact } from './invoices.ts';
import { type GoodsLine, goodsOf } from './lines.ts';
import { fromLocalTime } from './local-time.ts';
import { Masters } from './masters.ts';
import type { Progress } from './progress.ts';
import { count, emptyReport, type ImportReport } from './report.ts';
import { COLUMNS, customerRow, factRows, levelRow, openingRow, productRow, STORE, type Table } from './rows.ts';
import { readOnlineRetail } from './source.ts';

/** Rows sent in one statement: enough that round trips do not count, few enough that the progress moves. */
const BATCH = 5000;
const IMPORTED = 'imported:online-retail';
const DAY_MS = 86_400_000;

interface Invoice {
  occurredAt: string;
  lines: [GoodsLine, ...GoodsLine[]];
}

/**
 * Reads the file and writes it in one transaction, whose last step is a new epoch of the feed: edges fetch everything
 * anew. Ids are made of the file's own numbers. Throws `DatabaseError` where the file was imported before.
 */
export async function importOnlineRetail(
  database: Database,
  path: string,
  options: { onProgress?: (progress: Progress) => void } = {},
): Promise<ImportReport> {
  const begun = performance.now();
  const tell = options.onProgress ?? (() => undefined);
  const report = emptyReport();
  const masters = new Masters();
  const invoices = await readInvoices(path, masters, report, (part) => tell({ step: 'reading', part }));
  await layFoundation(database);
  const connection = await openConnection(database.url);
  try {
    await inTransaction(connection, async () => {
      await claim(connection);
      await write(connection, invoices, masters, report, (part) => tell({ step: 'writing', part }));
      await connection.query(
        'INSERT INTO "Setting" (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
        'epoch',
        randomUUID(),
      );
    });
    // Hundreds of thousands of rows came at once: the planner must hear of them.
    await connection.script('ANALYZE');
  } finally {
    await connection.close();
  }
  report.seconds = (performance.now() - begun) / 1000;
  return report;
}

/** All invoices with goods on them, in the file's order. An invoice's lines need not stand together. */
async function readInvoices(
  path: string,
  masters: Masters,
  report: ImportReport,
  onRead: (part: number) => void,
): Promise<Invoice[]> {
  const invoices = new Map<string, Invoice>();
  for await (const source of readOnlineRetail(path, onRead)) {
    report.lines += 1;
    const goods = goodsOf(source);
    if (typeof goods === 'string') {
      count(report.skipped, goods);
      continue;
    }
    const invoice = invoices.get(goods.invoice);
    const occurredAt = invoice?.occurredAt ?? fromLocalTime(goods.date, STORE.timeZone);
    if (occurredAt === null) {
      count(report.skipped, 'unusable date');
      continue;
    }
    if (invoice === undefined) invoices.set(goods.invoice, { occurredAt, lines: [goods] });
    else invoice.lines.push(goods);
    report.kept += 1;
    if (goods.rounded) count(report.changed, 'price rounded to the penny');
    masters.hear(goods);
  }
  return [...invoices.values()];
}

/** One import only: the second waits here for the first, and then finds it done. */
async function claim(connection: Connection): Promise<void> {
  const claimed = await connection.query(
    'INSERT INTO "Setting" (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING RETURNING name',
    IMPORTED,
    new Date().toISOString(),
  );
  if (claimed.length === 0) throw new DatabaseError('This database holds the Online Retail data already.');
}

async function write(
  connection: Connection,
  invoices: Invoice[],
  masters: Masters,
  report: ImportReport,
  onWritten: (part: number) => void,
): Promise<void> {
  const now = new Date().toISOString();
  const rows = new Batches(connection);
  for (const [at, { occurredAt, lines }] of invoices.entries()) {
    for (const fact of factsOf(lines)) {
      masters.move(fact);
      tally(report, fact);
      const { Fact, FactLine, Movement } = factRows(fact, occurredAt, now);
      await rows.add('Fact', Fact);
      await rows.add('FactLine', FactLine);
      await rows.add('Movement', Movement);
    }
    onWritten(at / invoices.length);
  }
  const opened = beforeAll(invoices);
  const products = masters.products();
  const customers = masters.customers();
  await rows.add(
    'Movement',
    products.map((product) => openingRow(product, opened, now)),
  );
  await rows.add(
    'Product',
    products.map((product) => productRow(product, now)),
  );
  await rows.add(
    'StockLevel',
    products.map((product) => levelRow(product, now)),
  );
  await rows.add(
    'Customer',
    customers.map((customer) => customerRow(customer, now)),
  );
  await rows.flush();
  count(report.written, 'products', products.length);
  count(report.written, 'customers', customers.length);
  count(report.written, 'movements of stock', report.kept + products.length);
  onWritten(1);
}

function tally(report: ImportReport, { kind, reason, lines }: ImportedFact): void {
  count(report.written, kind);
  if (kind === 'adjustments') count(report.changed, `stock correction taken as an adjustment: ${reason}`, lines.length);
  if (kind === 'sales') {
    const free = lines.filter(({ price }) => price === 0).length;
    if (free > 0) count(report.changed, 'sold at no charge', free);
  }
}

/** A day before the first invoice. */
function beforeAll(invoices: Invoice[]): string {
  const first = invoices.reduce((least, { occurredAt }) => (occurredAt < least ? occurredAt : least), '9999');
  return invoices.length === 0 ? new Date().toISOString() : new Date(Date.parse(first) - DAY_MS).toISOString();
}

/** Rows on their way, table by table. A table's rows go before those that refer to them. */
class Batches {
  readonly #connection: Connection;
  readonly #waiting: Record<Table, Value[][]> = {
    Fact: [],
    FactLine: [],
    Movement: [],
    Product: [],
    StockLevel: [],
    Customer: [],
  };

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async add(table: Table, rows: Value[][]): Promise<void> {
    this.#waiting[table].push(...rows);
    if (this.#waiting[table].length >= BATCH) await this.flush();
  }

  async flush(): Promise<void> {
    for (const table of Object.keys(COLUMNS) as Table[]) {
      const rows = this.#waiting[table].splice(0);
      for (let at = 0; at < rows.length; at += BATCH) {
        await this.#connection.insert(table, COLUMNS[table], rows.slice(at, at + BATCH));
      }
    }
  }
}
