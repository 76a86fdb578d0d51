/** The index that both tiers share: a shelf per URI, on it one item per scope and selecting headers; by path and by tag too. */
import { LRUCache } from 'lru-cache';
import { pathOf } from './named.ts';
import type { Named } from './named.ts';
import type { CacheRequest } from './response.ts';
import type { Slot } from './store.ts';
import { UriSets } from './uri-sets.ts';
import { replaces, select } from './vary.ts';

/** A crowd of variants under one URI drops its oldest. */
const MOST_VARIANTS = 256;
/** A place in the index by tags, roughly, bytes. */
const TAG_OVERHEAD = 64;

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
  /** URIs under which there may be something named so: as they are while it is walked, whatever comes or goes. */
  urisOf(named: Named): Iterable<string>;
  /** Puts what `change` makes of the items under a URI that are meant in their place, or removes them for null; gives them. */
  revise(uri: string, isMeant: (item: T) => boolean, change: (item: T) => T | null): readonly T[];
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

/** Most shelves are of one: by itself it needs no array, which would have to survive. */
class ShelfOfOne<T> implements Shelf<T> {
  readonly id: number;
  readonly #item: T;

  constructor(id: number, item: T) {
    this.id = id;
    this.#item = item;
  }

  get items(): readonly T[] {
    return [this.#item];
  }
}

class ShelfIndex<T extends Slot> implements Shelves<T> {
  readonly #options: ShelvesOptions<T>;
  readonly #byPath = new UriSets();
  readonly #byTag = new UriSets();
  readonly #shelves: LRUCache<string, Shelf<T>>;
  #lastId = 0;
  #count = 0;

  constructor(options: ShelvesOptions<T>) {
    this.#options = options;
    this.#shelves = new LRUCache<string, Shelf<T>>({
      maxSize: Math.max(1, options.maxBytes),
      dispose: ({ items }, uri, reason) => {
        // A shelf that is replaced is no reason: its items are told of one by one.
        if (reason === 'set') return;
        this.#count -= items.length;
        this.#byPath.delete(pathOf(uri), uri);
        for (const item of items) for (const tag of tagsOf(item)) this.#byTag.delete(tag, uri);
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
    const { maxBytes, bytesOf } = this.#options;
    if (!this.#shelves.has(item.uri)) {
      const size = bytesOf(item);
      return size <= maxBytes ? this.#found(item, size) : this.#tellGone([item]);
    }
    const others = this.#itemsOf(item.uri).filter((old) => !replaces(item, old));
    const all = [...others.slice(1 - MOST_VARIANTS), item];
    const bytes = this.#bytesOf(all);
    // Rather one variant than none of a crowd that does not fit.
    if (bytes <= maxBytes) return this.#replace(item.uri, all, undefined, bytes);
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

  urisOf({ by, value }: Named): Iterable<string> {
    if (by === 'url') return this.#shelves.has(value) ? [value] : [];
    if (by === 'path') return this.#byPath.of(value);
    return by === 'prefix' ? this.#byPath.all() : this.#byTag.of(value);
  }

  revise(uri: string, isMeant: (item: T) => boolean, change: (item: T) => T | null): readonly T[] {
    const items = this.#itemsOf(uri);
    const meant = items.filter(isMeant);
    if (meant.length === 0) return meant;
    const revised = items.map((item) => (isMeant(item) ? change(item) : item));
    if (revised.every((item, at) => item === items[at])) return meant;
    // What has merely changed has not left.
    const gone = items.filter((_item, at) => revised[at] === null);
    const left = revised.filter((item) => item !== null);
    this.#replace(uri, left, gone);
    return meant;
  }

  figures(): { responses: number; bytes: number } {
    return { responses: this.#count, bytes: this.#shelves.calculatedSize };
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

  #replace(uri: string, items: readonly T[], left?: readonly T[], size = this.#bytesOf(items)): void {
    if (items.length === 0) {
      this.#shelves.delete(uri);
      return;
    }
    const old = this.#itemsOf(uri);
    const gone = left ?? without(old, items);
    this.#tellGone(gone);
    this.#byPath.add(pathOf(uri), uri);
    for (const item of without(items, old)) for (const tag of tagsOf(item)) this.#byTag.add(tag, uri);
    for (const item of gone)
      for (const tag of tagsOf(item)) if (!items.some((other) => carries(other, tag))) this.#byTag.delete(tag, uri);
    this.#count += items.length - old.length;
    const id = ++this.#lastId;
    const [only] = items;
    const isOne = only !== undefined && items.length === 1;
    this.#shelves.set(uri, isOne ? new ShelfOfOne(id, only) : { id, items }, { size });
  }

  /** The first under its URI. */
  #found(item: T, size: number): void {
    const { uri } = item;
    this.#byPath.add(pathOf(uri), uri);
    for (const tag of tagsOf(item)) this.#byTag.add(tag, uri);
    this.#count++;
    this.#shelves.set(uri, new ShelfOfOne(++this.#lastId, item), { size });
  }

  #bytesOf(items: readonly T[]): number {
    return items.reduce((sum, item) => sum + this.#options.bytesOf(item), 0);
  }

  #tellGone(items: readonly T[]): void {
    const { onGone } = this.#options;
    if (onGone !== undefined) for (const item of items) onGone(item);
  }
}

/** What its tags take in the index, bytes. */
export function bytesOfTags(slot: Slot): number {
  let bytes = 0;
  for (const tag of tagsOf(slot)) bytes += TAG_OVERHEAD + tag.length;
  return bytes;
}

/** The profile's and the origin's. */
const tagsOf = ({ tags, cacheTags }: Slot): readonly string[] =>
  tags.length === 0 ? cacheTags : [...tags, ...cacheTags];

const carries = ({ tags, cacheTags }: Slot, tag: string) => tags.includes(tag) || cacheTags.includes(tag);

const without = <T>(items: readonly T[], others: readonly T[]) => items.filter((item) => !others.includes(item));
