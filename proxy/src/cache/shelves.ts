/** The index that both tiers share: a shelf per URI, on it one item per scope and selecting headers. */
import { LRUCache } from 'lru-cache';
import type { CacheRequest } from './response.ts';
import type { Slot } from './store.ts';
import { replaces, select } from './vary.ts';

/** A crowd of variants under one URI drops its oldest. */
const MOST_VARIANTS = 256;

export interface Shelves<T> {
  find(request: CacheRequest): T | null;
  has(item: T): boolean;
  hasUri(uri: string): boolean;
  put(item: T): void;
  remove(item: T): void;
  /** Removes what this would replace. */
  drop(slot: Slot): void;
  removeUri(uri: string): boolean;
  /** Removes what `isDead` names; how many there were. */
  sweep(isDead: (item: T) => boolean): number;
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

/** Items on a shelf stand in the order in which they were put there. */
export function createShelves<T extends Slot>({ maxBytes, bytesOf, onGone }: ShelvesOptions<T>): Shelves<T> {
  const shelves = new LRUCache<string, readonly T[]>({
    maxSize: Math.max(1, maxBytes),
    sizeCalculation: (shelf) => shelf.reduce((sum, item) => sum + bytesOf(item), 0),
    ...(onGone !== undefined && {
      // A shelf that is replaced is no reason: its items are told of one by one.
      dispose: (shelf: readonly T[], _uri: string, reason: string) => {
        if (reason !== 'set') shelf.forEach(onGone);
      },
    }),
  });
  const replaceShelf = (uri: string, shelf: readonly T[]) => {
    const gone = (shelves.peek(uri) ?? []).filter((item) => !shelf.includes(item));
    if (shelf.length === 0) shelves.delete(uri);
    else {
      if (onGone !== undefined) gone.forEach(onGone);
      shelves.set(uri, shelf);
    }
    return gone.length;
  };
  const keepOnly = (uri: string, isKept: (item: T) => boolean) => {
    const shelf = shelves.peek(uri) ?? [];
    const left = shelf.filter(isKept);
    if (left.length < shelf.length) replaceShelf(uri, left);
  };
  return {
    find(request) {
      const shelf = shelves.get(request.uri);
      return shelf === undefined ? null : select(shelf, request);
    },
    has: (item) => shelves.peek(item.uri)?.includes(item) === true,
    hasUri: (uri) => shelves.has(uri),
    put(item) {
      const others = (shelves.peek(item.uri) ?? []).filter((old) => !replaces(item, old));
      const shelf = [...others.slice(1 - MOST_VARIANTS), item];
      // Rather one variant than none of a crowd that does not fit.
      const fits = shelf.reduce((sum, one) => sum + bytesOf(one), 0) <= maxBytes;
      if (fits || bytesOf(item) <= maxBytes) replaceShelf(item.uri, fits ? shelf : [item]);
      else {
        replaceShelf(item.uri, others);
        onGone?.(item);
      }
    },
    remove: (item) => keepOnly(item.uri, (other) => other !== item),
    drop: (slot) => keepOnly(slot.uri, (other) => !replaces(slot, other)),
    removeUri: (uri) => shelves.delete(uri),
    sweep(isDead) {
      let count = 0;
      // Replacing a shelf moves it to the end of what is being walked.
      for (const [uri, shelf] of Array.from(shelves.entries())) {
        const left = shelf.filter((item) => !isDead(item));
        if (left.length < shelf.length) count += replaceShelf(uri, left);
      }
      return count;
    },
    figures() {
      let responses = 0;
      for (const shelf of shelves.values()) responses += shelf.length;
      return { responses, bytes: shelves.calculatedSize };
    },
    clear: () => shelves.clear(),
  };
}
