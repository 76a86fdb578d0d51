/**
 * Ends a test's PostgreSQL when the test's process is gone, however it went: `node postgres-watchdog.ts <directory>`.
 * Its standard input is a pipe from that process, which the system closes even after a kill -9.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 10_000;
const directory = process.argv[2];
if (directory === undefined) throw new Error('no directory');

process.stdin.resume();
await new Promise((resolve) => process.stdin.once('close', resolve));
if (existsSync(directory)) {
  for (const name of readdirSync(directory)) await end(join(directory, name, 'postmaster.pid'));
  rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
}

/** PostgreSQL deletes the file when it has ended. */
async function end(pidFile: string): Promise<void> {
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  try {
    // An immediate shutdown: nobody wants this data any more.
    process.kill(pid, 'SIGQUIT');
  } catch {
    // It was killed, and could not delete its file.
    return;
  }
  const deadline = performance.now() + PATIENCE_MS;
  while (existsSync(pidFile) && performance.now() < deadline) await sleep(50);
}
