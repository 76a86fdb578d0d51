/** For tests: a whole edge behind TLS, and clients that speak to it over HTTP/2, well or badly. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { connect } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { loadConfig } from '../config-sources.ts';
import { startEdge } from '../edge.ts';
import type { RunningEdge } from '../edge.ts';
import { createLog } from '../log.ts';
import { TEST_CA, TEST_CERTIFICATES } from '../tls/test-certificates.ts';

export interface TlsEdge extends RunningEdge {
  app: Server;
  directory: string;
  /** One more connection. */
  connect(): ClientHttp2Session;
}

/** `ending` collects what must be ended after the test, the last first. */
export async function startTlsEdge(
  answer: RequestListener,
  ending: (() => unknown)[],
  flags: Record<string, string> = {},
): Promise<TlsEdge> {
  const directory = await mkdtemp(join(tmpdir(), 'larder-h2-'));
  ending.push(() => rm(directory, { recursive: true, force: true }));
  const app = createServer((incoming, outgoing) => {
    // The edge asks it whether it is there.
    if (incoming.url === '/') outgoing.end();
    else answer(incoming, outgoing);
  });
  const sockets = new Set<Socket>();
  app.on('connection', (socket) => sockets.add(socket));
  app.listen(0, '127.0.0.1');
  await once(app, 'listening');
  ending.push(() => {
    app.close();
    for (const socket of sockets) socket.destroy();
  });
  const cloud = `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
  const { certificate: tlsCertificate, key: tlsKey } = TEST_CERTIFICATES.valid;
  const own = { cloud, port: '0', data: 'data', shutdownGraceMs: '0', tlsCertificate, tlsKey };
  const config = loadConfig({ flags: { ...own, ...flags }, env: {}, directory });
  const edge = await startEdge(config, createLog('test', 'silent'));
  ending.push(() => edge.close());
  return { ...edge, app, directory, connect: () => open(edge.url, ending) };
}

function open(url: string, ending: (() => unknown)[]): ClientHttp2Session {
  const session = connect(url, { ca: TEST_CA });
  session.on('error', () => undefined);
  ending.push(() => session.destroy());
  return session;
}

export interface Http2Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** 1xx that came before. */
  interim: number[];
}

/** Sends a request without a body, or with this one; resolves with the whole answer, rejects where it breaks off. */
export function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: string): Promise<Http2Answer> {
  const stream = session.request({ ':method': 'GET', ...headers }, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  return answerOf(stream);
}

export async function answerOf(stream: ClientHttp2Stream): Promise<Http2Answer> {
  const interim: number[] = [];
  stream.on('headers', (headers) => void interim.push(Number(headers[':status'])));
  const { promise: broken, reject } = Promise.withResolvers<never>();
  stream.once('error', reject);
  stream.once('close', () => {
    if (stream.rstCode !== 0 || !stream.readableEnded) reject(new Error(`closed by ${stream.rstCode}`));
  });
  broken.catch(() => undefined);
  const [headers] = (await Promise.race([once(stream, 'response'), broken])) as [IncomingHttpHeaders];
  const body = await Promise.race([text(stream), broken]);
  return { status: Number(headers[':status']), headers, text: body, interim };
}

export type Field = readonly [name: string, value: string];

/** END_HEADERS, with END_STREAM and without. */
const WHOLE = 5;
export const HEADERS_ONLY = 4;

/** The fields of a request, of a GET of `/a` unless told otherwise. */
export function requestOf(fields: Record<string, string>): Field[] {
  const all = { ':method': 'GET', ':scheme': 'https', ':authority': 'edge', ':path': '/a', ...fields };
  return Object.entries(all);
}

/** A connection on which frames are written by hand. */
export class Frames {
  /** Types of the frames that came, and for RST_STREAM (3) and GOAWAY (7) the code: `7:11`. */
  readonly received: string[] = [];
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);

  static async open(port: number): Promise<Frames> {
    const socket = connectTls({ port, host: '127.0.0.1', ca: TEST_CA, ALPNProtocols: ['h2'] });
    await once(socket, 'secureConnect');
    return new Frames(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => undefined);
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    this.send(4, 0, 0);
  }

  send(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): void {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = type;
    head[4] = flags;
    head.writeUInt32BE(stream, 5);
    if (this.#socket.writable) this.#socket.write(Buffer.concat([head, payload]));
  }

  /** HEADERS; unless told otherwise, of a whole request without a body. */
  request(stream: number, fields: readonly Field[], flags = WHOLE): void {
    this.send(1, flags, stream, Buffer.concat(fields.map(literal)));
  }

  data(stream: number, body: string): void {
    this.send(0, 0, stream, Buffer.from(body));
  }

  /** With CANCEL. */
  reset(stream: number): void {
    this.send(3, 0, stream, Buffer.from([0, 0, 0, 8]));
  }

  /** Answered with a frame of type 6. */
  ping(): void {
    this.send(6, 0, 0, Buffer.alloc(8));
  }

  get isClosed(): boolean {
    return this.#socket.destroyed || this.#socket.readableEnded;
  }

  end(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= 9) {
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) return;
      const payload = this.#rest.subarray(9, 9 + length);
      const type = this.#rest[3] ?? 0;
      // SETTINGS: only once they are acknowledged do the edge's limits count.
      if (type === 4 && (this.#rest[4] ?? 0) === 0) this.send(4, 1, 0);
      const code = type === 3 ? payload.readUInt32BE(0) : type === 7 ? payload.readUInt32BE(4) : null;
      this.received.push(code === null ? String(type) : `${type}:${code}`);
      this.#rest = this.#rest.subarray(9 + length);
    }
  }
}

/** HPACK, RFC 7541 §6.2.2: a field as it is, neither indexed nor compressed. */
export const literal = ([name, value]: Field): Buffer =>
  Buffer.concat([
    Buffer.from([0]),
    lengthOf(name),
    Buffer.from(name, 'latin1'),
    lengthOf(value),
    Buffer.from(value, 'latin1'),
  ]);

/** RFC 7541 §5.1, with a prefix of seven bits. */
function lengthOf(value: string): Buffer {
  if (value.length < 127) return Buffer.from([value.length]);
  const bytes = [127];
  let left = value.length - 127;
  for (; left >= 128; left >>= 7) bytes.push((left % 128) + 128);
  return Buffer.from([...bytes, left]);
}

export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const limit = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > limit) throw new Error('it did not come about');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
