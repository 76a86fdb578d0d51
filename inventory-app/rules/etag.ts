/** Strong validators with a content hash: equal documents have equal tags wherever they were put together. */
import { createHash } from 'node:crypto';
import type { Doc, Json } from '@larder/sync/profile';

/** JSON without white space whose keys are sorted by UTF-16 code units, as in RFC 8785 §3.2.3. */
export function canonical(value: Json): string {
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const fields = Object.entries(value)
    // As JSON.stringify does; documents from zod carry absent optional fields as undefined.
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`);
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
