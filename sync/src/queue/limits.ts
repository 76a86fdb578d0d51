/**
 * The limits of the queue (I11): how many writes may wait, how many bytes they may have, and how much of the disk must
 * stay free. A write beyond one of them is refused, clearly and long before the disk is full; nothing evicts the queue.
 */
import { statfsSync } from 'node:fs';
import { LarderError } from '../errors.ts';
import type { Entries } from './entries.ts';

export interface LimitsParts {
  entries: Pick<Entries, 'openSize'>;
  maxQueue: number;
  maxQueueBytes: number;
  minFreeBytes: number;
  /** Free bytes on the disk of the data directory. */
  free(): number;
  /** A clock that nobody sets, ms. */
  uptime(): number;
}

/** Counting what waits, and asking the disk, are worth doing this often at most, ms. */
const FRESH = 500;

export class Limits {
  readonly #parts: LimitsParts;
  #size = { count: 0, bytes: 0 };
  #free = 0;
  #at = -Infinity;

  constructor(parts: LimitsParts) {
    this.#parts = parts;
  }

  /**
   * Takes note of a write of so many bytes that is about to be kept.
   *
   * @throws LarderError `LARDER_QUEUE_FULL`, `LARDER_DISK_LOW`
   */
  admit(bytes: number): void {
    if (this.#parts.uptime() - this.#at > FRESH) this.#look();
    // What was counted may have been sent since.
    if (this.#excess(bytes) !== null) this.#look();
    const excess = this.#excess(bytes);
    if (excess !== null) throw excess;
    this.#size = { count: this.#size.count + 1, bytes: this.#size.bytes + bytes };
    this.#free -= bytes;
  }

  #look(): void {
    this.#size = this.#parts.entries.openSize();
    this.#free = this.#parts.free();
    this.#at = this.#parts.uptime();
  }

  #excess(bytes: number): LarderError | null {
    const { maxQueue, maxQueueBytes, minFreeBytes } = this.#parts;
    if (this.#size.count >= maxQueue)
      return new LarderError('LARDER_QUEUE_FULL', `${this.#size.count} changes are waiting.`);
    if (this.#size.bytes + bytes > maxQueueBytes)
      return new LarderError('LARDER_QUEUE_FULL', `Changes of ${this.#size.bytes} bytes are waiting.`);
    if (this.#free - bytes < minFreeBytes)
      return new LarderError('LARDER_DISK_LOW', `${Math.max(0, this.#free)} bytes are free.`);
    return null;
  }
}

/** Free bytes for this user on the disk that holds a directory. */
export function freeBytesOf(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}
