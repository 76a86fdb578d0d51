/**
 * Where the records of the disk tier lie: one after the other in files that are only ever appended to, each batch by one
 * write. Level holds no more than where each is, so that its compaction never moves a body (key-value separation, as in
 * Lu et al., WiscKey, FAST 2016).
 *
 * What is here is checked when it is read, and nothing is synced: after a power cut a record that did not reach the disk
 * is a miss.
 */
import { readSync } from 'node:fs';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { ReadPace } from './read-pace.ts';

/** Where a record is: file, position and length in bytes. */
export interface Place {
  segment: number;
  at: number;
  length: number;
}

interface Segment {
  /** Opened when it is first needed. */
  file: Promise<FileHandle> | null;
  /** The same, once it is open. */
  opened: FileHandle | null;
  /** Some file systems let no one read from a file meanwhile. */
  isBeingWritten: boolean;
  size: number;
  /** Bytes of records that somebody still wants, and whose they are. */
  live: number;
  ids: Set<string>;
}

/** A longer record is worth another thread, bytes. */
const LONGEST_AT_ONCE = 64 * 1024;

export class Segments {
  readonly #directory: string;
  /** A segment that has grown so large is followed by another, bytes. */
  readonly #limit: number;
  readonly #places = new Map<string, Place>();
  readonly #segments = new Map<number, Segment>();
  readonly #pace = new ReadPace();
  #current: number;

  private constructor(directory: string, limit: number, places: Iterable<readonly [string, Place]>) {
    this.#directory = directory;
    this.#limit = limit;
    for (const [id, place] of places) this.#register(id, place);
    // What an earlier process appended to may end anywhere.
    this.#current = Math.max(-1, ...this.#segments.keys()) + 1;
  }

