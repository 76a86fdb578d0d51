/** Strong validators with a content hash: equal documents have equal tags wherever they were put together. */
import { createHash } from 'node:crypto';
import type { Doc, Json } from '@larder/sync/profile';

/**
 * JSON without white space whose keys are sorted by UTF-16 code units, as in RFC 8785 §3.2.3. Most of a list's answer is
 * spent here, so the text is made by the engine, from a copy whose keys are in order.
 */
export function canonical(value: Json): string {
  return hasOddKeys(value) ? writtenOut(value) : JSON.stringify(inOrder(value));
}

const DIGIT_0 = 48;
const DIGIT_9 = 57;

/** Numbers come first in any object, and `__proto__` is no field of one that is put together: a copy would be another. */
function hasOddKeys(value: Json): boolean {
  if (value === null || typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.some(hasOddKeys);
  return Object.keys(value).some((key) => {
    const first = key.charCodeAt(0);
    return (first >= DIGIT_0 && first <= DIGIT_9) || key === '__proto__' || hasOddKeys(value[key] ?? null);
  });
}

function inOrder(value: Json): Json {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(inOrder);
  const copy: Doc = {};
  // Documents from zod carry absent optional fields as undefined, which JSON.stringify leaves out.
  for (const key of Object.keys(value).sort()) copy[key] = inOrder(value[key] as Json);
  return copy;
}

function writtenOut(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(writtenOut).join(',')}]`;
  const fields = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${writtenOut(member)}`);
  return `{${fields.join(',')}}`;
}

const hash16 = (value: Json) => createHash('sha256').update(canonical(value)).digest('hex').slice(0, 16);

/** `"v<version>-<hash>"`, quotes included. */
export function etagOf(doc: Doc): string {
  return `"v${String(doc.version)}-${hash16(doc)}"`;
}

/** `"l-<hash>"`, quotes included, of a list's whole body. */
export function listEtag(body: Json): string {
  return `"l-${hash16(body)}"`;
}

const tagsIn = (header: string): readonly string[] => header.match(/(?:W\/)?"[^"]*"/g) ?? [];

/** Does an If-None-Match name this tag? Weak comparison: RFC 9110 §13.1.2. */
export function noneMatchHits(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === '*' || tagsIn(header).some((tag) => tag.replace(/^W\//, '') === etag);
}

/** Is an If-Match, if there is one, fulfilled by this tag? Strong comparison: RFC 9110 §13.1.1. */
export function matchHolds(header: string | undefined, etag: string): boolean {
  if (header === undefined) return true;
  return header.trim() === '*' || tagsIn(header).includes(etag);
}
