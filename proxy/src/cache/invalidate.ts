/** What an unsafe request's success makes out of date: RFC 9111 §4.4, and what such a request is likely to change besides. */
import type { Cache } from './cache.ts';
import { pathOf } from './named.ts';
import type { ResponseHead } from './response.ts';

/** Methods that change nothing (RFC 9110 §9.2.1); any other one may. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'REPORT', 'SEARCH', 'QUERY']);
/** Methods whose target is the very thing that they change, and which its collection shows. */
const OF_A_MEMBER = new Set(['PUT', 'PATCH', 'DELETE']);

export interface UnsafeRequest {
  method: string;
  /** Path and query. */
  uri: string;
  /** Host field, by which an absolute Location of this edge's own is known. */
  host: string | undefined;
}

/**
 * The paths to drop, with whatever query: the target's, those that Location and Content-Location name on the same
 * origin, which is the cloud's or the one the client knows, and the collection that the target is a member of. None
 * where the method is safe or the answer an error.
 */
export function invalidatedBy(request: UnsafeRequest, response: ResponseHead, cloud: URL): string[] {
  const { method, uri, host } = request;
  if (SAFE.has(method) || response.status < 200 || response.status >= 400) return [];
  const target = pathOf(uri);
  const paths = new Set([target]);
  if (OF_A_MEMBER.has(method)) for (const path of collectionOf(target)) paths.add(path);
  for (const name of ['location', 'content-location']) {
    const value = response.headers[name];
    const named = typeof value === 'string' ? URL.parse(value, new URL(uri, cloud.origin).href) : null;
    if (named !== null && (named.host === cloud.host || named.host === host)) paths.add(named.pathname);
  }
  return [...paths];
}

/** `/a/b/42` is a member of `/a/b`, which some apps write `/a/b/`. */
function collectionOf(path: string): string[] {
  const member = path.endsWith('/') ? path.slice(0, -1) : path;
  const collection = member.slice(0, Math.max(0, member.lastIndexOf('/')));
  return collection === '' ? ['/'] : [collection, `${collection}/`];
}

export interface Invalidating {
  cloud: URL;
  /** What the profile's reads at a path are made of. */
  tagsOf(path: string): readonly string[];
  /** Told where the disk did not take it: nothing of it is served, and whoever changed something cannot mend a disk. */
  failed(error: unknown): void;
}

/** Drops what the success of an unsafe request made out of date; resolves when it would not come back after a crash. */
export async function invalidateAfter(
  cache: Pick<Cache, 'invalidate'>,
  request: UnsafeRequest,
  response: ResponseHead,
  { cloud, tagsOf, failed }: Invalidating,
): Promise<void> {
  const paths = invalidatedBy(request, response, cloud);
  const tags = new Set(paths.flatMap((path) => tagsOf(path)));
  if (paths.length > 0) await cache.invalidate(paths, [...tags]).catch(failed);
}