  /**
   * Makes the directory if missing, and removes what is not to be kept: files of which no place speaks.
   * `limit`: size of a segment, bytes.
   */
  static async open(directory: string, places: Iterable<readonly [string, Place]>, limit: number): Promise<Segments> {
    await mkdir(directory, { recursive: true });
    const segments = new Segments(directory, limit, places);
    const kept = new Set([...segments.#segments.keys()].map(String));
    for (const name of await readdir(directory))
      if (!kept.has(name)) await rm(join(directory, name), { force: true, recursive: true });
    return segments;
  }

  /** Null: nothing has been written under this id. */
  placeOf(id: string): Place | null {
    return this.#places.get(id) ?? null;
  }

  /** Writes records, each in parts, behind what is there. Rejects where the disk takes no more: none of them is kept. */
  async append(records: readonly (readonly [id: string, parts: readonly Buffer[]])[]): Promise<void> {
    const number = this.#current;
    const segment = this.#segmentOf(number);
    const start = segment.size;
    const places: [string, Place][] = [];
    for (const [id, parts] of records) {
      const length = parts.reduce((sum, part) => sum + part.length, 0);
      places.push([id, { segment: number, at: segment.size, length }]);
      segment.size += length;
    }
    if (segment.size >= this.#limit) this.#current++;
    try {
      const file = await this.#fileOf(number, segment, 'wx+');
      segment.isBeingWritten = true;
      await writeAll(
        file,
        records.flatMap(([, parts]) => parts),
        start,
      );
    } catch (error) {
      // Where it ends now nobody knows.
      if (this.#current === number) this.#current++;
      await this.#tidy(number);
      throw error;
    } finally {
      segment.isBeingWritten = false;
    }
    for (const [id, place] of places) this.#register(id, place);
  }

  /** Null where it cannot be read. Whether it is what was written the reader finds out. */
  async read(id: string): Promise<Buffer | null> {
    const place = this.#places.get(id);
    if (place === undefined) return null;
    const file = await this.#fileOf(place.segment, this.#segmentOf(place.segment), 'r');
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(place.length), 0, place.length, place.at);
    return bytesRead === place.length ? buffer : null;
  }

  /** The same, waited for on the spot. Null where that could take long, or it cannot be read: `read` finds out. */
  readAtOnce(id: string): Buffer | null {
    const place = this.#places.get(id);
    if (place === undefined || place.length > LONGEST_AT_ONCE) return null;
    const { opened, isBeingWritten } = this.#segmentOf(place.segment);
    const begun = performance.now();
    if (opened === null || isBeingWritten || !this.#pace.isQuick(begun)) return null;
    const buffer = Buffer.allocUnsafe(place.length);
    const bytesRead = readOrNothing(opened, buffer, place.at);
    const now = performance.now();
    this.#pace.took(now - begun, now);
    return bytesRead === place.length ? buffer : null;
  }

  /** Nobody wants this record any more. A file without any other is removed. */
  async remove(id: string): Promise<void> {
    const place = this.#places.get(id);
    if (place === undefined) return;
    this.#places.delete(id);
    this.#unregister(id, place);
    await this.#tidy(place.segment);
  }

  /** Ids in the file that wastes most, if that is more than half of it: written anew they make room. Else none. */
  wasteful(): readonly string[] {
    let worst: Segment | null = null;
    for (const [number, segment] of this.#segments)
      if (number !== this.#current && wasteOf(segment) > wasteOf(worst)) worst = segment;
    return worst !== null && wasteOf(worst) > 0.5 ? [...worst.ids] : [];
  }

  /** Removes files that hold nothing any more since records moved. */
  async tidy(): Promise<void> {
    for (const number of this.#segments.keys()) await this.#tidy(number);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#segments.values()].map(closeFile));
  }

  #segmentOf(number: number): Segment {
    let segment = this.#segments.get(number);
    if (segment === undefined) {
      segment = { file: null, opened: null, isBeingWritten: false, size: 0, live: 0, ids: new Set() };
      this.#segments.set(number, segment);
    }
    return segment;
  }

  #register(id: string, place: Place): void {
    const old = this.#places.get(id);
    if (old !== undefined) this.#unregister(id, old);
    this.#places.set(id, place);
    const segment = this.#segmentOf(place.segment);
    segment.size = Math.max(segment.size, place.at + place.length);
    segment.live += place.length;
    segment.ids.add(id);
  }

  #unregister(id: string, place: Place): void {
    const segment = this.#segmentOf(place.segment);
    segment.live -= place.length;
    segment.ids.delete(id);
  }

  #fileOf(number: number, segment: Segment, flags: 'r' | 'wx+'): Promise<FileHandle> {
    segment.file ??= open(join(this.#directory, String(number)), flags, 0o600).then((file) => (segment.opened = file));
    return segment.file;
  }

  async #tidy(number: number): Promise<void> {
    const segment = this.#segments.get(number);
    if (segment === undefined || segment.ids.size > 0 || number === this.#current) return;
    this.#segments.delete(number);
    await closeFile(segment);
    // One that cannot be removed is removed at the next start.
    await rm(join(this.#directory, String(number)), { force: true }).catch(() => undefined);
  }
}

/** The share of a segment that nobody wants. */
const wasteOf = (segment: Segment | null): number =>
  segment === null || segment.size === 0 ? 0 : 1 - segment.live / segment.size;

/** Whoever is reading from it reads on: a handle is closed behind what is under way. */
const closeFile = ({ file }: Segment): Promise<void> =>
  file === null ? Promise.resolve() : file.then((handle) => handle.close()).catch(() => undefined);

function readOrNothing({ fd }: FileHandle, buffer: Buffer, at: number): number {
  try {
    return readSync(fd, buffer, 0, buffer.length, at);
  } catch {
    return 0;
  }
}

async function writeAll(file: FileHandle, parts: Buffer[], at: number): Promise<void> {
  const wanted = parts.reduce((sum, part) => sum + part.length, 0);
  const { bytesWritten } = await file.writev(parts, at);
  if (bytesWritten !== wanted) throw new Error('The disk took a part only.');
}
