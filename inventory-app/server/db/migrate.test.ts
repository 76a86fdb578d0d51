import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { differenceFromSchema, historyProblems } from '../../prisma/schema-engine.ts';
import { describeBothDatabases } from './both-databases.ts';
import { openConnection } from './connection.ts';
import { migrateDatabase, migrationsOf } from './migrate.ts';

const run = promisify(execFile);
const SCRIPT = `
  const { migrateDatabase } = await import(process.argv[1]);
  console.log(JSON.stringify(await migrateDatabase(process.argv[2])));
`;

async function migrateInProcess(url: string): Promise<string[]> {
  const module = new URL('migrate.ts', import.meta.url).href;
  const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', SCRIPT, module, url]);
  return JSON.parse(stdout) as string[];
}

async function query(url: string, sql: string) {
  const connection = await openConnection(url);
  try {
    return await connection.query(sql);
  } finally {
    await connection.close();
  }
}

describeBothDatabases('Migrating', (databases) => {
  const names = migrationsOf(databases.provider).map(({ name }) => name);

  test('applies what is missing, once', async () => {
    const url = await databases.emptyUrl();
    expect(await migrateDatabase(url)).toEqual(names);
    expect(await migrateDatabase(url)).toEqual([]);
  });

  test("ends with exactly the schema's tables, as Prisma's own engine sees them", async () => {
    const url = await databases.emptyUrl();
    await migrateDatabase(url);
    expect(await differenceFromSchema(url)).toBe('');
  });

  test('would notice an index that the schema does not have', async () => {
    const url = await databases.emptyUrl();
    await migrateDatabase(url);
    await query(url, 'CREATE INDEX "Store_name_idx" ON "Store" (name)');
    expect(await differenceFromSchema(url)).toContain('DROP INDEX "Store_name_idx"');
  });

  test("leaves a history that Prisma's own engine finds in order", async () => {
    const url = await databases.emptyUrl();
    await migrateDatabase(url);
    expect(await historyProblems(url)).toEqual([]);
  });

  test('is done once by several processes that start together', async () => {
    const url = await databases.emptyUrl();
    const results = await Promise.all([migrateInProcess(url), migrateInProcess(url), migrateDatabase(url)]);
    expect(results.flat()).toEqual(names);
  });

  test('refuses a file that was changed after it was applied', async () => {
    const url = await databases.emptyUrl();
    await migrateDatabase(url);
    const changed = migrationsOf(databases.provider).map((migration) => ({ ...migration, checksum: 'another' }));
    await expect(migrateDatabase(url, changed)).rejects.toThrow(`${names[0]} was changed after it was applied`);
  });

  test('refuses a database that is ahead of this release', async () => {
    const url = await databases.emptyUrl();
    await migrateDatabase(url);
    await expect(migrateDatabase(url, [])).rejects.toThrow('migrations that this release does not know');
  });

  test('applies all or none', async () => {
    const url = await databases.emptyUrl();
    const broken = {
      name: '99990101000000_broken',
      sql: 'CREATE TABLE half (id TEXT); CREATE NONSENSE;',
      checksum: 'x',
    };
    await expect(migrateDatabase(url, [...migrationsOf(databases.provider), broken])).rejects.toThrow(/syntax/u);
    expect(await migrateDatabase(url)).toEqual(names);
  });

  test.runIf(databases.provider === 'postgresql')('orders every text column by its bytes', async () => {
    const url = await databases.emptyUrl();
    await migrateDatabase(url);
    const others = await query(
      url,
      `SELECT table_name, column_name FROM information_schema.columns
       WHERE table_schema = 'public' AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'
         AND table_name <> '_prisma_migrations'`,
    );
    expect(others).toEqual([]);
  });
});
