/** Code is kept as V8 has compiled it, so that a start after a power cut compiles nothing. */
import { readdir, rm } from 'node:fs/promises';
import { enableCompileCache, flushCompileCache, getCompileCacheDir } from 'node:module';
import { isAbsolute, join, relative, sep } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as later } from 'node:timers';

/** Late enough for a start's own work to be over, ms. */
const AFTER = 5000;
/** To keep it stops the thread for some tenths of a second: in one that has had so little to do in the last second. */
const LOOK_EVERY = 1000;
const IDLE = 0.25;
/** A thread that never rests does it after all, ms. */
const AT_LAST = 600_000;

/** From now on code is taken from this directory, here and in threads begun later; one that cannot be used costs only time. */
export function useCompiled(directory: string): void {
  enableCompileCache(directory);
  process.env['NODE_COMPILE_CACHE'] ??= directory;
}

/** Keeps what this thread has compiled, once it is at rest: by itself Node.js does so only at an orderly end. */
export function keepCompiled(): void {
  const started = performance.now();
  const look = (before: ReturnType<typeof performance.eventLoopUtilization>) => {
    const { utilization } = performance.eventLoopUtilization(before);
    if (utilization < IDLE || performance.now() - started > AT_LAST) return flushCompileCache();
    later(look, LOOK_EVERY, performance.eventLoopUtilization()).unref();
  };
  later(() => look(performance.eventLoopUtilization()), AFTER - LOOK_EVERY).unref();
}

/** Removes what is kept in `root` for other releases, and other versions of Node.js, than the one in use. */
export async function pruneCompiled(root: string): Promise<void> {
  const used = getCompileCacheDir();
  const way = used === undefined ? '' : relative(root, used);
  // Somebody told Node.js to keep it elsewhere.
  if (way === '' || way.startsWith('..') || isAbsolute(way)) return;
  let directory = root;
  for (const name of way.split(sep)) {
    const others = (await readdir(directory)).filter((other) => other !== name);
    for (const other of others) await rm(join(directory, other), { recursive: true, force: true });
    directory = join(directory, name);
  }
}
