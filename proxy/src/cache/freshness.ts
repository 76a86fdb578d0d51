/** How long a response is fresh and how old it is: RFC 9111 §4.2. */
import { parseDate } from './dates.ts';
import { seconds } from './directives.ts';
import type { Directives } from './directives.ts';
import type { HeaderFields } from '../cloud.ts';

/** Clocks at the fetch, ms since 1970. */
export interface FetchTimes {
  requested: number;
  received: number;
}

/** Statuses that may be stored and used without the origin having said so (RFC 9110 §15.1), without 206. */
export const HEURISTICALLY_CACHEABLE: ReadonlySet<number> = new Set([
  200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501,
]);

const LONGEST_HEURISTIC = 3_600_000;

/** A field that must stand once; where it is repeated the first counts. */
export const single = (headers: HeaderFields, name: string): string | undefined => {
  const value = headers[name];
  return typeof value === 'object' ? value[0] : value;
};

/**
 * Milliseconds of freshness that the origin states; null where it states none. A private cache does not look at
 * s-maxage. With a targeted field Expires does not count (RFC 9213 §2.2).
 */
export function statedLifetime(
  directives: Directives,
  headers: HeaderFields,
  options: { shared: boolean; targeted: boolean; received: number },
): number | null {
  const stated = (options.shared ? seconds(directives, 's-maxage') : null) ?? seconds(directives, 'max-age');
  if (stated !== null) return stated * 1000;
  const expires = single(headers, 'expires');
  if (expires === undefined || options.targeted) return null;
  const until = parseDate(expires, options.received);
  // RFC 9111 §5.3: what is no date lies in the past.
  if (until === null) return 0;
  return Math.max(0, until - (dateOf(headers, options.received) ?? options.received));
}

/** A tenth of the time since the last change, an hour at the most (RFC 9111 §4.2.2). */
export function heuristicLifetime(headers: HeaderFields, received: number): number {
  const changed = lastModifiedOf(headers, received);
  if (changed === null) return 0;
  const date = dateOf(headers, received) ?? received;
  return Math.min(Math.max(0, date - changed) / 10, LONGEST_HEURISTIC);
}

/** When a response left its origin, by all that is known of its age: RFC 9111 §4.2.3. */
export function birthOf(headers: HeaderFields, { requested, received }: FetchTimes): number {
  const apparent = Math.max(0, received - (dateOf(headers, received) ?? received));
  const corrected = ageOf(headers) + (received - requested);
  return received - Math.max(apparent, corrected);
}

/** RFC 9111 §5.1: the first member of a list counts; what is no whole number is ignored. */
function ageOf(headers: HeaderFields): number {
  const first = (single(headers, 'age') ?? '').split(',')[0] ?? '';
  return /^\s*\d+\s*$/.test(first) ? Math.min(Number(first), 2 ** 31) * 1000 : 0;
}

const dateOf = (headers: HeaderFields, now: number) => parseDate(single(headers, 'date') ?? '', now);

export const lastModifiedOf = (headers: HeaderFields, now: number) =>
  parseDate(single(headers, 'last-modified') ?? '', now);
