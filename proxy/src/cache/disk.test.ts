import { fork, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Level } from 'level';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { openDiskStore } from './disk.ts';
import type { DiskStore } from './disk.ts';
import type { CacheRequest } from './response.ts';
import { sampleResponse } from './test-sample.ts';

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

async function newDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'larder-disk-'));
  ending.push(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'cache');
}

async function open(directory: string, options: { maxBytes?: number; version?: string } = {}): Promise<DiskStore> {
  const store = await openDiskStore({ directory, maxBytes: 1e7, version: '1', ...options });
  ending.push(() => store.close().catch(() => undefined));
  return store;
}

const request = (uri: string): CacheRequest => ({ method: 'GET', uri, headers: {}, scope: '' });
const response = (uri: string, body = uri) => sampleResponse(uri, body);

/** Opens the files with nothing of ours in between. */
async function withFiles(directory: string, use: (database: Level<string, string>) => Promise<void>): Promise<void> {
  const database = new Level(directory);
  await database.open();
  await use(database);
  await database.close();
}

test('what was stored is there after a restart, with its sequence and tags', async () => {
  const directory = await newDirectory();
  const first = await open(directory);
  first.put(response('/a'));
  first.put(response('/b'));
  await first.close();
  const second = await open(directory);
  expect(await second.find(request('/a'))).toEqual(response('/a'));
  second.put(response('/c'));
  await second.close();
  expect((await open(directory)).figures.responses).toBe(3);
});

test('I10: what was removed is not there after kill -9, not even a moment later', async () => {
  const directory = await newDirectory();
  const child = fork(fileURLToPath(new URL('disk.crash.ts', import.meta.url)), [directory], { execArgv: [] });
  await once(child, 'message');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const store = await open(directory);
  expect(await store.find(request('/removed'))).toBeNull();
  expect(await store.find(request('/kept'))).toEqual(response('/kept', 'kept'));
});

describe.runIf(process.platform === 'linux')('I10: on a disk that takes no more', () => {
  /** Runs disk.full.ts under a limit to the size of its files; resolves with what its removal came to. */
  async function removeOnFull(directory: string, how: 'hard' | 'soft'): Promise<unknown> {
    const script = fileURLToPath(new URL('disk.full.ts', import.meta.url));
    // The signal would end it; ignored, a write fails as on a full disk. In blocks of 512 bytes.
    const limited = `trap '' XFSZ; ulimit -f 4096; exec "$0" "$@"`;
    const child = spawn('sh', ['-c', limited, process.execPath, script, directory, how], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const [said] = (await once(child, 'message')) as [unknown];
    child.kill('SIGKILL');
    await once(child, 'exit');
    return said;
  }

  test.each(['hard', 'soft'] as const)('a %s purge is reported as unwritten, and undone by no restart', async (how) => {
    const directory = await newDirectory();
    expect(await removeOnFull(directory, how)).toBe('LARDER_PURGE_UNWRITTEN');
    const store = await open(directory);
    expect(await store.find(request('/purged'))).toBeNull();
    expect(store.figures.responses).toBe(0);
    store.put(response('/a'));
    await store.close();
    expect((await open(directory)).figures.responses).toBe(1);
  });
});

test('a miss touches no disk: it is known at once', async () => {
  const store = await open(await newDirectory());
  store.put(response('/a'));
  expect(store.find(request('/b'))).toBeNull();
});

test('what the disk gives quickly is found without waiting, and not after it was removed', async () => {
  const directory = await newDirectory();
  const first = await open(directory);
  for (const uri of ['/a', '/b']) first.put(response(uri));
  await first.close();
  const store = await open(directory);
  // The first one opens the file.
  expect(await store.find(request('/b'))).toEqual(response('/b'));
  expect(store.find(request('/a'))).toEqual(response('/a'));
  store.revise('/a', () => true, null);
  expect(store.find(request('/a'))).toBeNull();
});

test('many small ones are written without waiting for more', async () => {
  const directory = await newDirectory();
  const store = await open(directory);
  const waiting = vi.useFakeTimers({ toFake: ['setTimeout'] });
  ending.push(() => Promise.resolve(waiting.useRealTimers()));
  for (let i = 0; i < 200; i++) store.put(response(`/${i}`));
  while ((await readdir(join(directory, 'segments'))).length === 0) await new Promise((next) => setImmediate(next));
  expect(vi.getTimerCount()).toBeGreaterThan(0);
});

test('a record of which a single bit flipped is a miss, and gone', async () => {
  const directory = await newDirectory();
  const store = await open(directory);
  store.put(response('/a'));
  store.put(response('/b'));
  await store.close();
  // The last byte of the first body.
  const segment = join(directory, 'segments', '0');
  const records = await readFile(segment);
  const at = records.indexOf('/a', records.indexOf('}')) + 1;
  records.writeUInt8(records.readUInt8(at) ^ 1, at);
  await writeFile(segment, records);
  await withFiles(directory, (database) => database.put('slot!0000000001', 'nonsense'));
  const again = await open(directory);
  expect(await again.find(request('/a'))).toBeNull();
  expect(await again.find(request('/b'))).toBeNull();
  expect(again.figures).toMatchObject({ responses: 0, faults: 2 });
});

test('a broken directory is emptied, and the start does not fail', async () => {
  const directory = await newDirectory();
  const store = await open(directory);
  store.put(response('/a'));
  await store.close();
  for (const { name } of (await readdir(directory, { withFileTypes: true })).filter((entry) => entry.isFile()))
    await writeFile(join(directory, name), 'nonsense');
  const again = await open(directory);
  expect(again.figures.responses).toBe(0);
  again.put(response('/b'));
  await again.close();
  expect((await open(directory)).figures.responses).toBe(1);
});

test('another version of the profile finds an empty store', async () => {
  const directory = await newDirectory();
  const store = await open(directory);
  store.put(response('/a'));
  await store.close();
  expect((await open(directory, { version: '2' })).figures.responses).toBe(0);
});

test('a second process is told that the directory is in use', async () => {
  const directory = await newDirectory();
  await open(directory);
  await expect(open(directory)).rejects.toMatchObject({ code: 'LARDER_DATA_LOCKED' });
});

test('I11: files shrink again when what they held is gone', async () => {
  const directory = await newDirectory();
  const store = await open(directory, { maxBytes: 2e6 });
  // Bytes that do not compress, as those of pictures.
  for (let i = 0; i < 100; i++) store.put({ ...response(`/${i}`), body: randomBytes(200_000) });
  await store.close();
  const sizes = await Promise.all(
    (await readdir(directory, { recursive: true })).map(async (name) => (await stat(join(directory, name))).size),
  );
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(8e6);
});
