/** Request bodies: as they come, or read whole and bounded. */
import { PassThrough } from 'node:stream';
import type { Readable } from 'node:stream';
import { LarderError } from '@larder/sync/errors';
import type { ClientRequest } from './exchange.ts';
import { Http2Request } from './http2/request.ts';

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The body as text; null where there is none.
 *
 * @throws LarderError `LARDER_BODY_TOO_LARGE` past `limit` bytes, `LARDER_BODY_INVALID` where it is not UTF-8 or breaks off
 */
export async function readBody(request: ClientRequest, limit: number): Promise<string | null> {
  if (Number(request.headers['content-length'] ?? 0) > limit) throw tooLarge(limit);
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of bodyOf(request) as AsyncIterable<Buffer>) {
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

/** Does the request announce a body (RFC 9112 §6.3, RFC 9113 §8.1)? */
export const hasBody = (request: ClientRequest): boolean =>
  request instanceof Http2Request
    ? request.hasBody
    : request.headers['transfer-encoding'] !== undefined || (request.headers['content-length'] ?? '0') !== '0';

/**
 * The body as a stream of its own: what becomes of that one must not cut the connection on which the client still waits
 * for an answer. It errors where the client breaks off.
 */
export function bodyOf(request: ClientRequest): Readable {
  const source = request instanceof Http2Request ? request.stream : request;
  const body = new PassThrough();
  const breakOff = () => void body.destroy(new Error('the client broke off'));
  source.on('error', breakOff);
  // A stream of HTTP/2 that is reset says no more than this, and then ends as if it were whole.
  source.on('aborted', breakOff);
  if (source.destroyed && !source.readableEnded) breakOff();
  return source.pipe(body);
}

const tooLarge = (limit: number) => new LarderError('LARDER_BODY_TOO_LARGE', `At most ${limit} bytes are taken.`);
