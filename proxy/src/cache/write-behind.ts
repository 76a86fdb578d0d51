/** Writes to the disk tier in batches, behind the answers; what is waiting is found as if it were written. */
import type { Level } from 'level';
import { encodeRecord, encodeSlot } from './record.ts';
import type { DiskSlot } from './record.ts';
import type { Stored } from './response.ts';

/** Keys of slots and records; both are written in one batch. */
export const SLOTS = {
  first: 'slot!',
  end: 'slot"',
  keyOf: (id: string) => `slot!${id}`,
  idOf: (key: string) => key.slice('slot!'.length),
};
const RECORDS = { first: 'record!', end: 'record"', keyOf: (id: string) => `record!${id}` };

const DELAY = 100;
/** So much waiting is written at once. */
const FULL_BATCH = 8 * 1024 * 1024;

export interface WriteBehindOptions {
  /** A response that could not be written, and so is not there. */
  onLost(slot: DiskSlot): void;
  /** Bytes removed after which the files are compacted: level frees nothing by itself. */
  compactAfter: number;
}

export class WriteBehind {
  /** Batches that failed. */
  faults = 0;
  readonly #database: Level<string, string>;
  readonly #options: WriteBehindOptions;
  readonly #writes = new Map<string, { slot: DiskSlot; response: Stored }>();
  readonly #removals = new Set<string>();
  /** Slots that changed while their records stay as they are. */
  readonly #rewrites = new Map<string, DiskSlot>();
  #waitingBytes = 0;
  #removedBytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #last: Promise<void> = Promise.resolve();

  constructor(database: Level<string, string>, options: WriteBehindOptions) {
    this.#database = database;
    this.#options = options;
  }

  write(slot: DiskSlot, response: Stored): void {
    this.#writes.set(slot.id, { slot, response });
    this.#waitingBytes += slot.bytes;
    this.#schedule();
  }

  /** Writes the slot anew; the record that belongs to it stays as it is. */
  rewrite(slot: DiskSlot): void {
    this.#rewrites.set(slot.id, slot);
    this.#schedule();
  }

  /** `bytes`: how much room that makes. */
  remove(id: string, bytes: number): void {
    // A batch that is under way may hold it already, so its removal is written in any case.
    this.#writes.delete(id);
    this.#rewrites.delete(id);
    this.#removals.add(id);
    this.#removedBytes += bytes;
    this.#schedule();
  }

  /** What is waiting to be written. */
  waiting(id: string): Stored | null {
    return this.#writes.get(id)?.response ?? null;
  }

  async read(id: string): Promise<Buffer | null> {
    const record = await this.#database.get<string, Buffer>(RECORDS.keyOf(id), { valueEncoding: 'buffer' });
    return record ?? null;
  }

  /**
   * Resolves when what waits has been tried, one batch after the other; never rejects. `durable`: a crash does not undo
   * it.
   */
  flush({ durable }: { durable: boolean }): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#waitingBytes = 0;
    this.#last = this.#last.then(() => this.#writeBatch(durable));
    return this.#last;
  }

  #schedule(): void {
    if (this.#waitingBytes > FULL_BATCH) void this.flush({ durable: false });
    else this.#timer ??= setTimeout(() => void this.flush({ durable: false }), DELAY).unref();
  }

  async #writeBatch(durable: boolean): Promise<void> {
    if (this.#writes.size === 0 && this.#removals.size === 0 && this.#rewrites.size === 0) return;
    const written = [...this.#writes];
    const removed = [...this.#removals];
    const rewritten = [...this.#rewrites];
    try {
      const batch = this.#database.batch();
      for (const id of removed) batch.del(RECORDS.keyOf(id)).del(SLOTS.keyOf(id));
      for (const [id, { slot, response }] of written) {
        batch.put(RECORDS.keyOf(id), encodeRecord(response), { valueEncoding: 'buffer' });
        batch.put(SLOTS.keyOf(id), encodeSlot(slot));
      }
      for (const [id, slot] of rewritten) batch.put(SLOTS.keyOf(id), encodeSlot(slot));
      // In Node `Level` is a ClassicLevel, which has `sync`; its type covers browsers too. A removal that is asked to
      // last must not be undone by losing the end of the log.
      await batch.write({ sync: durable } as object);
      for (const id of removed) this.#removals.delete(id);
      for (const [id] of written) this.#writes.delete(id);
      for (const [id, slot] of rewritten) if (this.#rewrites.get(id) === slot) this.#rewrites.delete(id);
    } catch {
      this.faults++;
      // Removals and rewrites stay, to be tried again with the next batch.
      for (const [id, { slot }] of written) {
        this.#writes.delete(id);
        this.#options.onLost(slot);
      }
    }
    await this.#compact();
  }

  async #compact(): Promise<void> {
    if (this.#removedBytes < this.#options.compactAfter) return;
    this.#removedBytes = 0;
    const classic = this.#database as unknown as { compactRange(start: string, end: string): Promise<void> };
    await classic.compactRange(RECORDS.first, RECORDS.end).catch(() => this.faults++);
  }
}
