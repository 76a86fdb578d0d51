/** What both tiers are: the contract is run over each in store.contract.test.ts. */
import type { CacheRequest, Metadata, StoredResponse } from './response.ts';

/** What a tier can tell of a response without touching its body. */
export type Slot = Pick<Metadata, 'uri' | 'scope' | 'shared' | 'vary' | 'selection' | 'tags' | 'sequence'>;

/**
 * Responses by URI, several under each: one per scope and selecting headers. Bounded in bytes: the URIs used least
 * recently go first. A response is found unchanged, or not at all.
 */
export interface Store {
  /** What the request may have; null at once where there is nothing. */
  find(request: CacheRequest): StoredResponse | null | Promise<StoredResponse | null>;
  /** Replaces what no request could tell from it. What is too large for the store is not kept. */
  put(response: StoredResponse): void;
  /** Is anything stored under this URI, for whomever? */
  has(uri: string): boolean;
  /** Drops what a response with this scope and these selecting headers would replace. */
  drop(slot: Slot): void;
  /** Drops all under a URI; resolves when it would not come back after a crash. */
  remove(uri: string): Promise<void>;
  /** Drops what `isDead` names; resolves as `remove` does, with how many there were. */
  sweep(isDead: (slot: Slot) => boolean): Promise<number>;
  readonly figures: { responses: number; bytes: number };
  close(): Promise<void>;
}
