/** Request bodies, read whole and bounded. */
import type { IncomingMessage } from 'node:http';
import { LarderError } from '@larder/sync/errors';

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The body as text; null where there is none.
 *
 * @throws LarderError `LARDER_BODY_TOO_LARGE` past `limit` bytes, `LARDER_BODY_INVALID` where it is not UTF-8 or breaks off
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<string | null> {
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    // The stream stays open past this loop: its socket still carries the answer.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > limit) throw tooLarge(limit);
      chunks.push(chunk);
    }
    return length === 0 ? null : UTF8.decode(Buffer.concat(chunks));
  } catch (error) {
    if (error instanceof LarderError) throw error;
    throw new LarderError('LARDER_BODY_INVALID', '', { cause: error });
  }
}

const tooLarge = (limit: number) => new LarderError('LARDER_BODY_TOO_LARGE', `At most ${limit} bytes are taken.`);
