/** Writes to the disk tier in batches, behind the answers; what is waiting is found as if it were written. */
import type { Level } from 'level';
import { encodeRecord, encodeSlot } from './record.ts';
import type { DiskSlot } from './record.ts';
import type { StoredResponse } from './response.ts';

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

export interface WriteBehind {
  write(slot: DiskSlot, response: StoredResponse): void;
  /** `bytes`: how much room that makes. */
  remove(id: string, bytes: number): void;
  unwritten(id: string): StoredResponse | null;
  read(id: string): Promise<Buffer | null>;
  /** Resolves when what waits has been tried; never rejects. `durable`: a crash does not undo it. */
  flush(options: { durable: boolean }): Promise<void>;
  /** Batches that failed. */
  readonly faults: number;
  close(): Promise<void>;
}

export interface WriteBehindOptions {
  onLost(slot: DiskSlot): void;
  /** Bytes removed after which the files are compacted: level frees nothing by itself. */
  compactAfter: number;
}

export function createWriteBehind(database: Level<string, string>, options: WriteBehindOptions): WriteBehind {
  const writes = new Map<string, { slot: DiskSlot; response: StoredResponse }>();
  const removals = new Set<string>();
  let waitingBytes = 0;
  let removedBytes = 0;
  let faults = 0;
  let timer: NodeJS.Timeout | null = null;
  let last: Promise<void> = Promise.resolve();

  const schedule = () => {
    if (waitingBytes > FULL_BATCH) void flush({ durable: false });
    else timer ??= setTimeout(() => void flush({ durable: false }), DELAY).unref();
  };

  /** One batch after the other: what was removed later is removed later. */
  function flush({ durable }: { durable: boolean }): Promise<void> {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    waitingBytes = 0;
    last = last.then(() => writeBatch(durable));
    return last;
  }

  async function writeBatch(durable: boolean): Promise<void> {
    if (writes.size === 0 && removals.size === 0) return;
    const written = [...writes];
    const removed = [...removals];
    try {
      const batch = database.batch();
      for (const id of removed) batch.del(RECORDS.keyOf(id)).del(SLOTS.keyOf(id));
      for (const [id, { slot, response }] of written) {
        batch.put(RECORDS.keyOf(id), encodeRecord(response), { valueEncoding: 'buffer' });
        batch.put(SLOTS.keyOf(id), encodeSlot(slot));
      }
      // A removal that is asked to last must not be undone by losing the last pages of the log.
      await batch.write({ sync: durable } as { sync: boolean });
      for (const id of removed) removals.delete(id);
      for (const [id] of written) writes.delete(id);
    } catch {
      faults++;
      // Removals stay, to be tried again with the next batch.
      for (const [id, { slot }] of written) {
        writes.delete(id);
        options.onLost(slot);
      }
    }
    await compact();
  }

  async function compact(): Promise<void> {
    if (removedBytes < options.compactAfter) return;
    removedBytes = 0;
    // In Node `Level` is a ClassicLevel, which has this; the type covers browsers too.
    const classic = database as unknown as { compactRange(start: string, end: string): Promise<void> };
    await classic.compactRange(RECORDS.first, RECORDS.end).catch(() => faults++);
  }

  return {
    write(slot, response) {
      writes.set(slot.id, { slot, response });
      waitingBytes += slot.bytes;
      schedule();
    },
    remove(id, bytes) {
      // A batch that is under way may hold it already, so its removal is written in any case.
      writes.delete(id);
      removals.add(id);
      removedBytes += bytes;
      schedule();
    },
    unwritten: (id) => writes.get(id)?.response ?? null,
    read: async (id) =>
      (await database.get<string, Buffer>(RECORDS.keyOf(id), { valueEncoding: 'buffer' })) ?? null,
    flush,
    get faults() {
      return faults;
    },
    async close() {
      await flush({ durable: true });
    },
  };
}
