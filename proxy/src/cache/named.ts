/** What a purge or a change means of all that is stored. */
import type { Slot } from './store.ts';

/**
 * One URI with its query; all under a path, whatever the query; all URIs that begin so; what the origin or the profile
 * tagged so; what the profile did.
 */
export interface Named {
  by: 'url' | 'path' | 'prefix' | 'tag' | 'profile-tag';
  value: string;
}

/** May something under this URI be meant? Tags do not say. */
export function namesUri({ by, value }: Named, uri: string): boolean {
  switch (by) {
    case 'url':
      return uri === value;
    case 'path':
      return pathOf(uri) === value;
    case 'prefix':
      return uri.startsWith(value);
    default:
      return true;
  }
}

/** Is it meant? */
export function names(named: Named, { uri, tags, cacheTags }: Pick<Slot, 'uri' | 'tags' | 'cacheTags'>): boolean {
  const { by, value } = named;
  if (by === 'profile-tag') return tags.includes(value);
  if (by === 'tag') return cacheTags.includes(value) || tags.includes(value);
  return namesUri(named, uri);
}

/** A URI without its query. */
export function pathOf(uri: string): string {
  const mark = uri.indexOf('?');
  return mark === -1 ? uri : uri.slice(0, mark);
}
