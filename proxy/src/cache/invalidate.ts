/** What an unsafe request's success makes out of date: RFC 9111 §4.4. */
import type { Cache } from './cache.ts';
import type { ResponseHead } from './response.ts';

/** Methods that change nothing (RFC 9110 §9.2.1); any other one may. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'REPORT', 'SEARCH', 'QUERY']);

export interface UnsafeRequest {
  method: string;
  /** Path and query. */
  uri: string;
  /** Host field, by which an absolute Location of this edge's own is known. */
  host: string | undefined;
}

/**
 * The URIs to drop: the target, and what Location and Content-Location name on the same origin, which is the cloud's
 * or the one the client knows. None where the method is safe or the answer an error.
 */
export function invalidatedBy(request: UnsafeRequest, response: ResponseHead, cloud: URL): string[] {
  if (SAFE.has(request.method) || response.status < 200 || response.status >= 400) return [];
  const target = new URL(request.uri, cloud.origin);
  const uris = new Set([request.uri]);
  for (const name of ['location', 'content-location']) {
    const value = response.headers[name];
    const named = typeof value === 'string' ? URL.parse(value, target.href) : null;
    if (named === null || (named.host !== cloud.host && named.host !== request.host)) continue;
    uris.add(named.pathname + named.search);
  }
  return [...uris];
}

/** Drops what the success of an unsafe request made out of date; resolves when it would not come back after a crash. */
export async function invalidateAfter(
  cache: Pick<Cache, 'invalidate'>,
  request: UnsafeRequest,
  response: ResponseHead,
  cloud: URL,
): Promise<void> {
  const uris = invalidatedBy(request, response, cloud);
  if (uris.length > 0) await cache.invalidate(uris);
}
