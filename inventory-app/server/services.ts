/** What the parts of the server share. Built once by app.ts; nothing else is global. */
import type { FastifyBaseLogger } from 'fastify';
import type { Throttle } from './auth/throttle.ts';
import type { Tokens } from './auth/tokens.ts';
import type { Database } from './db/open.ts';
import type { FeedWatch } from './feed/watch.ts';

export interface Services {
  database: Database;
  /** The wall clock; tests set it. Used for leases and times, never for order. */
  now(): Date;
  log: FastifyBaseLogger;
  tokens: Tokens;
  throttle: Throttle;
  feed: FeedWatch;
}
