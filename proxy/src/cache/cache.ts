/** The two tiers behind one door, and the leases that keep what was invalidated from being stored (I10). */
import type { Tags } from '@larder/sync/client';
import type { BodyFiles } from './body-files.ts';
import { openDiskStore } from './disk.ts';
import type { DiskStore } from './disk.ts';
import { Kept } from './kept.ts';
import { createMemoryStore } from './memory.ts';
import type { MemoryStore } from './memory.ts';
import { namesUri } from './named.ts';
import type { Named } from './named.ts';
import type { CacheRequest, Stored, StoredResponse } from './response.ts';
import type { Shelf } from './shelves.ts';
import type { Slot, Store } from './store.ts';
import { sweep } from './sweep.ts';

export interface CacheOptions {
  /** Null without a profile: nothing is tagged. */
  tags: Pick<Tags, 'generation' | 'pending'> | null;
  memoryBytes: number;
  /** Null: memory only. `directory` is made if missing, and emptied if broken. */
  disk: { directory: string; bytes: number } | null;
  /** Name and release of the profile: what another one stored is dropped, its tags may mean something else. */
  version: string;
}

/**
 * Taken before a fetch begins, needed to store what it brings. Void as soon as its URI or one of its tags is
 * invalidated: what was fetched before that may be older than the change.
 */
export interface Lease {
  readonly uri: string;
  readonly tags: readonly string[];
  /** `Tags.generation(tags)` when it was taken. */
  readonly sequence: number;
}

/**
 * What an operator wants gone: one URI, with its query; all that begin so; all that the origin or the profile tagged
 * so. `soft`: made stale instead, at this time (ms since 1970); null: dropped.
 */
export interface Purge {
  by: 'url' | 'prefix' | 'tag';
  value: string;
  soft: number | null;
}

export interface CacheFigures {
  memory: { responses: number; bytes: number };
  disk: { responses: number; bytes: number; faults: number } | null;
}

type Tagged = Pick<Slot, 'tags' | 'sequence'>;

export interface Cache {
  /** For bodies that are too large for memory; null: there is no disk. */
  readonly files: BodyFiles | null;
  /** In memory, without waiting. */
  find(request: CacheRequest): StoredResponse | null;
  /** On disk; at once where there is nothing, or where the disk is quick. What is found is taken into memory. */
  findOnDisk(request: CacheRequest): Stored | null | Promise<Stored | null>;
  /** What either tier has, without taking it into memory or counting it as a use. */
  peek(request: CacheRequest): Promise<{ memory: StoredResponse | null; disk: Stored | null }>;
  /**
   * All that memory has under a URI: while it has the same id, `find` gives the same for the same request, tags aside.
   * Null where there is nothing.
   */
  shelf(uri: string): Shelf<Kept> | null;
  /** Has none of its tags been invalidated since it was found? */
  isCurrent(response: Tagged): boolean;
  /** Is anything stored under this URI, for whomever? */
  has(uri: string): boolean;
  lease(uri: string, tags: readonly string[]): Lease;
  holds(lease: Lease): boolean;
  /** Ends a lease. Every lease is released. */
  release(lease: Lease): void;
  /** Stores under a lease; false where that no longer holds, or where a waiting write touches its tags. */
  put(lease: Lease, response: Stored): boolean;
  /** Drops one stored response, because the origin no longer gives it. */
  drop(response: Stored): void;
  /**
   * Drops all that is stored under these paths, whatever the query and for whomever, and all that carries one of these
   * tags of the profile; resolves when it would not come back after a crash. Rejects with `LARDER_PURGE_UNWRITTEN` where
   * the disk did not take it.
   */
  invalidate(paths: readonly string[], tags?: readonly string[]): Promise<void>;
  /** Resolves with how many responses that concerned; rejects with `LARDER_PURGE_UNWRITTEN` where the disk did not take it. */
  purge(purge: Purge): Promise<number>;
  figures(): CacheFigures;
  close(): Promise<void>;
}

/**
 * Opens the cache. What it finds is never what was invalidated since it was stored, also before a restart: tags by
 * their generation, which the back keeps durably; URIs by having been removed durably.
 * Throws `LARDER_DATA_LOCKED` or `LARDER_DATA_UNUSABLE`.
 */
export async function createCache({ tags, memoryBytes, disk, version }: CacheOptions): Promise<Cache> {
  const memory = createMemoryStore(memoryBytes);
  if (disk === null) return new TieredCache(tags, memory, null);
  return new TieredCache(
    tags,
    memory,
    await openDiskStore({ directory: disk.directory, maxBytes: disk.bytes, version }),
  );
}

