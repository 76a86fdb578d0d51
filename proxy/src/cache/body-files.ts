/**
 * Bodies too large to be held in memory: a file each. A checksum per block is checked as the body is read, so that a
 * torn or corrupted one breaks off and is never taken for the whole.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/** A larger body is a file. */
export const LARGEST_IN_MEMORY = 1024 * 1024;

const BLOCK = 64 * 1024;

/** How a body in a file is written down. */
export interface FileFacts {
  name: string;
  length: number;
  /** CRC-32 of each block. */
  sums: readonly number[];
}

/** A complete body in a file. */
export class FileBody implements FileFacts {
  readonly name: string;
  readonly length: number;
  readonly sums: readonly number[];
  readonly #path: string;
  readonly #onBroken: (name: string) => void;

  constructor(directory: string, { name, length, sums }: FileFacts, onBroken: (name: string) => void) {
    this.name = name;
    this.length = length;
    this.sums = sums;
    this.#path = join(directory, name);
    this.#onBroken = onBroken;
  }

  /** Is there a file of this length? */
  async exists(): Promise<boolean> {
    return stat(this.#path).then(
      ({ size }) => size === this.length,
      () => false,
    );
  }

  /** The bytes from `first` to `last`, both included. Throws where they are not, bit for bit, what was written. */
  async *read(first = 0, last = this.length - 1): AsyncGenerator<Buffer, void> {
    const file = await open(this.#path);
    try {
      for (let at = first - (first % BLOCK); at <= last; at += BLOCK) {
        const block = await readAt(file, at, Math.min(BLOCK, this.length - at));
        if (crc32(block) !== this.sums[at / BLOCK]) {
          this.#onBroken(this.name);
          throw new Error(`${this.name} is corrupted at ${at}`);
        }
        yield block.subarray(Math.max(0, first - at), last + 1 - at);
      }
    } finally {
      await file.close();
    }
  }
}

/** Shorter where the file ends before. */
async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, at + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** The directory in which they lie. */
export class BodyFiles {
  /** Told of a file that cannot be trusted. */
  onBroken: (name: string) => void = () => undefined;
  readonly #directory: string;
  readonly #mostUnderWay: number;
  #underWay = 0;

  private constructor(directory: string, mostUnderWay: number) {
    this.#directory = directory;
    this.#mostUnderWay = mostUnderWay;
  }

  /**
   * Makes the directory if missing, and removes what is not to be kept: what no record speaks of any more.
   * `mostUnderWay`: bytes of bodies that are still coming, and that nobody counts as stored yet (I11).
   */
  static async open(directory: string, kept: ReadonlySet<string>, mostUnderWay: number): Promise<BodyFiles> {
    await mkdir(directory, { recursive: true });
    const files = new BodyFiles(directory, mostUnderWay);
    for (const name of await readdir(directory)) if (!kept.has(name)) await files.remove(name);
    return files;
  }

  at(facts: FileFacts): FileBody {
    return new FileBody(this.#directory, facts, (name) => this.onBroken(name));
  }

  async create(): Promise<BodyWriter> {
    const name = randomUUID();
    return new BodyWriter(this, name, await open(join(this.#directory, name), 'wx+', 0o600));
  }

  /** Room for so many bytes more of a body that is coming; a negative number gives it back. False where there is none. */
  reserve(bytes: number): boolean {
    if (this.#underWay + bytes > this.#mostUnderWay) return false;
    this.#underWay += bytes;
    return true;
  }

  /** Whoever is reading it reads on. A file that cannot be removed is removed at the next start. */
  remove(name: string): Promise<void> {
    return rm(join(this.#directory, name), { force: true }).catch(() => undefined);
  }
}

/** One body on its way into its file. */
export class BodyWriter {
  readonly name: string;
  readonly #files: BodyFiles;
  readonly #file: FileHandle;
  readonly #sums: number[] = [];
  #length = 0;
  #reserved = 0;

  constructor(files: BodyFiles, name: string, file: FileHandle) {
    this.#files = files;
    this.name = name;
    this.#file = file;
  }

  get length(): number {
    return this.#length;
  }

  /** Resolves when it can be read; rejects where there is no room. One after the other. */
  async append(chunk: Buffer): Promise<void> {
    if (!this.#files.reserve(chunk.length)) throw new Error('too much is being collected at once');
    this.#reserved += chunk.length;
    let written = 0;
    while (written < chunk.length)
      written += (await this.#file.write(chunk, written, chunk.length - written, this.#length + written)).bytesWritten;
    this.#sum(chunk);
    this.#length += chunk.length;
  }

  /** What has been appended so far, from `at` on: at most a block of it. */
  read(at: number): Promise<Buffer> {
    return readAt(this.#file, at, Math.min(BLOCK, this.#length - at));
  }

  /** The body, safe from a crash from now on. `read` goes on working until `close`. */
  async finish(): Promise<FileBody> {
    await this.#file.datasync();
    return this.#files.at({ name: this.name, length: this.#length, sums: this.#sums });
  }

  close(): Promise<void> {
    this.#files.reserve(-this.#reserved);
    this.#reserved = 0;
    return this.#file.close().catch(() => undefined);
  }

  #sum(chunk: Buffer): void {
    for (let from = 0; from < chunk.length;) {
      const into = (this.#length + from) % BLOCK;
      const part = chunk.subarray(from, from + BLOCK - into);
      const block = Math.floor((this.#length + from) / BLOCK);
      this.#sums[block] = crc32(part, this.#sums[block] ?? 0);
      from += part.length;
    }
  }
}
