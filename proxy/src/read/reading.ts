/** What a read is about, found out once and passed down its path. */
import type { Back } from '@larder/sync/client';
import type { Read, User } from '@larder/sync/profile';
import type { CacheRequest, Stored } from '../cache/response.ts';
import type { Ruling, Rules } from '../cache/rules.ts';
import type { Exchange } from '../exchange.ts';

export interface Reading {
  exchange: Exchange;
  request: CacheRequest;
  /** The operator's; null where none applies. */
  ruling: Ruling | null;
  tags: readonly string[];
  /** The replica knows this route. */
  covered: boolean;
  /** Generation of its tags when the read began: an answer may not be older (I6). */
  since: number;
}

/** `found`: what the cache has for it; it knows its tags already. */
export function readingOf(
  exchange: Exchange,
  found: Stored | null,
  { request, ruling }: Pick<Reading, 'request' | 'ruling'>,
  back: Back | null,
): Reading {
  const { read, scope } = exchange;
  const tags = read === null ? NO_TAGS : found?.scope === scope ? found.tags : tagsOf(exchange, read);
  return {
    exchange,
    request,
    ruling,
    tags,
    covered: back !== null && read?.answer !== undefined,
    since: tags.length === 0 ? 0 : (back?.tags.generation(tags) ?? 0),
  };
}

const NO_TAGS: readonly string[] = [];

function tagsOf({ request, path, search, params, claims, user }: Exchange, read: Read<User>): readonly string[] {
  // Only set-cookie, which no request has, comes as an array.
  const headers = request.headers as Record<string, string>;
  const query = new URLSearchParams(search);
  return read.tags({ method: 'GET', path, params, query, headers, body: undefined, claims }, user);
}

/** What the cache is asked for, by the operator's rules. */
export function ruledRequestOf(exchange: Exchange, rules: Rules): Pick<Reading, 'request' | 'ruling'> {
  const { headers } = exchange.request;
  const { path, search, scope } = exchange;
  const method = exchange.method === 'HEAD' ? 'GET' : exchange.method;
  const ruling = rules.of(path);
  if (ruling === null) return { ruling, request: { method, uri: path + search, headers, scope } };
  return { ruling, request: { method, headers, ...rules.key(ruling, exchange) } };
}
