/** Reads bodies into memory, up to a limit. */
import { Readable } from 'node:stream';

/**
 * The whole body; or, where it is longer than `limit` bytes, a stream of all of it. Rejects where the body breaks off.
 */
export async function readWhole(body: Readable, limit: number): Promise<Buffer | Readable> {
  const chunks: Buffer[] = [];
  let length = 0;
  const iterator = body.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>;
  for await (const chunk of iterator) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > limit) return withRest(chunks, body);
  }
  return Buffer.concat(chunks, length);
}

function withRest(chunks: readonly Buffer[], rest: Readable): Readable {
  async function* all() {
    yield* chunks;
    yield* rest;
  }
  return Readable.from(all(), { objectMode: false });
}
