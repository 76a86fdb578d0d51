/** One byte range out of a complete stored response: RFC 9110 §14. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Stored } from './response.ts';

/** First and last byte, both included; or that nothing of the body is asked for; null: the whole body answers. */
export type Range = { first: number; last: number } | 'unsatisfiable' | null;

const ONE_RANGE = /^bytes=(?:(\d+)-(\d*)|-(\d+))$/i;

/** What the request wants of the body of a complete response. */
export function rangeOf(headers: IncomingHttpHeaders, stored: Stored): Range {
  if (stored.status !== 200 || !isStillThat(headers['if-range'], stored)) return null;
  return resolveRange(headers.range, stored.body.length);
}

/**
 * What a Range field wants of so many bytes. Several ranges, other units and what does not parse are ignored, as they
 * may be (RFC 9110 §14.2).
 */
export function resolveRange(field: string | undefined, size: number): Range {
  const found = ONE_RANGE.exec(field ?? '');
  if (found === null) return null;
  const [, from, to, suffix] = found;
  const first = from === undefined ? Math.max(0, size - Number(suffix)) : Number(from);
  const last = to === undefined || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== undefined && to !== '' && Number(to) < first) return null;
  return first > last ? 'unsatisfiable' : { first, last };
}

export const isStrong = (etag: string): boolean => !etag.startsWith('W/');

/** If-Range compares strongly, or by the exact date (RFC 9110 §13.1.5). */
function isStillThat(ifRange: string | string[] | undefined, { etag, headers }: Stored): boolean {
  if (ifRange === undefined) return true;
  if (String(ifRange).includes('"')) return ifRange === etag && isStrong(etag);
  return ifRange === headers['last-modified'];
}
