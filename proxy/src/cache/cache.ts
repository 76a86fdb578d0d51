/** The two tiers behind one door, and the leases that keep what was invalidated from being stored. */
import type { Tags } from '@larder/sync/client';
import type { CacheRequest, StoredResponse } from './response.ts';

export interface CacheOptions {
  /** Null without a profile: nothing is tagged. */
  tags: Tags | null;
  memoryBytes: number;
  /** Null: memory only. `directory` is made if missing, and emptied if broken. */
  disk: { directory: string; bytes: number } | null;
  /** Name and release of the profile: what another one stored is dropped, its tags may mean something else. */
  version: string;
}

export interface Lease {
  uri: string;
  tags: readonly string[];
  sequence: number;
}

export interface CacheFigures {
  memory: { responses: number; bytes: number };
  disk: { responses: number; bytes: number; faults: number } | null;
}

export interface Cache {
  /** In memory, without waiting. Never what was invalidated (I10). */
  find(request: CacheRequest): StoredResponse | null;
  /** On disk; null at once where the index has nothing. What is found is taken into memory. */
  findOnDisk(request: CacheRequest): Promise<StoredResponse | null> | null;
  figures(): CacheFigures;
  close(): Promise<void>;
}

export declare function createCache(options: CacheOptions): Promise<Cache>;
