/**
 * Content codings (RFC 9110 §8.4). An answer is stored as the cloud compressed it, once, and decoded for those who do
 * not accept that; so Accept-Encoding is no part of the key. A decoded answer is another representation: it has an
 * entity tag of its own (RFC 9110 §8.8.3.3).
 */
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import type { Transform } from 'node:stream';
import type { IncomingHttpHeaders } from 'node:http';
import type { HeaderFields } from '../cloud.ts';

/** A coding that can be undone here. */
export type Coding = 'gzip' | 'br';

const CODINGS: Readonly<Record<string, Coding>> = { gzip: 'gzip', 'x-gzip': 'gzip', br: 'br' };

/** The coding of an answer; null where it has none; `other` where it is none, or not one, that can be undone here. */
export function codingOf(headers: HeaderFields): Coding | 'other' | null {
  const value = headers['content-encoding'];
  if (value === undefined) return null;
  const name = String(value).trim().toLowerCase();
  if (name === '' || name === 'identity') return null;
  return CODINGS[name] ?? 'other';
}

/** Does the client accept the coding (RFC 9110 §12.5.3)? One that says nothing of codings may not know any. */
export function accepts(headers: IncomingHttpHeaders, coding: Coding): boolean {
  const field = headers['accept-encoding'];
  if (field === undefined) return false;
  let anyOther = false;
  for (const member of String(field).toLowerCase().split(',')) {
    const [name = '', ...parameters] = member.split(';').map((part) => part.trim());
    const isRefused = parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
    if (CODINGS[name] === coding) return !isRefused;
    if (name === '*') anyOther = !isRefused;
  }
  return anyOther;
}

/** What the cloud is asked for: one coding, that all who accept any accept. */
export const wantedCodings = (headers: IncomingHttpHeaders): string => (accepts(headers, 'gzip') ? 'gzip' : 'identity');

export const decoderOf = (coding: Coding): Transform => (coding === 'gzip' ? createGunzip() : createBrotliDecompress());

/** Nobody else's tag ends so. */
const MARK = '.larder-decoded';

/** The entity tag of the decoded form. */
export const decodedTag = (etag: string): string => etag.replace(/"$/, `${MARK}"`);

/**
 * A request whose If-Match has the tags that the cloud gave: what was read decoded can be changed. The other conditions
 * are left alone, because to the cloud its own form of the answer is indeed not the one that the client has.
 */
export function withCloudTags(headers: HeaderFields): HeaderFields {
  const tags = headers['if-match'];
  if (tags === undefined || !String(tags).includes(MARK)) return headers;
  return { ...headers, 'if-match': String(tags).replaceAll(MARK, '') };
}
