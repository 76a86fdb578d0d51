/** What both tiers are: the contract is run over each in store.contract.test.ts. */
import type { Kept } from './kept.ts';
import type { Named } from './named.ts';
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
  /**
   * Replaces what no request could tell from it, also where it is itself too large to be kept. `kept`: the same, where
   * several tiers are to share it.
   */
  put(response: Stored, kept?: Kept<Stored>): void;
  /** Is anything stored under this URI, for whomever? */
  has(uri: string): boolean;
  /** Drops what a response with this scope and these selecting headers would replace. */
  drop(slot: Slot): void;
  /** What `find` would give, without counting as a use. */
  peek(request: CacheRequest): Stored | null | Promise<Stored | null>;
  /** URIs under which there may be something named so: as they are while it is walked, whatever comes or goes. */
  urisOf(named: Named): Iterable<string>;
  /** Drops what is meant under a URI, or makes it stale from `soft` on (ms since 1970); gives what was meant. */
  revise(uri: string, isMeant: (slot: Slot) => boolean, soft: number | null): readonly Slot[];
  /**
   * Writes what was revised. `durable`: resolves when a crash would not bring it back, and rejects with
   * `LARDER_PURGE_UNWRITTEN` where the disk does not take it: then it is gone until a restart at least.
   */
  flush(how: { durable: boolean }): Promise<void>;
  readonly figures: { responses: number; bytes: number };
  close(): Promise<void>;
}
