/** Which of the profile's tags a path stands for: what is read there is made of them, and a change there touches them. */
import type { App } from '@larder/sync/profile';
import { compileRoutes } from '@larder/sync/route';
import type { Exchange } from '../exchange.ts';

/** The tags of the read at `path`, as the caller of `exchange` would see it; empty where the profile lists none. */
export type ReadTags = (exchange: Exchange, path: string) => readonly string[];

export function createReadTags(reads: App['reads']): ReadTags {
  const routes = compileRoutes(reads);
  return ({ request, claims, user }, path) => {
    const found = routes.match('GET', path);
    if (found === null) return [];
    // Only set-cookie, which no request has, comes as an array.
    const headers = request.headers as Record<string, string>;
    const query = new URLSearchParams();
    return found.value.tags(
      { method: 'GET', path, params: found.params, query, headers, body: undefined, claims },
      user,
    );
  };
}
