/** Code is kept as V8 has compiled it, so that a start after a power cut compiles nothing. */
import { enableCompileCache, flushCompileCache } from 'node:module';
import { setTimeout as later } from 'node:timers';

/** Late enough for a start's own work to be over, ms. */
const AFTER = 5000;

/** From now on code is taken from this directory, here and in threads begun later; one that cannot be used costs only time. */
export function useCompiled(directory: string): void {
  enableCompileCache(directory);
  process.env['NODE_COMPILE_CACHE'] ??= directory;
}

/** Keeps what this thread has compiled, once it is at rest: by itself Node.js does so only at an orderly end. */
export function keepCompiled(): void {
  later(flushCompileCache, AFTER).unref();
}
