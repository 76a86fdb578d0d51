/** What both tiers are: the contract is run over each in store.contract.test.ts. */
import type { CacheRequest, Metadata, Stored } from './response.ts';

/** What a tier can tell of a response without touching its body. */
export type Slot = Pick<
  Metadata,
  'uri' | 'scope' | 'shared' | 'vary' | 'selection' | 'tags' | 'sequence' | 'cacheTags'
>;

/**
 * Responses by URI, several under each: one per scope and selecting headers. Bounded in bytes: the URIs used least
 * recently go first. A response is found unchanged, or not at all.
 */
export interface Store {
  /** What the request may have; null at once where there is nothing. */
  find(request: CacheRequest): Stored | null | Promise<Stored | null>;
  /** Replaces what no request could tell from it, also where it is itself too large to be kept. */
  put(response: Stored): void;
  /** Is anything stored under this URI, for whomever? */
  has(uri: string): boolean;
  /** Drops what a response with this scope and these selecting headers would replace. */
  drop(slot: Slot): void;
  /** What `find` would give, without counting as a use. */
  peek(request: CacheRequest): Stored | null | Promise<Stored | null>;
  /**
   * Drops all under a path, whatever the query; resolves when it would not come back after a crash. Rejects with
   * `LARDER_PURGE_UNWRITTEN` where the disk does not take it: then it is gone until a restart at least.
   */
  remove(path: string): Promise<void>;
  /** Drops what `isDead` names; resolves and rejects as `remove` does. */
  sweep(isDead: (slot: Slot) => boolean): Promise<void>;
  /** Makes what `isMeant` names stale from `at` on (ms since 1970); resolves and rejects as `remove` does. */
  soften(isMeant: (slot: Slot) => boolean, at: number): Promise<void>;
  readonly figures: { responses: number; bytes: number };
  close(): Promise<void>;
}
