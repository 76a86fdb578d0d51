/** What the writer's parts are made of, from the options it was started with. */
import { Cloud } from './cloud.ts';
import type { FromWriter, WorkerOptions } from './messages.ts';
import type { App } from './profile.ts';
import { freeBytesOf, Limits } from './queue/limits.ts';
import type { Store } from './store.ts';

/** Writes under way at once. */
export const CONCURRENCY = 32;

export const cloudOf = (
  options: WorkerOptions,
  app: App,
  post: (message: FromWriter) => void,
  dated: (date: string | undefined, ms: number) => void,
): Cloud =>
  new Cloud({
    origin: new URL(options.cloud),
    app,
    connectTimeout: options.connectTimeout,
    answerTimeout: options.answerTimeout,
    connections: CONCURRENCY + 2,
    report: (fate) => post({ type: 'fate', fate }),
    dated,
  });

export const limitsOf = (options: WorkerOptions, { entries }: Store): Limits =>
  new Limits({
    ...options,
    entries,
    free: () => freeBytesOf(options.data),
    uptime: () => performance.now(),
  });
