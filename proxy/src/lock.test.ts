import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockDirectory } from './lock.ts';

let directory: string;
let holder: ChildProcess | null = null;

beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'larder-lock-'))));
afterEach(() => {
  holder?.kill('SIGKILL');
  holder = null;
  rmSync(directory, { recursive: true, force: true });
});

/** Another process that locks the directory, keeps nothing of that, clears its memory and then sits still. */
async function otherProcess(): Promise<ChildProcess> {
  const script = `
    import { lockDirectory } from ${JSON.stringify(new URL('lock.ts', import.meta.url).href)};
    lockDirectory(${JSON.stringify(directory)});
    // What nobody can reach any more is let go of in a turn of its own.
    for (let turn = 0; turn < 3; turn += 1) {
      gc();
      await new Promise((resolve) => setImmediate(resolve));
    }
    process.send('locked');
    setInterval(() => undefined, 1000);
  `;
  const child = fork('-', [], { execArgv: ['--expose-gc', '--input-type=module', '-e', script] });
  holder = child;
  await once(child, 'message');
  return child;
}

const locked = expect.objectContaining({ code: 'LARDER_DATA_LOCKED' });

test('a directory that another process holds is refused', async () => {
  await otherProcess();
  expect(() => lockDirectory(directory)).toThrow(locked);
});

test('I12: the lock of a process that was killed is free at once', async () => {
  const child = await otherProcess();
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = lockDirectory(directory);
  expect(() => lockDirectory(directory)).toThrow(locked);
  lock.release();
});

test('a second edge in the same process is refused as well, until the first lets go', () => {
  const first = lockDirectory(directory);
  expect(() => lockDirectory(directory)).toThrow(locked);
  first.release();
  lockDirectory(directory).release();
});
