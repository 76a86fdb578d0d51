/** The request target, split; and what is not taken for one. */

export interface Target {
  path: string;
  /** With its `?`, or empty. */
  search: string;
}

/**
 * Origin form (RFC 9112 §3.2.1) in visible ASCII: no fragment, no backslash, and no `//` at its start, which a URL
 * parser further on would read as another host.
 */
const ORIGIN_FORM = /^\/(?!\/)[\x21\x22\x24-\x5b\x5d-\x7e]*$/;

/**
 * `.` and `..` as whole segments, plain or encoded. Clients resolve them before they send (RFC 3986 §5.2.4); one that
 * does not wants front and cloud to see two different paths, one of them cacheable.
 */
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:\/|$)/i;

/** Splits the target of a request; null where it could be read in two ways. */
export function parseTarget(url: string): Target | null {
  if (!ORIGIN_FORM.test(url)) return null;
  const mark = url.indexOf('?');
  const path = mark === -1 ? url : url.slice(0, mark);
  if (DOT_SEGMENT.test(path)) return null;
  return { path, search: mark === -1 ? '' : url.slice(mark) };
}
