/** A request that came over HTTP/2, in the shape of one that came over HTTP/1.1, for all who read it. */
import type { IncomingHttpHeaders } from 'node:http';
import type { IncomingHttpHeaders as StreamHeaders, ServerHttp2Stream } from 'node:http2';
import type { Client } from '../cloud.ts';

/** Node makes the answer of the stream alone. */
const requests = new WeakMap<ServerHttp2Stream, Http2Request>();

export function requestOf(stream: ServerHttp2Stream): Http2Request {
  const request = requests.get(stream);
  if (request === undefined) throw new TypeError('no request has come on this stream');
  return request;
}

/**
 * Node's own compatibility object takes a body that was broken off for a whole one, and makes a stream for requests that
 * have none. This one leaves both to `bodyOf` (body.ts).
 */
export class Http2Request {
  readonly stream: ServerHttp2Stream;
  readonly method: string;
  readonly url: string;
  /** Without pseudo-header fields; `host` is what `:authority` says (RFC 9113 §8.3.1). */
  readonly headers: IncomingHttpHeaders;
  /** As they came, pseudo-header fields included. */
  readonly rawHeaders: readonly string[];
  readonly httpVersion = '2.0';
  /** `:authority` and Host name two hosts, or none: what the next one takes it for is a matter of opinion. */
  readonly hasDoubtfulHost: boolean;

  constructor(stream: ServerHttp2Stream, headers: StreamHeaders, _options: unknown, rawHeaders: readonly string[]) {
    const authority = headers[':authority'];
    const { host } = headers;
    this.stream = stream;
    this.method = headers[':method'] ?? '';
    this.url = headers[':path'] ?? '';
    this.headers = fieldsOf(headers);
    if (authority !== undefined) this.headers.host = authority;
    this.rawHeaders = rawHeaders;
    const hasTwo = authority !== undefined && host !== undefined && authority.toLowerCase() !== host.toLowerCase();
    this.hasDoubtfulHost = hasTwo || (authority ?? host ?? '') === '';
    requests.set(stream, this);
  }

  /** Before the connection has gone. */
  get client(): Client {
    return { address: this.stream.session?.socket.remoteAddress ?? 'unknown', secure: true };
  }

  get hasBody(): boolean {
    return !this.stream.endAfterHeaders;
  }

  get readableEnded(): boolean {
    return this.stream.readableEnded;
  }

  get destroyed(): boolean {
    return this.stream.destroyed;
  }
}

function fieldsOf(headers: StreamHeaders): IncomingHttpHeaders {
  const fields: IncomingHttpHeaders = {};
  for (const name in headers) if (name[0] !== ':') fields[name] = headers[name];
  return fields;
}
