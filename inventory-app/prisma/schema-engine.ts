/**
 * Prisma's schema engine as WebAssembly, pinned to the engine of the Prisma in use: what the downloaded binary does,
 * without the download. For making migrations and for the test that they agree with the schemas; never at run time.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { PrismaBetterSqlite3 } from '@prisma/adapter-better-sqlite3';
import { PrismaPg } from '@prisma/adapter-pg';
import { type MigrationList, SchemaEngine } from '@prisma/schema-engine-wasm';
import { Pool, type QueryResult } from 'pg';
import { migrationsOf } from '../server/db/migrate.ts';
import { type Provider, providerOf, sqliteFile } from '../server/db/url.ts';

type Adapter = Awaited<ReturnType<PrismaBetterSqlite3['connect']>>;

/** Prisma's own history table belongs to no schema. */
const FILTERS = { externalTables: [], externalEnums: [] };

/** The SQL that would bring the database at `url` to its provider's schema; empty when it is there already. */
export async function differenceFromSchema(url: string): Promise<string> {
  const schema = schemaOf(providerOf(url));
  const { stdout } = await withEngine(url, (engine) =>
    engine.diff({
      from: { tag: 'schemaDatasource', files: [schema], configDir: '.' },
      to: { tag: 'schemaDatamodel', files: [schema] },
      script: true,
      exitCode: null,
      filters: FILTERS,
    }),
  );
  const script = stdout ?? '';
  return script.trim() === '-- This is an empty migration.' ? '' : script;
}

/** What `prisma migrate status` would say about the database's migrations; nothing to say when all is in order. */
export async function historyProblems(url: string): Promise<string[]> {
  const diagnosis = await withEngine(url, (engine) =>
    engine.diagnoseMigrationHistory({
      migrationsList: migrationList(providerOf(url)),
      optInToShadowDatabase: false,
      filters: FILTERS,
    }),
  );
  return [
    ...(diagnosis.hasMigrationsTable ? [] : ['no migrations table']),
    ...diagnosis.editedMigrationNames.map((name) => `edited: ${name}`),
    ...diagnosis.failedMigrationNames.map((name) => `failed: ${name}`),
    ...(diagnosis.history === null ? [] : [diagnosis.history.diagnostic]),
  ];
}

async function withEngine<T>(url: string, run: (engine: SchemaEngine) => Promise<T>): Promise<T> {
  const provider = providerOf(url);
  const factory = provider === 'sqlite' ? new PrismaBetterSqlite3({ url: sqliteFile(url) }) : postgresFactory(url);
  const open: Adapter[] = [];
  const connect = factory.connect.bind(factory);
  // The engine does not close what it opened.
  factory.connect = async () => {
    const adapter = await connect();
    open.push(adapter);
    return adapter;
  };
  const { path, content } = schemaOf(provider);
  const bound = bindings.bindMigrationAwareSqlAdapterFactory(factory);
  using engine = await SchemaEngine.new({ datamodels: [[path, content]] }, () => undefined, bound);
  try {
    return await run(engine);
  } finally {
    await Promise.all(open.map((adapter) => adapter.dispose()));
  }
}

/** PostgreSQL's types `"char"` and `text`; the adapters' name for a column of single characters. */
const CHAR_OID = 18;
const TEXT_OID = 25;
const CHARACTER = 6;

/** The engine reads PostgreSQL's catalogue, whose one-letter columns have a type that Prisma's adapter does not know. */
function postgresFactory(url: string): PrismaPg {
  const pool = new Pool({ connectionString: url });
  const letters = new Set<string>();
  const query = pool.query.bind(pool) as unknown as (request: unknown) => Promise<QueryResult>;
  const readable = async (request: unknown) => {
    const result = await query(request);
    for (const field of result.fields.filter(({ dataTypeID }) => dataTypeID === CHAR_OID)) {
      letters.add(field.name);
      field.dataTypeID = TEXT_OID;
    }
    return result;
  };
  pool.query = readable as unknown as typeof pool.query;
  const factory = new PrismaPg(pool, { disposeExternalPool: true });
  const connect = factory.connect.bind(factory);
  factory.connect = async () => {
    const adapter = await connect();
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (statement) => {
      const result = await queryRaw(statement);
      const columnTypes = result.columnTypes.map((type, at) =>
        letters.has(result.columnNames[at] ?? '') ? CHARACTER : type,
      );
      return { ...result, columnTypes };
    };
    return adapter;
  };
  return factory;
}

/** The engine wants errors as values; Prisma's own wrapper does that, and is a dependency of its adapters. */
const bindings = createRequire(import.meta.resolve('@prisma/adapter-pg'))('@prisma/driver-adapter-utils') as {
  bindMigrationAwareSqlAdapterFactory(factory: PrismaBetterSqlite3 | PrismaPg): object;
};

function schemaOf(provider: Provider): { path: string; content: string } {
  const path = fileURLToPath(new URL(`${provider}/schema.prisma`, import.meta.url));
  return { path, content: readFileSync(path, 'utf8') };
}

function migrationList(provider: Provider): MigrationList {
  return {
    baseDir: fileURLToPath(new URL(`${provider}/migrations`, import.meta.url)),
    lockfile: { path: 'migration_lock.toml', content: `provider = "${provider}"` },
    shadowDbInitScript: '',
    migrationDirectories: migrationsOf(provider).map(({ name, sql }) => ({
      path: name,
      migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: sql } },
    })),
  };
}
