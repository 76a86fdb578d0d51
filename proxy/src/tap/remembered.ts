/** Request heads that the parser has accepted, each with the answer that it led to. Bounded in bytes. */
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Prepared } from './prepared.ts';
import type { PreparedFields } from './prepared-fields.ts';

/** Says where the cache has the answer instead of holding it: what the cache lets go is free. */
export interface Remembered {
  prepared: Prepared | PreparedFields;
  /** Under which the cache has it, and which of what it had there: see `Cache.shelf`. */
  uri: string;
  shelf: number;
  at: number;
  /** Of the route. */
  tags: readonly string[];
  /** The replica knows this route. */
  covered: boolean;
  /** The earlier of freshness and token expiry, ms since 1970. */
  until: number;
  /** `Tap`'s, and that of the verified tokens, when it was remembered. */
  epoch: number;
  age: number;
}

/** What an object of this shape costs, roughly. */
const OVERHEAD = 512;

export class RememberedHeads {
  readonly #byHead: LRUCache<string, Remembered>;
  /** There has been one with a credential: only then are heads hashed. */
  #hasSecret = false;

  constructor(maxBytes: number) {
    this.#byHead = new LRUCache({
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: ({ prepared }, key) => OVERHEAD + key.length + prepared.size,
    });
  }

  get size(): { heads: number; bytes: number } {
    return { heads: this.#byHead.size, bytes: this.#byHead.calculatedSize };
  }

  get(head: string): Remembered | undefined {
    const found = this.#byHead.get(head);
    return found === undefined && this.#hasSecret ? this.#byHead.get(digest(head)) : found;
  }

  /** `isSecret`: it holds a credential, which must not lie about in memory longer than its request. */
  set(head: string, remembered: Remembered, isSecret: boolean): void {
    if (isSecret) this.#hasSecret = true;
    this.#byHead.set(isSecret ? digest(head) : head, remembered);
  }

  delete(head: string): void {
    this.#byHead.delete(head);
    if (this.#hasSecret) this.#byHead.delete(digest(head));
  }

  clear(): void {
    this.#byHead.clear();
    this.#hasSecret = false;
  }
}

/** No head reads like this: they begin with a method, or with the name of a field. */
const digest = (head: string) => `#${hash('sha256', head, 'base64url')}`;
