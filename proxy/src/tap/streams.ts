/**
 * One client connection of HTTP/2: every stream goes on to node's listeners, unless it brings a head that is remembered.
 * What node has decoded is compared, not bytes: those depend on what came before on the connection (RFC 7541).
 */
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { StoredResponse } from '../cache/response.ts';
import type { PreparedFields } from './prepared-fields.ts';

export interface StreamsOwner {
  /** Answers a stream that brought nothing but this head; false where it cannot. */
  answerStream(stream: ServerHttp2Stream, head: string): boolean;
  /** What this head has led to, if anything, has been told. */
  parsedStream(stream: ServerHttp2Stream, head: string): void;
}

type Listener = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, raw: string[]) => void;

/** Longer ones cost more to look up than they save. */
const LONGEST = 4096;

/** Puts itself before all that listen for the streams of a connection. */
export function standBefore(session: ServerHttp2Session, owner: StreamsOwner): void {
  const others = session.listeners('stream') as Listener[];
  session.removeAllListeners('stream');
  const pass: Listener = (stream, headers, flags, raw) => {
    for (const other of others) other.call(session, stream, headers, flags, raw);
  };
  const listener: Listener = (stream, headers, flags, raw) => {
    const head = stream.endAfterHeaders && headers[':method'] === 'GET' ? keyOf(raw) : null;
    if (head === null) return pass(stream, headers, flags, raw);
    if (!stream.destroyed && !stream.closed && owner.answerStream(stream, head)) return;
    pass(stream, headers, flags, raw);
    owner.parsedStream(stream, head);
  };
  session.on('stream', listener);
}

/** Names and values in their order, none of which has a line break in it; no head of HTTP/1.1 begins so. */
function keyOf(raw: readonly string[]): string | null {
  const key = raw.join('\n');
  return key.length > LONGEST ? null : key;
}

/** A stream that its client resets says so by `close`, too. */
const ignore = (): void => undefined;

/** `now`: ms since 1970. */
export function sendStored(
  stream: ServerHttp2Stream,
  prepared: PreparedFields,
  { body }: Pick<StoredResponse, 'body'>,
  now: number,
) {
  stream.on('error', ignore);
  if (!prepared.hasBody) return stream.respond(prepared.fields(now), ENDED);
  stream.respond(prepared.fields(now));
  stream.end(body);
}

const ENDED = { endStream: true };
