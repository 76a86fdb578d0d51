/** An answer of the cloud. Its body becomes a stream only where somebody wants one: a small one is whole before that. */
import { Readable } from 'node:stream';
import type { CloudResponse, HeaderFields } from '../cloud.ts';

export interface Source {
  /** More is wanted, after `push` said that it was enough for now. */
  resume(): void;
  /** The reader is through with it, or wants no more of it. */
  leave(error: Error | null): void;
}

/** So much is taken in before anybody reads, bytes. */
const ENOUGH = 64 * 1024;

/** undici hands over views of what it has read from the socket: one that is kept keeps all of that. */
const isTight = (chunk: Buffer): boolean => chunk.buffer.byteLength <= chunk.length * 1.25;

export class Answer implements CloudResponse {
  readonly status: number;
  readonly headers: HeaderFields;
  readonly #source: Source;
  /** What nobody has read yet; null: the stream has it. */
  #chunks: Buffer[] | null = [];
  #bytes = 0;
  #over: 'ended' | Error | null = null;
  #stream: Readable | null = null;

  constructor(status: number, headers: HeaderFields, source: Source) {
    this.status = status;
    this.headers = headers;
    this.#source = source;
  }

  get body(): Readable {
    this.#stream ??= this.#open();
    return this.#stream;
  }

  early(): Buffer | null {
    if (this.#over !== 'ended' || this.#chunks === null) return null;
    const [chunk, ...more] = this.#chunks;
    return chunk !== undefined && more.length === 0 && isTight(chunk)
      ? chunk
      : Buffer.concat(this.#chunks, this.#bytes);
  }

  /** False: enough for now. */
  push(chunk: Buffer): boolean {
    if (this.#chunks === null) return this.#stream?.push(chunk) ?? true;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    return this.#bytes < ENOUGH;
  }

  end(): void {
    this.#over = 'ended';
    this.#stream?.push(null);
  }

  fail(error: Error): void {
    this.#over = error;
    this.#stream?.destroy(error);
  }

  #open(): Readable {
    const stream = new Readable({
      read: () => this.#source.resume(),
      destroy: (error, done) => {
        this.#source.leave(error);
        done(error);
      },
    });
    // The reader sees the error when it reads; until it does, an error without a listener would end the process.
    stream.on('error', () => undefined);
    for (const chunk of this.#chunks ?? []) stream.push(chunk);
    this.#chunks = null;
    if (this.#over === 'ended') stream.push(null);
    else if (this.#over !== null) stream.destroy(this.#over);
    return stream;
  }
}
