/**
 * The second tier: on disk under an index in memory, so that a miss touches no disk. Written behind the answer. Level
 * holds what the index is made of at the start, segments hold the records, and large bodies are a file each.
 *
 * A record that is torn or corrupted is a miss. Nothing here is the truth: a directory that cannot be read is emptied.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LarderError } from '@larder/sync/errors';
import { Level } from 'level';
import { BodyFiles } from './body-files.ts';
import { Kept } from './kept.ts';
import type { Named } from './named.ts';
import { decodeRecord, decodeSlot, FORMAT } from './record.ts';
import type { DiskSlot } from './record.ts';
import { isInMemory } from './response.ts';
import type { CacheRequest, Stored } from './response.ts';
import { Segments } from './segments.ts';
import type { Place } from './segments.ts';
import { bytesOfTags, createShelves } from './shelves.ts';
import type { Shelves } from './shelves.ts';
import { softened } from './soften.ts';
import type { Slot, Store } from './store.ts';
import { Trust } from './trust.ts';
import { SLOTS, WriteBehind } from './write-behind.ts';

export interface DiskStore extends Store {
  /** Where a body is collected that is too large for memory. Once it has been put, its file is removed with it. */
  readonly files: BodyFiles;
  readonly figures: { responses: number; bytes: number; faults: number };
}

export interface DiskOptions {
  directory: string;
  maxBytes: number;
  /** What another version stored is dropped. */
  version: string;
}

const MiB = 1024 * 1024;
/** Headers and keys, roughly. */
const OVERHEAD = 1024;
const SETTLED = Promise.resolve();

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
    const trust = new Trust(directory);
    if (!(await trust.stands()) || (await database.get('version')) !== written) await database.clear();
    await database.put('version', written);
    await trust.give();
    const { slots, places, broken } = await readSlots(database);
    // Level leaves alone what it does not know.
    const named = new Set(slots.flatMap(({ file }) => file ?? []));
    const files = await BodyFiles.open(join(directory, 'bodies'), named, maxBytes / 4);
    const segments = await Segments.open(join(directory, 'segments'), places, segmentBytes(maxBytes));
    return new LevelStore({ database, files, segments, trust, slots, broken, maxBytes });
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Small enough that not much of the room is waste, large enough that there are not many files. */
const segmentBytes = (maxBytes: number) => Math.min(64 * MiB, Math.max(MiB, maxBytes / 32));

interface Index {
  /** In the order in which they were written. */
  slots: DiskSlot[];
  places: [string, Place][];
  /** Ids of those that cannot be read. */
  broken: string[];
}

async function readSlots(database: Database): Promise<Index> {
  const index: Index = { slots: [], places: [], broken: [] };
  for await (const [key, value] of database.iterator({ gte: SLOTS.first, lt: SLOTS.end })) {
    const read = decodeSlot(value);
    if (read === null) index.broken.push(SLOTS.idOf(key));
    else {
      index.slots.push(read.slot);
      index.places.push([read.slot.id, read.place]);
    }
  }
  return index;
}

interface Parts extends Pick<Index, 'slots' | 'broken'> {
  database: Database;
  files: BodyFiles;
  segments: Segments;
  trust: Trust;
  maxBytes: number;
}

class LevelStore implements DiskStore {
  readonly files: BodyFiles;
  readonly #database: Database;
  readonly #segments: Segments;
  readonly #trust: Trust;
  readonly #behind: WriteBehind;
  readonly #shelves: Shelves<DiskSlot>;
  #faults: number;
  #nextId: number;
  /** The URI of each file, and how many slots it has: a validated response takes over the file of the one it replaces. */
  readonly #users = new Map<string, { uri: string; slots: number }>();
  /** Has all that was revised been given to the disk? And while it takes it, or does not. */
  #isSettled = true;
  #settling = SETTLED;

