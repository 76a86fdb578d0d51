import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { importQueue } from '@larder/sync/queue';
import { lockDirectory } from '../lock.ts';
import { run } from './run.ts';

let directory: string;
let printed: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'larder-queue-'));
  printed = '';
  const print = (text: string | Uint8Array) => {
    printed += String(text);
    return true;
  };
  vi.spyOn(process.stdout, 'write').mockImplementation(print);
  vi.spyOn(process.stderr, 'write').mockImplementation(print);
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A data directory with nothing in its queue. */
function emptyBox(): string {
  const data = join(directory, 'box');
  mkdirSync(data);
  const head = '{"larder":"queue","version":2,"entries":0}\n';
  importQueue(data, `${head}{"sha256":"${createHash('sha256').update(head).digest('hex')}"}\n`);
  return data;
}

test('exports to a new file that only this user may read, and imports it where no edge is running', async () => {
  const [file, data] = [join(directory, 'queue.jsonl'), emptyBox()];
  expect(await run(['queue', 'export', file, '--data', data, '--json'])).toBe(0);
  expect(JSON.parse(printed)).toEqual({ file, entries: 0, inbox: 0 });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(await run(['queue', 'export', file, '--data', data])).toBe(2);
  const lock = lockDirectory(data);
  expect(await run(['queue', 'import', file, '--data', data])).toBe(3);
  expect(printed).toContain('LARDER_DATA_LOCKED');
  lock.release();
  printed = '';
  expect(await run(['queue', 'import', file, '--data', data])).toBe(0);
  expect(printed).toBe('0 changes imported, 0 known already.\n');
});

test('imports into the directory of a box that has none yet, and says where there can be none', async () => {
  const file = join(directory, 'queue.jsonl');
  await run(['queue', 'export', file, '--data', emptyBox()]);
  expect(await run(['queue', 'import', file, '--data', join(directory, 'a', 'new', 'box')])).toBe(0);
  expect(await run(['queue', 'import', file, '--data', join(file, 'box')])).toBe(3);
  expect(printed).toContain('LARDER_DATA_UNUSABLE');
});

test('says what is missing', async () => {
  expect(await run(['queue', 'export'])).toBe(2);
  expect(await run(['queue', 'import', join(directory, 'nothing'), '--data', directory])).toBe(2);
  expect(printed).toContain('LARDER_EXPORT_INVALID');
  expect(await run(['queue', 'export', join(directory, 'new'), '--data', join(directory, 'no box')])).toBe(3);
  expect(printed).toContain('LARDER_DATA_UNUSABLE');
  expect(await run(['queue', '--help'])).toBe(0);
});