/** Of what is still being read from disk. */
const UNKNOWN_TAGS: readonly string[] = [];

class TieredCache implements Cache {
  readonly #tags: CacheOptions['tags'];
  readonly #memory: MemoryStore;
  readonly #disk: DiskStore | null;
  /** In the order of `sweep`. */
  readonly #tiers: readonly Store[];
  readonly #leases = new Set<Lease>();

  constructor(tags: CacheOptions['tags'], memory: MemoryStore, disk: DiskStore | null) {
    this.#tags = tags;
    this.#memory = memory;
    this.#disk = disk;
    this.#tiers = disk === null ? [memory] : [disk, memory];
  }

  get files(): BodyFiles | null {
    return this.#disk?.files ?? null;
  }

  find(request: CacheRequest): StoredResponse | null {
    const found = this.#memory.find(request);
    return found !== null && this.isCurrent(found) ? found : null;
  }

  findOnDisk(request: CacheRequest): Stored | null | Promise<Stored | null> {
    const found = this.#disk?.find(request) ?? null;
    return found instanceof Promise ? this.#whileItHolds(request, found) : this.#promote(found);
  }

  /** Null where it was invalidated on the way (I10). */
  async #whileItHolds(request: CacheRequest, finding: Promise<Stored | null>): Promise<Stored | null> {
    const lease = this.lease(request.uri, UNKNOWN_TAGS);
    try {
      const found = await finding;
      return this.holds(lease) ? this.#promote(found) : null;
    } finally {
      this.release(lease);
    }
  }

  /** From disk into memory. */
  #promote(found: Stored | null): Stored | null {
    if (found === null || !this.isCurrent(found)) return null;
    this.#memory.put(found);
    return found;
  }

  async peek(request: CacheRequest): Promise<{ memory: StoredResponse | null; disk: Stored | null }> {
    const [memory, disk] = await Promise.all([this.#memory.peek(request), this.#disk?.peek(request) ?? null]);
    const current = <T extends Stored>(found: T | null) => (found !== null && this.isCurrent(found) ? found : null);
    return { memory: current(memory), disk: current(disk) };
  }

  shelf(uri: string): Shelf<Kept> | null {
    return this.#memory.shelf(uri);
  }

  has(uri: string): boolean {
    return this.#tiers.some((tier) => tier.has(uri));
  }

  isCurrent({ tags, sequence }: Tagged): boolean {
    return tags.length === 0 || sequence >= this.#generation(tags);
  }

  lease(uri: string, tags: readonly string[]): Lease {
    const lease = { uri, tags, sequence: this.#generation(tags) };
    this.#leases.add(lease);
    return lease;
  }

  holds(lease: Lease): boolean {
    return this.#leases.has(lease) && this.isCurrent(lease);
  }

  release(lease: Lease): void {
    this.#leases.delete(lease);
  }

  put(lease: Lease, response: Stored): boolean {
    if (!this.holds(lease) || this.#tags?.pending(lease.tags) === true) return false;
    const kept = new Kept(response);
    for (const tier of this.#tiers) tier.put(response, kept);
    return true;
  }

  drop(response: Stored): void {
    for (const tier of this.#tiers) tier.drop(response);
  }

  async invalidate(paths: readonly string[], dead: readonly string[] = []): Promise<void> {
    const isPath = paths.map((value): Named => ({ by: 'path', value }));
    const isTagged = dead.map((value): Named => ({ by: 'profile-tag', value }));
    this.#voidLeases(
      ({ uri, tags }) =>
        isPath.some((path) => namesUri(path, uri)) ||
        (dead.length > 0 && (tags === UNKNOWN_TAGS || tags.some((tag) => dead.includes(tag)))),
    );
    await sweep(this.#tiers, [...isPath, ...isTagged], null);
  }

  purge({ by, value, soft }: Purge): Promise<number> {
    // Which tags an answer under way will bring, nobody knows yet (I10).
    this.#voidLeases((lease) => namesUri({ by, value }, lease.uri));
    return sweep(this.#tiers, [{ by, value }], soft);
  }

  figures(): CacheFigures {
    return { memory: this.#memory.figures, disk: this.#disk?.figures ?? null };
  }

  async close(): Promise<void> {
    await Promise.all(this.#tiers.map((tier) => tier.close()));
  }

  #voidLeases(isVoid: (lease: Lease) => boolean): void {
    for (const lease of this.#leases) if (isVoid(lease)) this.#leases.delete(lease);
  }

  #generation(tags: readonly string[]): number {
    return this.#tags?.generation(tags) ?? 0;
  }
}
