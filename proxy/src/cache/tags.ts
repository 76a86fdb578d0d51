/** Tags that an origin gives its answers, to purge them by: `Cache-Tag` and `Surrogate-Key`. */
import type { HeaderFields } from '../cloud.ts';

/** Addressed to caches like this one, as CDNs have them: they end here, stored or not. */
const FIELDS: readonly (readonly [name: string, separator: RegExp])[] = [
  ['cache-tag', /,/],
  ['surrogate-key', /\s+/],
];

export const TAG_FIELDS: ReadonlySet<string> = new Set(FIELDS.map(([name]) => name));

/** Of one answer. */
const MOST_TAGS = 128;
const LONGEST_TAG = 256;

/** One for all: what is stored keeps it. */
const NONE: readonly string[] = [];

/**
 * The tags of an answer, each once, case-sensitive; empty where it has none. Null where there are more, or longer ones,
 * than are kept (I11): a purge could then miss the answer, so it must not be stored (I10).
 */
export function cacheTagsOf(headers: HeaderFields): readonly string[] | null {
  if (FIELDS.every(([name]) => headers[name] === undefined)) return NONE;
  const found = new Set<string>();
  for (const [name, separator] of FIELDS) {
    const lines = headers[name] ?? [];
    for (const line of typeof lines === 'string' ? [lines] : lines)
      for (const tag of line.split(separator)) found.add(tag.trim());
  }
  found.delete('');
  const tags = [...found];
  return tags.length > MOST_TAGS || tags.some((tag) => tag.length > LONGEST_TAG) ? null : tags;
}
