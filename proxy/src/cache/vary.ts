/** Which of several stored responses a request may have: by scope, then by the headers that Vary names. */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { HeaderFields } from '../cloud.ts';
import type { CacheRequest, Metadata } from './response.ts';

export type Selectable = Pick<Metadata, 'scope' | 'shared' | 'vary' | 'selection'>;

/** Values that must not be found in a file: only their hash is kept. */
const SECRET = new Set(['authorization', 'cookie', 'proxy-authorization']);
/** Fields whose members are case-insensitive and mean the same in any order (weights stand on them). */
const UNORDERED = new Set(['accept-encoding', 'accept-language', 'accept-charset', 'accept']);

/** One for all: what is stored keeps it. */
const NONE: readonly string[] = [];

/** The names in Vary, lower-case and sorted; null for `*` anywhere in it, which matches nothing (RFC 9111 §4.1). */
export function parseVary(headers: HeaderFields): readonly string[] | null {
  const value = headers['vary'];
  if (value === undefined) return NONE;
  const text = typeof value === 'string' ? value : value.join(',');
  const names = new Set(text.toLowerCase().split(/[\s,]+/));
  names.delete('');
  return names.has('*') ? null : [...names].sort();
}

/** The request's values of the named headers, normalised, as one string. */
export function selectionOf(names: readonly string[], headers: IncomingHttpHeaders): string {
  if (names.length === 0) return '';
  return JSON.stringify(names.map((name) => normalise(name, headers[name])));
}

function normalise(name: string, value: string | string[] | undefined): string | null {
  if (value === undefined) return null;
  const text = (typeof value === 'string' ? value : value.join(',')).trim();
  if (SECRET.has(name)) return createHash('sha256').update(text).digest('base64url');
  // Within a quoted string a space or a comma is content.
  if (text.includes('"')) return text;
  if (!UNORDERED.has(name)) return text.replaceAll(/\s*,\s*/g, ',');
  return text.toLowerCase().replaceAll(/\s+/g, '').split(',').sort().join(',');
}

/** I8: its own scope's, or what the origin lets every scope have; and the selecting headers agree. */
export function matches(stored: Selectable, request: CacheRequest): boolean {
  if (stored.scope !== request.scope && !stored.shared) return false;
  return stored.vary.length === 0 || stored.selection === selectionOf(stored.vary, request.headers);
}

/**
 * What the request may have: the newest of its own scope's, else the newest that is for all. `candidates` are in the
 * order in which they were stored.
 */
export function select<T extends Selectable>(candidates: readonly T[], request: CacheRequest): T | null {
  let shared: T | null = null;
  for (let i = candidates.length - 1; i >= 0; i--) {
    const candidate = candidates[i];
    if (candidate === undefined || !matches(candidate, request)) continue;
    if (candidate.scope === request.scope) return candidate;
    shared ??= candidate;
  }
  return shared;
}

/** Does one replace the other: the same scope, and no request could tell them apart? */
export function replaces(next: Selectable, old: Selectable): boolean {
  return (
    next.scope === old.scope &&
    next.selection === old.selection &&
    next.vary.length === old.vary.length &&
    next.vary.every((name, i) => name === old.vary[i])
  );
}
