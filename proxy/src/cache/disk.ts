/**
 * The second tier: level on disk under an index in memory, so that a miss touches no disk. Written behind the answer.
 *
 * A record that is torn or corrupted is a miss. Nothing here is the truth: a directory that cannot be read is emptied.
 */
import { rm } from 'node:fs/promises';
import { LarderError } from '@larder/sync/errors';
import { Level } from 'level';
import { decodeRecord, decodeSlot, FORMAT } from './record.ts';
import type { DiskSlot } from './record.ts';
import type { CacheRequest, StoredResponse } from './response.ts';
import { createShelves } from './shelves.ts';
import type { Store } from './store.ts';
import { SLOTS, WriteBehind } from './write-behind.ts';

export interface DiskStore extends Store {
  readonly figures: { responses: number; bytes: number; faults: number };
}

export interface DiskOptions {
  directory: string;
  maxBytes: number;
  /** What another version stored is dropped. */
  version: string;
}

/** A larger body stays in memory only. */
const LARGEST_BODY = 1024 * 1024;
/** Headers and keys, roughly. */
const OVERHEAD = 1024;

type Database = Level<string, string>;

/**
 * Opens the tier; makes its directory if missing and empties it if it is broken. Throws `LARDER_DATA_LOCKED` where
 * another process has it, `LARDER_DATA_UNUSABLE` where even an empty one cannot be used.
 */
export async function openDiskStore(options: DiskOptions): Promise<DiskStore> {
  try {
    return await open(options);
  } catch (error) {
    if (codeOf(error) === 'LEVEL_LOCKED') throw new LarderError('LARDER_DATA_LOCKED', '', { cause: error });
  }
  await rm(options.directory, { recursive: true, force: true });
  return open(options).catch((error: unknown) => {
    throw new LarderError('LARDER_DATA_UNUSABLE', 'The cache cannot be opened.', { cause: error });
  });
}

/** Level wraps what happened: its own code stands on the cause. */
const codeOf = (error: unknown): unknown =>
  error instanceof Error ? ((error.cause as { code?: unknown } | undefined)?.code ?? null) : null;

async function open({ directory, maxBytes, version }: DiskOptions): Promise<DiskStore> {
  const database: Database = new Level(directory);
  await database.open();
  try {
    const written = `${FORMAT} ${version}`;
    if ((await database.get('version')) !== written) await database.clear();
    await database.put('version', written);
    const { slots, broken } = await readSlots(database);
    return createDiskStore(database, slots, broken, maxBytes);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** All slots in the order in which they were written, and the ids of those that cannot be read. */
async function readSlots(database: Database): Promise<{ slots: DiskSlot[]; broken: string[] }> {
  const slots: DiskSlot[] = [];
  const broken: string[] = [];
  for await (const [key, value] of database.iterator({ gte: SLOTS.first, lt: SLOTS.end })) {
    const slot = decodeSlot(value);
    if (slot === null) broken.push(SLOTS.idOf(key));
    else slots.push(slot);
  }
  return { slots, broken };
}

function createDiskStore(database: Database, slots: DiskSlot[], broken: string[], maxBytes: number): DiskStore {
  const behind: WriteBehind = new WriteBehind(database, {
    onLost: (slot) => shelves.remove(slot),
    compactAfter: maxBytes / 4,
  });
  const shelves = createShelves<DiskSlot>({
    maxBytes,
    bytesOf: (slot) => slot.bytes,
    onGone: (slot) => behind.remove(slot.id, slot.bytes),
  });
  let faults = broken.length;
  for (const id of broken) behind.remove(id, 0);
  for (const slot of slots) shelves.put(slot);
  let nextId = slots.reduce((next, { id }) => Math.max(next, Number.parseInt(id, 36) + 1), 0);

  async function read(slot: DiskSlot): Promise<StoredResponse | null> {
    const record = await behind.read(slot.id).catch(() => null);
    // Removed while it was being read: it must not come back (I10).
    if (!shelves.has(slot)) return null;
    const response = record === null ? null : decodeRecord(record);
    if (response !== null) return response;
    faults++;
    shelves.remove(slot);
    return null;
  }

  return {
    find(request: CacheRequest) {
      const slot = shelves.find(request);
      return slot === null ? null : (behind.waiting(slot.id) ?? read(slot));
    },
    put(response) {
      if (response.body.length > LARGEST_BODY) return;
      const { uri, scope, shared, vary, selection, tags, sequence } = response;
      const id = (nextId++).toString(36).padStart(10, '0');
      const bytes = response.body.length + OVERHEAD;
      const slot: DiskSlot = { id, bytes, uri, scope, shared, vary, selection, tags, sequence };
      behind.write(slot, response);
      shelves.put(slot);
    },
    has: (uri) => shelves.hasUri(uri),
    drop: (slot) => shelves.drop(slot),
    remove: (uri) => (shelves.removeUri(uri) ? behind.flush({ durable: true }) : Promise.resolve()),
    async sweep(isDead) {
      const count = shelves.sweep(isDead);
      if (count > 0) await behind.flush({ durable: true });
      return count;
    },
    get figures() {
      return { ...shelves.figures(), faults: faults + behind.faults };
    },
    async close() {
      await behind.flush({ durable: true });
      await database.close();
    },
  };
}
