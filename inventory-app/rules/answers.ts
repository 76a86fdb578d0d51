/** Answers as they go on the wire, made by the same functions in the cloud and at the edge (I7). */
import type { Doc, Json, Res } from '@larder/sync/profile';
import { etagOf, listEtag, noneMatchHits } from './etag.ts';
import type { ListBody } from './list.ts';
import { problemDocument } from './problems.ts';
import { itemPath, type ListedResource } from './resources.ts';

const JSON_TYPE = 'application/json; charset=utf-8';
const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';
/** Kept by a private cache, asked about every time: what a store sells changes by the minute. */
const CACHE_CONTROL = 'private, no-cache';
/** Whatever answers a write, and every problem: a cache may otherwise keep a 404 on its own account (RFC 9111 §4.2.2). */
const NO_STORE = { 'cache-control': 'no-store' };

/** 200 with the document, or 304 where the caller has it. */
export function itemAnswer(doc: Doc, ifNoneMatch?: string): Res {
  return validated(doc, etagOf(doc), ifNoneMatch);
}

/** 200 with the page, or 304 where the caller has it. */
export function listAnswer({ data, page }: ListBody, ifNoneMatch?: string): Res {
  const body: Json = { data, page };
  return validated(body, listEtag(body), ifNoneMatch);
}

/** 201 with the document and where it is. */
export function createdAnswer(resource: ListedResource, doc: Doc): Res {
  const location = itemPath(resource, String(doc.id));
  return { status: 201, headers: { 'content-type': JSON_TYPE, ...NO_STORE, etag: etagOf(doc), location }, body: doc };
}

/** 200 with the document as the edit left it. */
export function editedAnswer(doc: Doc): Res {
  return { status: 200, headers: { 'content-type': JSON_TYPE, ...NO_STORE, etag: etagOf(doc) }, body: doc };
}

/** 204. */
export function deletedAnswer(): Res {
  return { status: 204, headers: NO_STORE, body: undefined };
}

/** The RFC 9457 answer to an error; a foreign error becomes `internal`. */
export function problemAnswer(error: unknown): Res {
  const body = problemDocument(error);
  const challenge = body.status === 401 ? { 'www-authenticate': 'Bearer' } : {};
  return { status: body.status, headers: { 'content-type': PROBLEM_TYPE, ...NO_STORE, ...challenge }, body };
}

function validated(body: Json, etag: string, ifNoneMatch: string | undefined): Res {
  const headers = { etag, 'cache-control': CACHE_CONTROL };
  // RFC 9110 §15.4.5: what a 200 would have said about caching, and no more.
  if (noneMatchHits(ifNoneMatch, etag)) return { status: 304, headers, body: undefined };
  return { status: 200, headers: { 'content-type': JSON_TYPE, ...headers }, body };
}