  constructor({ database, files, segments, trust, slots, broken, maxBytes }: Parts) {
    this.#database = database;
    this.files = files;
    this.#segments = segments;
    this.#trust = trust;
    this.#behind = new WriteBehind({ database, segments, onLost: (slot) => this.#shelves.remove(slot) });
    this.#shelves = createShelves<DiskSlot>({
      maxBytes,
      bytesOf: (slot) => slot.bytes,
      onGone: (slot) => this.#forget(slot),
    });
    files.onBroken = (name) => {
      this.#faults++;
      const isBroken = ({ file }: DiskSlot) => file === name;
      this.#shelves.revise(this.#users.get(name)?.uri ?? '', isBroken, () => null);
    };
    this.#faults = broken.length;
    for (const id of broken) this.#behind.remove(id);
    for (const slot of slots) this.#place(slot);
    this.#nextId = slots.reduce((next, { id }) => Math.max(next, Number.parseInt(id, 36) + 1), 0);
  }

  find(request: CacheRequest): Stored | null | Promise<Stored | null> {
    return this.#look(this.#shelves.find(request));
  }

  peek(request: CacheRequest): Stored | null | Promise<Stored | null> {
    return this.#look(this.#shelves.peek(request));
  }

  put(response: Stored, kept = new Kept(response)): void {
    const { uri, scope, shared, vary, selection, tags, sequence, cacheTags } = response;
    const id = (this.#nextId++).toString(36).padStart(10, '0');
    const bytes = response.body.length + OVERHEAD + bytesOfTags(response);
    const slot: DiskSlot = { id, bytes, uri, scope, shared, vary, selection, tags, sequence, cacheTags };
    if (!Buffer.isBuffer(response.body)) slot.file = response.body.name;
    const isTaken = this.#behind.write(slot, kept);
    this.#place(slot);
    if (!isTaken) this.#shelves.remove(slot);
  }

  has(uri: string): boolean {
    return this.#shelves.hasUri(uri);
  }

  drop(slot: Slot): void {
    this.#shelves.drop(slot);
  }

  urisOf(named: Named): Iterable<string> {
    return this.#shelves.urisOf(named);
  }

  revise(uri: string, isMeant: (slot: Slot) => boolean, soft: number | null): readonly Slot[] {
    const revised = this.#shelves.revise(uri, isMeant, (slot) => (soft === null ? null : this.#soften(slot, soft)));
    if (revised.length > 0) this.#isSettled = false;
    return revised;
  }

  async flush({ durable }: { durable: boolean }): Promise<void> {
    if (!durable) return void (await this.#behind.flush({ durable }));
    if (!this.#isSettled) this.#settling = this.#settle();
    this.#isSettled = true;
    const settling = this.#settling;
    // Perhaps another's: what that has removed, this one did not find.
    await settling.finally(() => {
      if (this.#settling === settling) this.#settling = SETTLED;
    });
  }

  get figures(): { responses: number; bytes: number; faults: number } {
    return { ...this.#shelves.figures(), faults: this.#faults + this.#behind.faults };
  }

  async close(): Promise<void> {
    await this.#behind.flush({ durable: true });
    await this.#segments.close();
    await this.#database.close();
  }

  #soften(slot: DiskSlot, staleFrom: number): DiskSlot {
    // It is stale already, and does not get a second time to be so in.
    if (slot.staleFrom !== undefined && slot.staleFrom <= staleFrom) return slot;
    const stale = { ...slot, staleFrom };
    this.#behind.rewrite(stale);
    return stale;
  }

  /** Writes what waits, durably. Where the disk does not take it, nothing on it is believed after a restart (I10). */
  async #settle(): Promise<void> {
    if (await this.#behind.flush({ durable: true })) return;
    const isSafe = await this.#trust.withdraw();
    throw new LarderError(
      'LARDER_PURGE_UNWRITTEN',
      isSafe ? 'The next start drops all that is stored on disk.' : 'A restart may bring it back.',
    );
  }

  #look(slot: DiskSlot | null): Stored | null | Promise<Stored | null> {
    if (slot === null) return null;
    const waiting = this.#behind.waiting(slot.id);
    if (waiting === null) return this.#read(slot);
    return isInMemory(waiting) ? asOf(slot, waiting) : this.#check(slot, waiting);
  }

  #place(slot: DiskSlot): void {
    const { file, uri } = slot;
    if (file !== undefined) this.#users.set(file, { uri, slots: (this.#users.get(file)?.slots ?? 0) + 1 });
    this.#shelves.put(slot);
  }

  #forget({ id, file, uri }: DiskSlot): void {
    this.#behind.remove(id);
    if (file === undefined) return;
    const slots = (this.#users.get(file)?.slots ?? 1) - 1;
    if (slots > 0) return void this.#users.set(file, { uri, slots });
    this.#users.delete(file);
    void this.files.remove(file);
  }

  #read(slot: DiskSlot): Stored | null | Promise<Stored | null> {
    const record = this.#segments.readAtOnce(slot.id);
    const response = record === null ? null : this.#decode(record);
    if (response === null) return this.#readBehind(slot);
    return isInMemory(response) ? asOf(slot, response) : this.#check(slot, response);
  }

  async #readBehind(slot: DiskSlot): Promise<Stored | null> {
    const record = await this.#segments.read(slot.id).catch(() => null);
    // Removed while it was being read: it must not come back (I10).
    if (!this.#shelves.has(slot)) return null;
    return this.#check(slot, record === null ? null : this.#decode(record));
  }

  #decode(record: Buffer): Stored | null {
    return decodeRecord(record, (facts) => this.files.at(facts));
  }

  async #check(slot: DiskSlot, response: Stored | null): Promise<Stored | null> {
    const isThere = response !== null && (Buffer.isBuffer(response.body) || (await response.body.exists()));
    if (isThere) return this.#shelves.has(slot) ? asOf(slot, response) : null;
    this.#faults++;
    this.#shelves.remove(slot);
    return null;
  }
}

/** A record does not know of the soft purge that its slot went through. */
const asOf = ({ staleFrom }: DiskSlot, response: Stored): Stored =>
  staleFrom === undefined ? response : softened(response, staleFrom);
