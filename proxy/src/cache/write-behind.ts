/** Writes to the disk tier in batches, behind the answers; what is waiting is found as if it were written. */
import type { Level } from 'level';
import { decodeSlot, encodeRecord, encodeSlot } from './record.ts';
import type { Kept } from './kept.ts';
import type { DiskSlot } from './record.ts';
import type { Stored } from './response.ts';
import type { Segments } from './segments.ts';

/** Keys of slots. */
export const SLOTS = {
  first: 'slot!',
  end: 'slot"',
  keyOf: (id: string) => `slot!${id}`,
  idOf: (key: string) => key.slice('slot!'.length),
};

/** A key whose value says nothing. */
const SYNCED = 'synced';

const DELAY = 100;
/** So much waiting is written at once: bytes, and responses, because every hit waits while their records are made. */
const FULL_BATCH = 8 * 1024 * 1024;
const MOST_AT_ONCE = 128;
/** More does not wait: a disk that is slower than the cloud must not fill the memory (I11). */
const MOST_WAITING = 64 * 1024 * 1024;
/** Removed slots after which level is compacted: it frees nothing by itself. */
const COMPACT_AFTER = 100_000;

export interface WriteBehindOptions {
  database: Level<string, string>;
  segments: Segments;
  /** A response that could not be written, and so is not there. */
  onLost(slot: DiskSlot): void;
}

interface Waiting {
  slot: DiskSlot;
  kept: Kept<Stored>;
}

export class WriteBehind {
  /** Batches that failed. */
  faults = 0;
  readonly #options: WriteBehindOptions;
  readonly #writes = new Map<string, Waiting>();
  readonly #removals = new Set<string>();
  /** Slots that changed while their records stay as they are. */
  readonly #rewrites = new Map<string, DiskSlot>();
  /** What has come since the last batch began; bytes of it, and of all that waits or is being written. */
  #newcomers = 0;
  #fresh = 0;
  #waiting = 0;
  #removed = 0;
  #timer: NodeJS.Timeout | null = null;
  #last: Promise<boolean> = Promise.resolve(true);
  /** Of what was written, some could still be lost with the end of level's log. */
  #isUnsynced = false;

  constructor(options: WriteBehindOptions) {
    this.#options = options;
  }

  /** False: too much is waiting already, and it is not kept. */
  write(slot: DiskSlot, kept: Kept<Stored>): boolean {
    if (this.#waiting > MOST_WAITING) return false;
    this.#writes.set(slot.id, { slot, kept });
    this.#newcomers++;
    this.#fresh += slot.bytes;
    this.#waiting += slot.bytes;
    this.#schedule();
    return true;
  }

  /** Writes the slot anew; the record that belongs to it stays as it is. */
  rewrite(slot: DiskSlot): void {
    this.#rewrites.set(slot.id, slot);
    this.#schedule();
  }

  remove(id: string): void {
    // A batch that is under way may hold it already, so its removal is written in any case.
    this.#unlist(id);
    this.#rewrites.delete(id);
    this.#removals.add(id);
    this.#schedule();
  }

  /** What is waiting to be written. */
  waiting(id: string): Stored | null {
    return this.#writes.get(id)?.kept.response ?? null;
  }

  /**
   * Resolves when what waits has been tried, one batch after the other; never rejects. True where it was written;
   * `durable`: and all before it, so that a crash does not undo it.
   */
  flush({ durable }: { durable: boolean }): Promise<boolean> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#newcomers = this.#fresh = 0;
    this.#last = this.#last.then(() => this.#writeBatch(durable));
    return this.#last;
  }

  #schedule(): void {
    if (this.#fresh > FULL_BATCH || this.#newcomers > MOST_AT_ONCE) void this.flush({ durable: false });
    else this.#timer ??= setTimeout(() => void this.flush({ durable: false }), DELAY).unref();
  }

  async #writeBatch(durable: boolean): Promise<boolean> {
    const isWaiting = this.#writes.size > 0 || this.#removals.size > 0 || this.#rewrites.size > 0;
    if (!isWaiting && !(durable && this.#isUnsynced)) return true;
    // A second time without what did not fit: removals take hardly any room.
    const isWritten = (await this.#tryBatch(durable)) || (durable && (await this.#tryBatch(durable)));
    await this.#makeRoom().catch(() => this.faults++);
    return isWritten;
  }

  async #tryBatch(durable: boolean): Promise<boolean> {
    const written = [...this.#writes];
    const removed = [...this.#removals];
    const rewritten = [...this.#rewrites];
    const { database, segments } = this.#options;
    try {
      if (written.length > 0)
        await segments.append(written.map(([id, { kept }]) => [id, encodeRecord(kept.text(), kept)] as const));
      const batch = database.batch();
      for (const id of removed) batch.del(SLOTS.keyOf(id));
      const slots = [...written.map(([, { slot }]) => slot), ...rewritten.map(([, slot]) => slot)];
      for (const slot of slots) {
        const place = segments.placeOf(slot.id);
        if (place !== null) batch.put(SLOTS.keyOf(slot.id), encodeSlot(slot, place));
      }
      // Something must be written for the log to be synced.
      if (durable) batch.put(SYNCED, '');
      // In Node `Level` is a ClassicLevel, which has `sync`; its type covers browsers too. A removal that is asked to
      // last must not be undone by losing the end of the log.
      await batch.write({ sync: durable } as object);
      this.#isUnsynced = !durable;
      for (const [id] of written) this.#unlist(id);
      for (const [id, slot] of rewritten) if (this.#rewrites.get(id) === slot) this.#rewrites.delete(id);
      for (const id of removed) {
        this.#removals.delete(id);
        await segments.remove(id);
      }
      this.#removed += removed.length;
      return true;
    } catch {
      this.faults++;
      // Removals and rewrites stay, to be tried again with the next batch.
      for (const [id, { slot }] of written) {
        this.#unlist(id);
        this.#options.onLost(slot);
      }
      return false;
    }
  }

  #unlist(id: string): void {
    const entry = this.#writes.get(id);
    if (entry === undefined) return;
    this.#writes.delete(id);
    this.#waiting -= entry.slot.bytes;
  }

  /** Moves what is still wanted out of a file that is mostly waste, which then goes; and compacts level. */
  async #makeRoom(): Promise<void> {
    const { database, segments } = this.#options;
    const ids = segments.wasteful();
    const moved: [string, Buffer[]][] = [];
    for (const id of ids) {
      const record = await segments.read(id).catch(() => null);
      // It cannot be read here either: whoever asks for it finds out.
      if (record === null) await segments.remove(id);
      else moved.push([id, [record]]);
    }
    if (moved.length > 0) {
      await segments.append(moved);
      const batch = database.batch();
      for (const [id] of moved) {
        const value = await database.get(SLOTS.keyOf(id));
        const known = value === undefined ? null : decodeSlot(value);
        const place = segments.placeOf(id);
        if (known !== null && place !== null) batch.put(SLOTS.keyOf(id), encodeSlot(known.slot, place));
      }
      await batch.write();
      await segments.tidy();
    }
    if (this.#removed < COMPACT_AFTER) return;
    this.#removed = 0;
    const classic = database as unknown as { compactRange(start: string, end: string): Promise<void> };
    await classic.compactRange(SLOTS.first, SLOTS.end);
  }
}
