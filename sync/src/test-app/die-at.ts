/** Ends an edge's back at a crash point, in the middle of what it is told to do. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { BackOptions } from '../client.ts';
import type { CrashPoint } from '../crash-point.ts';
import type { CrashingJob, Deed } from './crashing-back.ts';
import type { TestEdge } from './edge.ts';

const CHILD = join(import.meta.dirname, 'crashing-back.ts');

/** Stops the back, and runs it in a process of its own that dies at this point in the middle of the deed. */
export async function dieAt(
  edge: TestEdge,
  point: CrashPoint | `${CrashPoint}:${number}`,
  deed: Deed,
  changes: Partial<BackOptions> = {},
): Promise<void> {
  await edge.back.stop();
  const { sealKey: _, ...options } = edge.options(changes);
  const job: CrashingJob = { deed, options: { ...options, cloud: options.cloud.href } };
  const child = spawn(process.execPath, [CHILD, JSON.stringify(job)], {
    env: { ...process.env, NODE_ENV: 'test', LARDER_CRASH_AT: point },
    stdio: 'ignore',
  });
  const [, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  expect(signal).toBe('SIGKILL');
}
