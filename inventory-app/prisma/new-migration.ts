/**
 * Writes the migration that brings the present migrations to the schemas, for both providers, under one name:
 * `node inventory-app/prisma/new-migration.ts <what>`. Read it before committing it; data it cannot move is lost.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { migrateDatabase } from '../server/db/migrate.ts';
import { startPostgres } from '../server/db/postgres-harness.ts';
import { providerOf } from '../server/db/url.ts';
import { differenceFromSchema } from './schema-engine.ts';

const what = process.argv[2] ?? '';
if (!/^[a-z][a-z0-9_]*$/.test(what)) {
  console.error('Usage: node inventory-app/prisma/new-migration.ts <what_it_does>');
  process.exit(2);
}
const name = `${new Date().toISOString().replace(/\D/g, '').slice(0, 14)}_${what}`;
const scratch = mkdtempSync(join(tmpdir(), 'larder-migration-'));
const postgres = await startPostgres();
try {
  await write(`file:${join(scratch, 'scratch.db')}`);
  await write(await postgres.createDatabase());
} finally {
  await postgres.stop();
  rmSync(scratch, { recursive: true, force: true });
}

async function write(url: string): Promise<void> {
  await migrateDatabase(url);
  const difference = await differenceFromSchema(url);
  if (difference === '') return console.log(`${providerOf(url)}: nothing to do`);
  const directory = fileURLToPath(new URL(`${providerOf(url)}/migrations/${name}`, import.meta.url));
  mkdirSync(directory);
  writeFileSync(join(directory, 'migration.sql'), providerOf(url) === 'sqlite' ? difference : inByteOrder(difference));
  console.log(join(directory, 'migration.sql'));
}

/** Text orders by its bytes everywhere; SQLite's does by itself. */
function inByteOrder(sql: string): string {
  return sql.replace(/("\w+" +)TEXT\b/g, '$1TEXT COLLATE "C"');
}
