/** The first tier: found without waiting. */
import { Kept } from './kept.ts';
import { isInMemory } from './response.ts';
import type { CacheRequest, StoredResponse } from './response.ts';
import { createShelves } from './shelves.ts';
import type { Shelf } from './shelves.ts';
import type { Store } from './store.ts';

export interface MemoryStore extends Store {
  find(request: CacheRequest): StoredResponse | null;
  peek(request: CacheRequest): StoredResponse | null;
  shelf(uri: string): Shelf<Kept> | null;
}

/** `maxBytes`: bodies, headers and an estimate of what holds them. */
export function createMemoryStore(maxBytes: number): MemoryStore {
  const shelves = createShelves<Kept>({ maxBytes, bytesOf: ({ bytes }) => bytes });
  return {
    find: (request) => shelves.find(request)?.response ?? null,
    peek: (request) => shelves.peek(request)?.response ?? null,
    shelf: (uri) => shelves.shelf(uri),
    put(response, kept = new Kept(response)) {
      if (isInMemory(response)) shelves.put(kept as Kept);
      else shelves.drop(response);
    },
    has: (uri) => shelves.hasUri(uri),
    drop: (slot) => shelves.drop(slot),
    urisOf: (named) => shelves.urisOf(named),
    revise: (uri, isMeant, soft) =>
      shelves.revise(uri, isMeant, (kept) => (soft === null ? null : kept.softened(soft))),
    flush: () => Promise.resolve(),
    get figures() {
      return shelves.figures();
    },
    close: () => Promise.resolve(shelves.clear()),
  };
}
