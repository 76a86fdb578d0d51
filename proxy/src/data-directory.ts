/** The data directory: made, locked, and holding the secrets that are this edge's own. */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { LarderError } from '@larder/sync/errors';
import { decodeKey } from './config.ts';
import { lockDirectory } from './lock.ts';

export interface DataDirectory {
  path: string;
  /** 32 bytes; seals stored credentials. */
  sealKey: Uint8Array;
  /** What the operator's own commands prove themselves by. */
  consoleToken: string;
  close(): void;
}

const SEAL_KEY = 'key';
const CONSOLE_TOKEN = 'console-token';

/**
 * Opens the data directory for this process, making what is missing.
 *
 * @param sealKey the configured one; undefined: the directory's own.
 * @throws LarderError `LARDER_DATA_LOCKED`, `LARDER_DATA_UNUSABLE`
 */
export function openDataDirectory(path: string, sealKey: Uint8Array | undefined): DataDirectory {
  makeDataDirectory(path);
  const lock = usable(path, () => lockDirectory(path));
  try {
    return {
      path,
      sealKey: sealKey ?? usable(path, () => ownKey(join(path, SEAL_KEY))),
      consoleToken: usable(path, () =>
        readOrMake(join(path, CONSOLE_TOKEN), () => randomBytes(32).toString('base64url')),
      ),
      close: () => lock.release(),
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Makes it, for this user's eyes only, unless it is there. @throws LarderError `LARDER_DATA_UNUSABLE` */
export function makeDataDirectory(path: string): void {
  usable(path, () => mkdirSync(path, { recursive: true, mode: 0o700 }));
}

/** The console token of an edge on this box. @throws LarderError `LARDER_DATA_UNUSABLE` */
export function readConsoleToken(path: string): string {
  return usable(path, () => readFileSync(join(path, CONSOLE_TOKEN), 'utf8').trim());
}

function usable<T>(path: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (error instanceof LarderError) throw error;
    const why = error instanceof Error ? error.message : String(error);
    throw new LarderError('LARDER_DATA_UNUSABLE', `${path}: ${why}.`, { cause: error });
  }
}

function ownKey(file: string): Uint8Array {
  const key = decodeKey(readOrMake(file, () => randomBytes(32).toString('base64')));
  if (key === null) throw new Error(`${file} does not hold a key of 32 bytes`);
  return key;
}

function readOrMake(file: string, make: () => string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  const content = make();
  writeWhole(file, content);
  return content;
}

/** The file is there whole or not at all, whatever the power does (I12). */
function writeWhole(file: string, content: string): void {
  const draft = `${file}.draft`;
  rmSync(draft, { force: true });
  const handle = openSync(draft, 'wx', 0o600);
  try {
    writeSync(handle, `${content}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(draft, file);
}
