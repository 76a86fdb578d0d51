/** Which thread goes first where there are more of them than cores. */
import { stat } from 'node:fs/promises';
import { getPriority, setPriority } from 'node:os';

/**
 * How far the writer stands behind the front. With 5, a front that has no moment to spare leaves it a quarter of a core,
 * and its callers wait; with 10, a tenth (docs/decisions/0022).
 */
const STEPS = 5;
const LOWEST = 19;

/**
 * Lets the calling thread give way to the others of this process, for good: nobody may raise it again. Only on Linux,
 * where each thread has a priority of its own; elsewhere it would be the whole process that gives way.
 */
export function giveWay(): void {
  if (process.platform === 'linux') setPriority(0, Math.min(LOWEST, getPriority(0) + STEPS));
}

/**
 * Starts the pool of threads that all of this process share for files and names, so that it has the caller's priority:
 * it gets that of whoever needs it first.
 */
export async function startPool(): Promise<void> {
  await stat('.').catch(() => undefined);
}
