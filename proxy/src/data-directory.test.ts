import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDataDirectory, readConsoleToken } from './data-directory.ts';

let parent: string;
let path: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'larder-data-'));
  path = join(parent, 'a', 'b');
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

const unusable = expect.objectContaining({ code: 'LARDER_DATA_UNUSABLE' });

test('makes the directory and its secrets, for this user only', () => {
  const data = openDataDirectory(path, undefined);
  data.close();
  expect(data.sealKey).toHaveLength(32);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  for (const file of ['key', 'console-token']) expect(statSync(join(path, file)).mode & 0o777).toBe(0o600);
  expect(readConsoleToken(path)).toBe(data.consoleToken);
});

test('keeps its secrets from one start to the next', () => {
  const first = openDataDirectory(path, undefined);
  first.close();
  const second = openDataDirectory(path, undefined);
  second.close();
  expect(second.sealKey).toEqual(first.sealKey);
  expect(second.consoleToken).toBe(first.consoleToken);
});

test('I12: half a key that a power cut left behind is not taken for one', () => {
  openDataDirectory(path, undefined).close();
  rmSync(join(path, 'key'));
  writeFileSync(join(path, 'key.draft'), 'half');
  const data = openDataDirectory(path, undefined);
  data.close();
  expect(data.sealKey).toHaveLength(32);
  expect(existsSync(join(path, 'key.draft'))).toBe(false);
});

test('uses the sealing key it is given, and makes none', () => {
  const sealKey = Buffer.alloc(32, 1);
  const data = openDataDirectory(path, sealKey);
  data.close();
  expect(data.sealKey).toBe(sealKey);
  expect(existsSync(join(path, 'key'))).toBe(false);
});

test('refuses a directory that cannot be made, and a key that is none', () => {
  writeFileSync(join(parent, 'a'), 'a file');
  expect(() => openDataDirectory(path, undefined)).toThrow(unusable);

  const other = join(parent, 'other');
  openDataDirectory(other, undefined).close();
  chmodSync(join(other, 'key'), 0o600);
  writeFileSync(join(other, 'key'), 'no key');
  expect(() => openDataDirectory(other, undefined)).toThrow(unusable);
  expect(readFileSync(join(other, 'key'), 'utf8')).toBe('no key');
});

test('a refused start holds no lock', () => {
  openDataDirectory(path, undefined).close();
  writeFileSync(join(path, 'key'), 'no key');
  expect(() => openDataDirectory(path, undefined)).toThrow(unusable);
  rmSync(join(path, 'key'));
  openDataDirectory(path, undefined).close();
});
