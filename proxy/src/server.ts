/** The front door: takes requests that can be read in one way only, and sends each down its path. */
import { createServer, ServerResponse } from 'node:http';
import type { IncomingMessage, Server as ClearServer } from 'node:http';
import type { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { LarderError } from '@larder/sync/errors';
import type { Establish } from './establish.ts';
import { hasBody } from './body.ts';
import type { ClientRequest, ClientResponse, Exchange } from './exchange.ts';
import { Http2Request } from './http2/request.ts';
import { createTlsServer } from './http2/server.ts';
import type { Logger } from './log.ts';
import { clientProblemOf, sendProblem } from './respond.ts';
import { parseTarget } from './target.ts';
import type { Target } from './target.ts';
import type { Tap } from './tap/tap.ts';
import type { Renewal } from './tls/renewal.ts';

/** Who answered: what requests are counted by. */
export type Handler = 'console' | 'read' | 'write' | 'forward' | 'none';

type Handle = (exchange: Exchange) => Promise<void>;

export interface ServerDeps {
  establish: Establish;
  read: Handle;
  write: Handle;
  forward: Handle;
  forwardUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Answers what lies below `/_edge/`, `/metrics`, and the method PURGE. */
  console(request: ClientRequest, response: ClientResponse, target: Target): Promise<void>;
  /** Told of every answer, also of one whose caller left. */
  observe(handler: Handler, status: number, seconds: number): void;
  log: Logger;
  /** Left out: the port speaks clear HTTP/1.1. */
  tls?: Renewal;
  /** Left out: every request goes through the parser. */
  tap?: Pick<Tap, 'attach' | 'stop'>;
}

export interface FrontServer {
  readonly server: Server;
  readonly draining: boolean;
  /** Stops accepting, lets requests under way end for at most `grace` ms, then breaks what is left. */
  drain(grace: number): Promise<void>;
}

/** Both of node's servers that speak HTTP/1.1 have it; the types of one do not say so. */
type HttpServer = Server & Pick<ClearServer, 'closeIdleConnections'>;

const OPTIONS = {
  maxHeaderSize: 32 * 1024,
  /** A client that drips its header in holds a socket no longer than this. ms */
  headersTimeout: 15_000,
  /** A whole request, body included. ms */
  requestTimeout: 300_000,
  /** Longer than a browser or a balancer in front is likely to reuse a connection. ms */
  keepAliveTimeout: 75_000,
  insecureHTTPParser: false,
  requireHostHeader: true,
  // Offers such as h2c are ignored, as RFC 9110 §7.8 allows.
  shouldUpgradeCallback: ({ headers }: IncomingMessage) => headers.upgrade?.toLowerCase() === 'websocket',
};
const MAX_CONNECTIONS = 8_192;

export function createFrontServer({ tls, ...deps }: ServerDeps): FrontServer {
  const upgraded = new Set<Duplex>();
  const sockets = new Set<Socket>();
  let draining = false;

  const made = tls === undefined ? createServer(OPTIONS) : createTlsServer(tls, OPTIONS);
  const server = made as HttpServer;
  server.maxConnections = MAX_CONNECTIONS;
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('request', (request: ClientRequest, response: ClientResponse) => {
    if (draining && response instanceof ServerResponse) response.setHeader('connection', 'close');
    onRequest(deps, request, response);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgraded.add(socket);
    socket.once('close', () => upgraded.delete(socket));
    onUpgrade(deps, request, socket, head);
  });
  server.on('clientError', onClientError);
  deps.tap?.attach(server, OPTIONS.keepAliveTimeout / 1000);

  async function drain(grace: number): Promise<void> {
    draining = true;
    deps.tap?.stop();
    // Those who speak HTTP/2 are told by a GOAWAY.
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    // Connections turn idle one by one as their requests end.
    const sweep = setInterval(() => server.closeIdleConnections(), 50);
    const limit = setTimeout(() => sockets.forEach((socket) => socket.destroy()), grace);
    for (const socket of upgraded) socket.destroy();
    await closed;
    clearInterval(sweep);
    clearTimeout(limit);
  }

  return {
    server,
    get draining() {
      return draining;
    },
    drain,
  };
}

function onRequest(deps: ServerDeps, request: ClientRequest, response: ClientResponse): void {
  const startedAt = performance.now();
  let handler: Handler = 'none';
  response.once('close', () => {
    const seconds = (performance.now() - startedAt) / 1000;
    deps.observe(handler, response.statusCode, seconds);
    if (deps.log.isLevelEnabled('debug')) logRequest(deps.log, response, handler, seconds);
  });

  const fail = (error: unknown): void => {
    // A caller who has gone is no fault, and nobody is left to be told.
    if (request.destroyed && !response.writable) return;
    const problem = clientProblemOf(error);
    if (problem.code === 'LARDER_INTERNAL') deps.log.error({ err: error }, 'a request failed by a fault of ours');
    sendProblem(response, error);
  };

  const target = acceptable(request);
  if (target === null) return fail(new LarderError('LARDER_BAD_REQUEST'));
  if (isConsole(target.path) || request.method === 'PURGE') {
    handler = 'console';
    deps.console(request, response, target).catch(fail);
    return;
  }

  const dispatch = (exchange: Exchange): Promise<void> => {
    handler = handlerOf(exchange);
    return deps[handler](exchange);
  };
  try {
    const exchange = deps.establish(request, response, target);
    const done = exchange instanceof Promise ? exchange.then(dispatch) : dispatch(exchange);
    done.catch(fail);
  } catch (error) {
    fail(error);
  }
}

/** Without the query: keys and names can stand in it. */
function logRequest(log: Logger, response: ClientResponse, handler: Handler, seconds: number): void {
  const { method, url = '' } = response.req;
  log.debug({ method, path: url.split('?', 1)[0], status: response.statusCode, handler, seconds }, 'answered');
}

const isConsole = (path: string) => path.startsWith('/_edge/') || path === '/metrics';

/** A GET with a body means something that no cache and no replica can know: it goes through as it is. */
function handlerOf({ method, request, write }: Exchange): 'read' | 'write' | 'forward' {
  if (write !== null) return 'write';
  return (method === 'GET' || method === 'HEAD') && !hasBody(request) ? 'read' : 'forward';
}

/** The target of a request that has one meaning only; null where edge and cloud could read it differently. */
function acceptable(request: ClientRequest): Target | null {
  if (request instanceof Http2Request && (request.hasDoubtfulHost || isOversized(request))) return null;
  if (hasRepeatedField(request.rawHeaders) || hasForeignCoding(request)) return null;
  return parseTarget(request.url ?? '');
}

/** Node keeps a client to the limit only once that has acknowledged it. */
function isOversized({ rawHeaders }: Http2Request): boolean {
  let size = 0;
  for (const text of rawHeaders) size += text.length;
  return size > OPTIONS.maxHeaderSize;
}

/** Node's parser undoes chunks and lets other codings through undone; their end is a matter of opinion (RFC 9112 §6.3). */
function hasForeignCoding({ headers }: ClientRequest): boolean {
  const coding = headers['transfer-encoding'];
  return coding !== undefined && coding.toLowerCase() !== 'chunked';
}

/**
 * Node keeps the first Host and Authorization and drops the others (RFC 9112 §3.2 wants a 400 for the first); whoever
 * is behind us might keep the last. Content-Length, alone or beside Transfer-Encoding, is watched by the parser itself.
 */
function hasRepeatedField(raw: readonly string[]): boolean {
  let hosts = 0;
  let authorizations = 0;
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
    else if (name.length === 13 && name.toLowerCase() === 'authorization') authorizations++;
  }
  return hosts > 1 || authorizations > 1;
}

function onUpgrade(deps: ServerDeps, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.on('error', () => socket.destroy());
  const target = acceptable(request);
  if (target === null) return endRaw(socket, '400 Bad Request');
  if (isConsole(target.path)) return endRaw(socket, '404 Not Found');
  deps.forwardUpgrade(request, socket, head);
}

const CLIENT_ERRORS: Record<string, string> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** What the parser refused never became a request: answered on the bare socket. */
function onClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  // What is no fault of HTTP is one of the connection, or of a handshake, which leaves nobody to talk to.
  if (error.code?.startsWith('HPE_') !== true && error.code !== 'ERR_HTTP_REQUEST_TIMEOUT')
    return void socket.destroy();
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  endRaw(socket, CLIENT_ERRORS[error.code ?? ''] ?? '400 Bad Request');
}

function endRaw(socket: Duplex, status: string): void {
  const body = JSON.stringify({
    ...clientProblemOf(new LarderError('LARDER_BAD_REQUEST')),
    status: parseInt(status, 10),
  });
  const fields = [
    'content-type: application/problem+json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`HTTP/1.1 ${status}\r\n${fields.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
