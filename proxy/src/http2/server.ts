/** One port for HTTP/1.1 and HTTP/2 over TLS; which of them is agreed in the handshake (ALPN). */
import type { IncomingMessage, ServerOptions } from 'node:http';
import { constants, createSecureServer } from 'node:http2';
import type { Http2SecureServer, SecureServerOptions, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { LARGEST_IN_MEMORY } from '../cache/body-files.ts';
import { contextOf } from '../tls/certificate.ts';
import type { Renewal } from '../tls/renewal.ts';
import { Http2Request } from './request.ts';
import { Http2Response } from './response.ts';

/** Limits of HTTP/1.1 that have a counterpart here. Times in ms, sizes in bytes. */
export interface Limits extends ServerOptions {
  maxHeaderSize: number;
  headersTimeout: number;
  requestTimeout: number;
  keepAliveTimeout: number;
  shouldUpgradeCallback(request: IncomingMessage): boolean;
}

/** What one connection may have under way and keep waiting; what goes beyond is refused, or ends it (RFC 9113 §10.5). */
const BOUNDS = {
  // Streams that their client resets (CVE-2023-44487): so many at once, and so many more each second.
  streamResetBurst: 200,
  streamResetRate: 50,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
  maxHeaderListPairs: 256,
} satisfies SecureServerOptions;
const MAX_STREAMS = 128;
/**
 * What node counts against a connection, MB. Beyond it a stream is refused, so every stream may have the largest body
 * waiting that is given from memory: those are the cache's own, and no copies.
 */
const MAX_MEMORY = 10 + Math.ceil((MAX_STREAMS * LARGEST_IN_MEMORY) / 1e6);

/** Every request comes out as `request`, and what wants to be a WebSocket as `upgrade`, as from node's clear server. */
export function createTlsServer(certificate: Renewal, limits: Limits): Http2SecureServer {
  const server = createSecureServer({
    ...contextOf(certificate.current),
    ...limits,
    ...BOUNDS,
    maxSessionMemory: MAX_MEMORY,
    allowHTTP1: true,
    ...CLASSES,
    // A client that drips its handshake in holds a socket no longer than with its header.
    handshakeTimeout: limits.headersTimeout,
    settings: {
      maxConcurrentStreams: MAX_STREAMS,
      maxHeaderListSize: limits.maxHeaderSize,
      // WebSockets come by HTTP/1.1, not by RFC 8441.
      enableConnectProtocol: false,
    },
    // What the app says twice is passed on twice, as over HTTP/1.1.
    strictSingleValueFields: false,
  });
  // This server of node's takes any upgrade, whatever its options say.
  Object.assign(server, { shouldUpgradeCallback: limits.shouldUpgradeCallback });
  certificate.onRenewed((renewed) => server.setSecureContext(contextOf(renewed)));
  server.on('session', (session) => watch(session, limits));
  return server;
}

/** Node's types want classes derived from its own; node itself does not. */
const CLASSES = { Http2ServerRequest: Http2Request, Http2ServerResponse: Http2Response } as unknown as Pick<
  SecureServerOptions,
  'Http2ServerRequest' | 'Http2ServerResponse'
>;

/** Keeps a connection within the times that HTTP/1.1 is kept within. */
function watch(session: ServerHttp2Session, { keepAliveTimeout, requestTimeout }: Limits): void {
  let open = 0;
  session.on('stream', (stream) => {
    open++;
    stream.once('close', () => open--);
    // Its `close` says all that matters.
    stream.on('error', () => undefined);
    if (!stream.endAfterHeaders) limitBody(stream, requestTimeout);
  });
  // A head that drips in opens no stream. One that answers slowly is not idle.
  session.setTimeout(keepAliveTimeout, () => {
    if (open === 0) session.close();
  });
}

/** A body that drips in holds its stream no longer than this, ms. */
function limitBody(stream: ServerHttp2Stream, limit: number): void {
  const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), limit);
  for (const event of ['end', 'close']) stream.once(event, () => clearTimeout(timer));
}
