/** The first tier: found without waiting. */
import { isInMemory } from './response.ts';
import type { CacheRequest, StoredResponse } from './response.ts';
import { bytesOfTags, createShelves } from './shelves.ts';
import type { Shelf } from './shelves.ts';
import { softened } from './soften.ts';
import type { Store } from './store.ts';

export interface MemoryStore extends Store {
  find(request: CacheRequest): StoredResponse | null;
  peek(request: CacheRequest): StoredResponse | null;
  shelf(uri: string): Shelf<StoredResponse> | null;
}

/** `maxBytes`: bodies, headers and an estimate of what holds them. */
export function createMemoryStore(maxBytes: number): MemoryStore {
  const shelves = createShelves<StoredResponse>({ maxBytes, bytesOf });
  return {
    find: (request) => shelves.find(request),
    peek: (request) => shelves.peek(request),
    shelf: (uri) => shelves.shelf(uri),
    put(response) {
      if (isInMemory(response)) shelves.put(response);
      else shelves.drop(response);
    },
    has: (uri) => shelves.hasUri(uri),
    drop: (slot) => shelves.drop(slot),
    urisOf: (named) => shelves.urisOf(named),
    revise: (uri, isMeant, soft) =>
      shelves.revise(uri, isMeant, (response) => (soft === null ? null : softened(response, soft))),
    flush: () => Promise.resolve(),
    get figures() {
      return shelves.figures();
    },
    close: () => Promise.resolve(shelves.clear()),
  };
}

/** What an object of this shape costs besides its texts, roughly. */
const OVERHEAD = 1024;

function bytesOf(response: StoredResponse): number {
  const { uri, selection, headers, body } = response;
  let bytes = OVERHEAD + body.length + uri.length + selection.length + bytesOfTags(response);
  for (const name in headers) bytes += 2 * (name.length + lengthOf(headers[name]));
  return bytes;
}

const lengthOf = (value: string | string[] | undefined): number =>
  typeof value === 'string' ? value.length : String(value).length;
