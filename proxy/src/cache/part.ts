/**
 * Partial responses: stored beside the complete ones, in a scope of their own, so that whatever invalidates those drops
 * these too (I10). Parts of the same representation are put together; what has become complete is stored as such (RFC
 * 9111 §3.4).
 */
import { LARGEST_IN_MEMORY } from './body-files.ts';
import { isStrong, resolveRange } from './range.ts';
import { isInMemory } from './response.ts';
import type { CacheRequest, Metadata, ResponseHead, Stored, StoredResponse } from './response.ts';

/** Where in the whole a part stands, in bytes; both ends included. */
export interface Place {
  first: number;
  last: number;
  /** Length of the whole. */
  size: number;
}

const CONTENT_RANGE = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/i;
const OF_THE_PART = ['content-range', 'content-length'];

/** What is asked for a part of what `request` names. */
export const partRequest = (request: CacheRequest): CacheRequest => ({ ...request, scope: partScope(request.scope) });

const partScope = (scope: string) => `part:${scope}`;

/**
 * The place of a 206; null where it does not say one, or where its length is not that of its body: then nobody knows
 * which bytes these are.
 */
export function placeOf({ headers }: ResponseHead): Place | null {
  const found = CONTENT_RANGE.exec(String(headers['content-range'] ?? ''));
  if (found === null) return null;
  const [first, last, size] = [Number(found[1]), Number(found[2]), Number(found[3])];
  const isSound = first <= last && last < size && Number(headers['content-length'] ?? NaN) === last + 1 - first;
  return isSound && last + 1 - first <= LARGEST_IN_MEMORY ? { first, last, size } : null;
}

/** The head of the whole that a part is of. */
export const headOfWhole = ({ headers }: ResponseHead): ResponseHead => ({
  status: 200,
  headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !OF_THE_PART.includes(name))),
});

/** The metadata of a part, given those of the whole; nobody else's scope finds it. */
export const metadataOfPart = (whole: Metadata, { first, last, size }: Place): Metadata => ({
  ...whole,
  scope: partScope(whole.scope),
  shared: false,
  status: 206,
  headers: { ...whole.headers, 'content-range': `bytes ${first}-${last}/${size}` },
});

/**
 * What to store when a part has come, beside one that is stored already: both together where they are of the same
 * representation, by its strong tag, and touch (RFC 9110 §15.3.7.3); complete once nothing is missing.
 */
export function combine(whole: Metadata, place: Place, body: Buffer, other: Stored | null): StoredResponse {
  const joined = other === null ? null : join(whole, { place, body }, other);
  const { place: at, body: bytes } = joined ?? { place, body };
  const isComplete = at.first === 0 && at.last + 1 === at.size;
  return { ...(isComplete ? whole : metadataOfPart(whole, at)), body: bytes };
}

function join(whole: Metadata, next: { place: Place; body: Buffer }, other: Stored) {
  const old = placeOfStored(other);
  const isSame = whole.etag !== null && isStrong(whole.etag) && whole.etag === other.etag;
  if (old === null || !isInMemory(other) || !isSame || old.size !== next.place.size) return null;
  const [low, high] =
    old.first <= next.place.first ? [{ place: old, body: other.body }, next] : [next, { place: old, body: other.body }];
  const last = Math.max(low.place.last, high.place.last);
  const isTouching = high.place.first <= low.place.last + 1;
  if (!isTouching || last + 1 - low.place.first > LARGEST_IN_MEMORY) return null;
  const rest = high.body.subarray(Math.max(0, low.place.last + 1 - high.place.first));
  return { place: { ...low.place, last }, body: Buffer.concat([low.body, rest]) };
}

function placeOfStored({ headers, body }: Stored): Place | null {
  return placeOf({ status: 206, headers: { ...headers, 'content-length': String(body.length) } });
}

/** The bytes of a stored part that a request wants, and where they stand; null where it has not all of them. */
export function sliceOf(request: CacheRequest, part: StoredResponse): { place: Place; body: Buffer } | null {
  const at = placeOfStored(part);
  const range = at === null ? null : resolveRange(request.headers.range, at.size);
  if (at === null || range === null || range === 'unsatisfiable') return null;
  if (range.first < at.first || range.last > at.last) return null;
  const body = part.body.subarray(range.first - at.first, range.last + 1 - at.first);
  return { place: { ...range, size: at.size }, body };
}
