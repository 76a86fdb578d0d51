/** Purges by the operator's word: what is meant, and the line in the log that says who did it (I10). */
import { LarderError } from '@larder/sync/errors';
import * as z from 'zod';
import type { Cache, Purge } from '../cache/cache.ts';
import { pathOf } from '../cache/named.ts';
import type { ClientRequest } from '../exchange.ts';
import type { Rules } from '../cache/rules.ts';
import type { Logger } from '../log.ts';
import { parseTarget } from '../target.ts';
import type { Target } from '../target.ts';

export interface PurgeDeps {
  cache: Pick<Cache, 'purge'>;
  rules: Rules;
  /** ms since 1970. */
  clock(): number;
  log: Logger;
  count(by: Purge['by'], soft: boolean): void;
}

const value = z.string().min(1).max(8192).optional();

/** The body of `POST /_edge/purge`. */
export const PurgeOrder = z
  .strictObject({ url: value, prefix: value, tag: value, soft: z.boolean().default(false) })
  .refine(({ url, prefix, tag }) => [url, prefix, tag].filter((one) => one !== undefined).length === 1, {
    error: 'exactly one of url, prefix and tag must be given',
  });
export type PurgeOrder = z.output<typeof PurgeOrder>;

/** What was done. `responses`: how many it concerned, each counted once, for whomever and in whatever variant. */
export interface Purged {
  by: Purge['by'];
  value: string;
  soft: boolean;
  responses: number;
}

/** Makes what carries out a purge; it resolves when nothing of it would come back after a crash. */
export function createPurge({ cache, rules, clock, log, count }: PurgeDeps) {
  return async (order: PurgeOrder, who: string): Promise<Purged> => {
    const { by, value: named } = meantBy(order, rules);
    // Without the query: keys can stand in it.
    const said = { who, by, value: by === 'tag' ? named : pathOf(named), soft: order.soft };
    count(by, order.soft);
    const purging = cache.purge({ by, value: named, soft: order.soft ? clock() : null });
    const responses = await purging.catch((error: unknown) => {
      log.error({ ...said, err: error }, 'purged, but not on disk');
      throw error;
    });
    log.info({ ...said, responses }, 'purged');
    return { by, value: named, soft: order.soft, responses };
  };
}

/** The order that a request with the method PURGE gives: for its own URL; `Larder-Purge: soft` makes it a soft one. */
export function orderOf({ headers }: ClientRequest, { path, search }: Target): PurgeOrder {
  const how = headers['larder-purge'] ?? 'hard';
  if (how !== 'hard' && how !== 'soft')
    throw new LarderError('LARDER_BAD_REQUEST', 'Larder-Purge says "hard" or "soft".');
  return { url: path + search, soft: how === 'soft' };
}

function meantBy({ url, prefix, tag }: PurgeOrder, rules: Rules): Pick<Purge, 'by' | 'value'> {
  if (tag !== undefined) return { by: 'tag', value: tag };
  if (prefix !== undefined) return { by: 'prefix', value: originForm(prefix) };
  const target = parseTarget(originForm(url ?? ''));
  if (target === null)
    throw new LarderError('LARDER_BAD_REQUEST', 'The URL must be a path, or http and a host before it.');
  const ruling = rules.of(target.path);
  // As the rules would find it.
  const uri = ruling === null ? target.path + target.search : rules.key(ruling, { ...target, scope: '' }).uri;
  return { by: 'url', value: uri };
}

/** Path and query; of a whole address the rest is left away, since this edge fronts one app. */
function originForm(address: string): string {
  const parsed = /^https?:\/\//i.test(address) ? URL.parse(address) : null;
  return parsed === null ? address : parsed.pathname + parsed.search;
}
