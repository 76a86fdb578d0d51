/** What the cache keeps, and what a request looks like to it. */
import type { IncomingHttpHeaders } from 'node:http';
import type { HeaderFields } from '../cloud.ts';
import type { FileBody } from './body-files.ts';
import type { Coding } from './coding.ts';

export interface CacheRequest {
  method: string;
  /** Path and query: the key. */
  uri: string;
  /** What the cloud is asked instead, where a rule took something of it off the key. */
  target?: string;
  /** As node gives them: lower-case, repeated fields joined by a comma. */
  headers: IncomingHttpHeaders;
  /** Whose eyes the answer is for; empty: everybody's. */
  scope: string;
}

/** Head of an answer of the cloud, hop-by-hop headers already removed. */
export interface ResponseHead {
  status: number;
  headers: HeaderFields;
}

/**
 * All that a lookup and a decision need, computed when the response is stored. Times are ms since 1970; a limit of 0
 * has never been in force.
 */
export interface Metadata {
  uri: string;
  /** Whose it is; empty: stored for requests without a credential, or for all. */
  scope: string;
  /** The origin allows any scope to have it (RFC 9111 §3.5). Only where `scope` is empty. */
  shared: boolean;
  status: number;
  headers: HeaderFields;
  /** Names in Vary, lower-case, sorted; and the request's normalised values of them. */
  vary: readonly string[];
  selection: string;
  /** How the body is compressed, where that can be undone for a client that does not accept it; null: nothing to undo. */
  coding: Coding | null;
  etag: string | null;
  lastModified: number | null;
  /** When it was received. */
  storedAt: number;
  /** When it was generated or last validated at the origin: Age counts from here. */
  birth: number;
  freshUntil: number;
  staleWhileRevalidateUntil: number;
  /** May be used when the cloud fails or is slow, because the origin or the operator says so (RFC 5861 §4). */
  staleIfErrorUntil: number;
  /** May be used when the cloud cannot be reached, because nothing forbids it (RFC 9111 §4.2.4). */
  staleIfOfflineUntil: number;
  tags: readonly string[];
  /** `Tags.generation(tags)` before the fetch began (I10). */
  sequence: number;
  /** What the origin tagged it with, for purges. Apart from `tags`, whose generations are the back's. */
  cacheTags: readonly string[];
}

/** In memory. */
export interface StoredResponse extends Metadata {
  body: Buffer;
}

/** In any tier: a large body is a file. */
export interface Stored extends Metadata {
  body: Buffer | FileBody;
}

export const isInMemory = (stored: Stored): stored is StoredResponse => Buffer.isBuffer(stored.body);
