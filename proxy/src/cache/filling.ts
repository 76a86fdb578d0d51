/**
 * A body on its way from the cloud: kept as it comes, and read meanwhile by everybody who asked for it, each at their
 * own pace. Up to a megabyte lies in memory, more in a file; so a slow reader holds up neither the cloud nor another
 * reader, and holds no memory (I11).
 *
 * What grows past the limit is kept no longer: the one who asked first reads on, straight from the cloud.
 */
import type { Readable } from 'node:stream';
import { CloudFault } from '@larder/sync/fault';
import { LARGEST_IN_MEMORY } from './body-files.ts';
import type { BodyFiles, BodyWriter, FileBody } from './body-files.ts';

export interface FillingOptions {
  source: Readable;
  /** Content-Length; null: unknown. */
  announced: number | null;
  /** More is not kept, bytes. */
  limit: number;
  /** Null: there is no disk, and nothing larger than memory takes is kept. */
  files: BodyFiles | null;
}

const NOTHING = Buffer.alloc(0);
/** A disk that is full or broken costs the storing, not the answer. */
const yes = () => true;
const no = () => false;

/** It grew past the limit, or the disk took no more: it reaches the one who asked first, and is not kept. */
export class NotKept extends Error {}

export class Filling {
  /** Content-Length; null: unknown. */
  readonly announced: number | null;
  /** Rejects with a `CloudFault` where it breaks off, with `NotKept`, or with why it was aborted. */
  readonly whole: Promise<Buffer | FileBody>;
  readonly #options: FillingOptions;
  /** From the first byte on; emptied when they have moved into the file. */
  #chunks: Buffer[] = [];
  #writer: BodyWriter | null = null;
  #size = 0;
  #over: 'complete' | Error | null = null;
  #more = Promise.withResolvers<void>();
  /** What comes after what was kept; for one reader. */
  #rest: AsyncIterable<Buffer> | null = null;
  /** Callers who may still read; the one who asked first is among them. */
  #claims = 1;
  #isKept = false;

  constructor(options: FillingOptions) {
    this.#options = options;
    this.announced = options.announced;
    this.whole = this.#pump();
    // Readers see the error where they are.
    this.whole.catch(() => undefined);
  }

  /** One more will read it. */
  claim(): void {
    this.#claims++;
  }

  /** One of them has done so, or never will. */
  release(): void {
    this.#claims--;
    this.#tidy();
  }

  /** The file belongs to somebody else from now on, who will remove it. */
  keep(): void {
    this.#isKept = true;
  }

  /** From the first byte to the last, as they come. Throws where the body breaks off. */
  async *read(): AsyncGenerator<Buffer, void> {
    let at = 0;
    let index = 0;
    for (;;) {
      // Taken before looking, so that nothing that comes meanwhile is slept through.
      const more = this.#more.promise;
      for (let chunk = this.#chunks[index]; chunk !== undefined; chunk = this.#chunks[++index]) {
        at += chunk.length;
        yield chunk;
      }
      while (this.#writer !== null && at < this.#writer.length) {
        const block = await this.#writer.read(at);
        at += block.length;
        yield block;
      }
      if (at < this.#size) continue;
      if (this.#over === 'complete') return;
      if (this.#over !== null) return yield* this.#takeRest(this.#over);
      await more;
    }
  }

  async *#takeRest(why: Error): AsyncGenerator<Buffer, void> {
    const rest = this.#rest;
    this.#rest = null;
    if (rest === null) throw why;
    yield* rest;
  }

  async #pump(): Promise<Buffer | FileBody> {
    const { source, limit, files } = this.#options;
    const most = files === null ? Math.min(limit, LARGEST_IN_MEMORY) : limit;
    const chunks = source.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
    try {
      for await (const chunk of chunks) {
        if (this.#size + chunk.length > most || !(await this.#take(chunk))) throw this.#letPass(chunk);
        this.#wake();
      }
      // Not the body that was announced.
      if (this.announced !== null && this.announced !== this.#size) throw new CloudFault('reset', true);
      const body = await (this.#writer?.finish().catch(() => null) ?? Buffer.concat(this.#chunks, this.#size));
      if (body === null) throw this.#letPass(NOTHING);
      this.#over = 'complete';
      return body;
    } catch (error) {
      this.#over = error as Error;
      if (!(error instanceof NotKept)) source.destroy();
      throw error;
    } finally {
      this.#wake();
      // After whoever waits for the whole has had a chance to keep it.
      setImmediate(() => this.#tidy());
    }
  }

  /** False where there is no room for it. */
  async #take(chunk: Buffer): Promise<boolean> {
    if (this.#writer === null && this.#size + chunk.length <= LARGEST_IN_MEMORY) {
      this.#chunks.push(chunk);
      this.#size += chunk.length;
      return true;
    }
    if (this.#writer === null && !(await this.#moveToFile())) return false;
    const isTaken = await this.#writer?.append(chunk).then(yes, no);
    if (isTaken === true) this.#size += chunk.length;
    return isTaken === true;
  }

  async #moveToFile(): Promise<boolean> {
    const writer = await this.#options.files?.create().catch(() => null);
    if (writer === undefined || writer === null) return false;
    const isMoved = await writer.append(Buffer.concat(this.#chunks)).then(yes, no);
    if (isMoved) {
      this.#writer = writer;
      this.#chunks = [];
    } else {
      await writer.close();
      await this.#options.files?.remove(writer.name);
    }
    return isMoved;
  }

  #letPass(chunk: Buffer): NotKept {
    const { source } = this.#options;
    this.#rest = (async function* () {
      yield chunk;
      yield* source as AsyncIterable<Buffer>;
    })();
    return new NotKept('larger than what is kept');
  }

  #wake(): void {
    this.#more.resolve();
    this.#more = Promise.withResolvers<void>();
  }

  /** When it is over and nobody reads any more. */
  #tidy(): void {
    if (this.#over === null || this.#claims > 0) return;
    if (this.#over !== 'complete') this.#options.source.destroy();
    if (this.#writer === null) return;
    void this.#writer.close();
    if (!this.#isKept) void this.#options.files?.remove(this.#writer.name);
    this.#writer = null;
  }
}
