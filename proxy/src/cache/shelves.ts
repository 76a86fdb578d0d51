/** The index that both tiers share: a shelf per URI, on it one item per scope and selecting headers. */
import { LRUCache } from 'lru-cache';
import { QueryVariants } from './query-variants.ts';
import type { CacheRequest } from './response.ts';
import type { Slot } from './store.ts';
import { replaces, select } from './vary.ts';

/** A crowd of variants under one URI drops its oldest. */
const MOST_VARIANTS = 256;

/** All under one URI. */
export interface Shelf<T> {
  /** Another one as soon as any of it changes, and never given again. */
  readonly id: number;
  /** In the order in which they were put there. */
  readonly items: readonly T[];
}

export interface Shelves<T> {
  find(request: CacheRequest): T | null;
  /** The same, and counts as no use. */
  peek(request: CacheRequest): T | null;
  /** All under a URI; counts as a use. */
  shelf(uri: string): Shelf<T> | null;
  has(item: T): boolean;
  hasUri(uri: string): boolean;
  put(item: T): void;
  remove(item: T): void;
  /** Removes what this would replace. */
  drop(slot: Slot): void;
  /** Removes all under a path, whatever the query; was there any? */
  removePath(path: string): boolean;
  /** Puts what `change` makes of the items that are meant in their place, or removes them for null; how many there were. */
  revise(isMeant: (item: T) => boolean, change: (item: T) => T | null): number;
  figures(): { responses: number; bytes: number };
  clear(): void;
}

export interface ShelvesOptions<T> {
  /** The URIs used least recently make room. An item larger than all of it is not kept. */
  maxBytes: number;
  bytesOf(item: T): number;
  /** Told of every item that leaves, for whatever reason. */
  onGone?(item: T): void;
}

export const createShelves = <T extends Slot>(options: ShelvesOptions<T>): Shelves<T> => new ShelfIndex(options);

class ShelfIndex<T extends Slot> implements Shelves<T> {
  readonly #options: ShelvesOptions<T>;
  readonly #variants = new QueryVariants();
  readonly #shelves: LRUCache<string, Shelf<T>>;
  #lastId = 0;

  constructor(options: ShelvesOptions<T>) {
    this.#options = options;
    this.#shelves = new LRUCache<string, Shelf<T>>({
      maxSize: Math.max(1, options.maxBytes),
      sizeCalculation: ({ items }) => this.#bytesOf(items),
      dispose: ({ items }, uri, reason) => {
        // A shelf that is replaced is no reason: its items are told of one by one.
        if (reason === 'set') return;
        this.#variants.delete(uri);
        this.#tellGone(items);
      },
    });
  }

  find(request: CacheRequest): T | null {
    const shelf = this.#shelves.get(request.uri);
    return shelf === undefined ? null : select(shelf.items, request);
  }

  peek(request: CacheRequest): T | null {
    return select(this.#itemsOf(request.uri), request);
  }

  shelf(uri: string): Shelf<T> | null {
    return this.#shelves.get(uri) ?? null;
  }

  has(item: T): boolean {
    return this.#itemsOf(item.uri).includes(item);
  }

  hasUri(uri: string): boolean {
    return this.#shelves.has(uri);
  }

  put(item: T): void {
    const { maxBytes } = this.#options;
    const others = this.#itemsOf(item.uri).filter((old) => !replaces(item, old));
    const all = [...others.slice(1 - MOST_VARIANTS), item];
    // Rather one variant than none of a crowd that does not fit.
    if (this.#bytesOf(all) <= maxBytes) return this.#replace(item.uri, all);
    if (this.#bytesOf([item]) <= maxBytes) return this.#replace(item.uri, [item]);
    this.#replace(item.uri, others);
    this.#tellGone([item]);
  }

  remove(item: T): void {
    this.#keepOnly(item.uri, (other) => other !== item);
  }

  drop(slot: Slot): void {
    this.#keepOnly(slot.uri, (other) => !replaces(slot, other));
  }

  removePath(path: string): boolean {
    const removed = [path, ...this.#variants.of(path)].map((uri) => this.#shelves.delete(uri));
    return removed.includes(true);
  }

  revise(isMeant: (item: T) => boolean, change: (item: T) => T | null): number {
    // All that is stored is walked, and hits wait for it: so nothing is made of what is not meant.
    const found: [uri: string, items: readonly T[]][] = [];
    for (const [uri, { items }] of this.#shelves.entries()) if (items.some(isMeant)) found.push([uri, items]);
    let count = 0;
    // Only now: replacing a shelf moves it to the end of what is being walked.
    for (const [uri, items] of found) {
      const revised = items.map((item) => (isMeant(item) ? change(item) : item));
      count += items.filter(isMeant).length;
      // What has merely changed has not left.
      const gone = items.filter((_item, at) => revised[at] === null);
      const left = revised.filter((item) => item !== null);
      this.#replace(uri, left, gone);
    }
    return count;
  }

  figures(): { responses: number; bytes: number } {
    let responses = 0;
    for (const { items } of this.#shelves.values()) responses += items.length;
    return { responses, bytes: this.#shelves.calculatedSize };
  }

  clear(): void {
    this.#shelves.clear();
  }

  #itemsOf(uri: string): readonly T[] {
    return this.#shelves.peek(uri)?.items ?? [];
  }

  #keepOnly(uri: string, isKept: (item: T) => boolean): void {
    const items = this.#itemsOf(uri);
    const left = items.filter(isKept);
    if (left.length < items.length) this.#replace(uri, left);
  }

  #replace(uri: string, items: readonly T[], gone = this.#itemsOf(uri).filter((item) => !items.includes(item))): void {
    if (items.length === 0) {
      this.#shelves.delete(uri);
      return;
    }
    this.#tellGone(gone);
    this.#variants.add(uri);
    this.#shelves.set(uri, { id: ++this.#lastId, items });
  }

  #bytesOf(items: readonly T[]): number {
    return items.reduce((sum, item) => sum + this.#options.bytesOf(item), 0);
  }

  #tellGone(items: readonly T[]): void {
    const { onGone } = this.#options;
    if (onGone !== undefined) for (const item of items) onGone(item);
  }
}
