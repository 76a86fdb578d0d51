/** Conditional requests answered here: RFC 9110 §13, RFC 9111 §4.3.2. */
import type { IncomingHttpHeaders } from 'node:http';
import { parseDate } from './dates.ts';

export interface Validators {
  etag: string | null;
  /** ms since 1970; where the answer has none, the time of its Date stands in for it. */
  lastModified: number | null;
}

const ENTITY_TAG = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

/** Does the client already have this? If-None-Match goes before If-Modified-Since (RFC 9110 §13.2.2). */
export function isUnmodified(headers: IncomingHttpHeaders, validators: Validators, now: number): boolean {
  const known = headers['if-none-match'];
  if (known !== undefined) return known.trim() === '*' || hasTag(known, validators.etag);
  const since = headers['if-modified-since'];
  if (since === undefined || validators.lastModified === null) return false;
  const then = parseDate(since, now);
  return then !== null && validators.lastModified <= then;
}

/** Weak comparison (RFC 9110 §8.8.3.2). */
function hasTag(known: string, etag: string | null): boolean {
  if (etag === null) return false;
  if (known === etag) return true;
  const opaque = etag.replace(/^W\//, '');
  return (known.match(ENTITY_TAG) ?? []).some((tag) => tag.replace(/^W\//, '') === opaque);
}

/** Fields of a 304 (RFC 9110 §15.4.5): what describes the body that is not sent stays away. */
const OF_THE_BODY = new Set([
  'content-length',
  'content-encoding',
  'content-language',
  'content-type',
  'content-range',
  'content-md5',
]);

export const belongsIn304 = (name: string) => !OF_THE_BODY.has(name);
