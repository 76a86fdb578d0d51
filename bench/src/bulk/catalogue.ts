/** Bulk in the cloud: a catalogue that somebody has imported there, and prices that somebody has changed, all at once. */
import { randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';

type Doc = Record<string, unknown>;

/**
 * Writes into the cloud's own SQLite database what an import of `count` articles would leave there: rows, and a change of
 * the feed for each, a transaction each. `like`: an article as the cloud serves it.
 */
export function addArticles(database: string, like: Doc, count: number): void {
  const db = open(database);
  const insert = db.prepare(`INSERT INTO "Product"
    ("id", "sku", "name", "unit", "price", "cost", "reorderLevel", "active", "search", "createdAt", "updatedAt", "version")
    SELECT ?1, ?2, ?3, "unit", "price", "cost", "reorderLevel", 1, ?4, "createdAt", "updatedAt", 1
    FROM "Product" WHERE "id" = ?5`);
  const record = recorder(db);
  db.exec('BEGIN');
  for (let n = 0; n < count; n++) {
    const number = String(n).padStart(6, '0');
    const [id, sku, name] = [`bulk-${number}`, `BULK-${number}`, `Imported article ${number}`];
    insert.run(id, sku, name, `${name} ${sku}`.toLowerCase(), String(like['id']));
    record({ ...like, id, sku, name, barcode: null, categoryId: null, active: true, version: 1 });
  }
  db.exec('COMMIT');
  db.close();
}

/** Raises the price of each article that was imported by 1, `times` over. Returns the number of changes. */
export function changePrices(database: string, like: Doc, times: number): number {
  const db = open(database);
  const record = recorder(db);
  db.exec('BEGIN');
  const raise = db.prepare(
    `UPDATE "Product" SET "price" = "price" + 1, "version" = "version" + 1 WHERE "id" LIKE 'bulk-%'`,
  );
  const read = db.prepare(`SELECT "id", "sku", "name", "price", "version" FROM "Product" WHERE "id" LIKE 'bulk-%'`);
  let changes = 0;
  for (let time = 0; time < times; time++) {
    raise.run();
    for (const row of read.all()) {
      record({ ...like, ...row, barcode: null, categoryId: null, active: true });
      changes++;
    }
  }
  db.exec('COMMIT');
  db.close();
  return changes;
}

function open(database: string): DatabaseSync {
  const db = new DatabaseSync(database.replace(/^file:/, ''));
  db.exec('PRAGMA busy_timeout = 10000');
  return db;
}

function recorder(db: DatabaseSync): (doc: Doc) => void {
  const insert = db.prepare(`INSERT INTO "Change"
    ("tx", "nonce", "storeId", "type", "resource", "docId", "version", "doc", "recordedAt")
    VALUES (?, ?, NULL, 'put', 'products', ?, ?, ?, ?)`);
  const nonce = () => randomBytes(9).toString('base64url');
  const now = new Date().toISOString();
  return (doc) => {
    insert.run(nonce(), nonce(), String(doc['id']), Number(doc['version']), JSON.stringify(doc), now);
  };
}
