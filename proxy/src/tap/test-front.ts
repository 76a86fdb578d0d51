/** For tests: a real app, a real cache and a real front door before it, with the tap or without; only the back is played. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Back } from '@larder/sync/client';
import { createCache } from '../cache/cache.ts';
import type { Cache } from '../cache/cache.ts';
import { compileRules } from '../cache/rules.ts';
import { createCloud } from '../cloud.ts';
import { createEstablish } from '../establish.ts';
import type { EstablishDeps } from '../establish.ts';
import { createForward } from '../forward.ts';
import { NOBODY } from '../identity/identity.ts';
import { createLog } from '../log.ts';
import { createReader } from '../read.ts';
import { createFrontServer } from '../server.ts';
import type { FrontServer } from '../server.ts';
import { followCertificate } from '../tls/renewal.ts';
import { TEST_CA, TEST_CERTIFICATES } from '../tls/test-certificates.ts';
import { createTap } from './tap.ts';
import type { Tap } from './tap.ts';

/** What a test plays of the back. */
export interface PlayedBack {
  pending: boolean;
  generation: number;
  waiting: number;
}

export interface TestFront {
  front: FrontServer;
  port: number;
  cache: Cache;
  /** Null: without. */
  tap: Tap | null;
  back: PlayedBack;
  /** Age of the verified tokens. */
  identity: { age: number };
  /** Moves the edge's clock on, ms. */
  advance(ms: number): void;
  /** Answers of the fast path so far. */
  repeats(): number;
  close(): Promise<void>;
}

export interface TestFrontOptions {
  tap: boolean;
  /** Behind TLS. */
  tls?: boolean;
  app?: EstablishDeps['app'];
  identify?: EstablishDeps['identity']['identify'];
  maxBytes?: number;
}

export async function startApp(listener: RequestListener): Promise<{ url: URL; close(): Promise<void> }> {
  const server = createServer(listener);
  const close = async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return { url: new URL(`http://127.0.0.1:${await listen(server)}`), close };
}

export async function startFront(origin: URL, options: TestFrontOptions): Promise<TestFront> {
  let offset = 0;
  const clock = () => Date.now() + offset;
  const back: PlayedBack = { pending: false, generation: 0, waiting: 0 };
  const played = options.app === undefined ? null : playBack(back);
  const limits = { connectTimeout: 2000, headersTimeout: 5000, bodyTimeout: 5000, connections: 64 };
  const cloud = createCloud({ origin, report: () => undefined, ...limits });
  const cache = await createCache({ tags: played?.tags ?? null, memoryBytes: 1e7, disk: null, version: '1' });
  const identity = { ...NOBODY, age: 0, identify: options.identify ?? (() => null) };
  const deps = { cache, back: played, identity, clock, maxBytes: options.maxBytes ?? 1e6 };
  const tap = options.tap ? createTap(deps) : null;
  const link = { state: 'online' as const, held: false, slow() {} };
  const reader = createReader({
    cache,
    cloud,
    back: played,
    link,
    identity,
    clock,
    rules: compileRules([], (secret) => createHash('sha256').update(secret).digest('hex')),
    config: { patienceCeiling: 200, hardTimeout: 5000, maxObjectBytes: 1e6, replicaLag: 10_000 },
    ...(tap === null ? {} : { onFresh: tap.learn.bind(tap) }),
  });
  const forward = createForward({ cloud, link, onUnsafe: ({ path }) => cache.invalidate([path]) });
  const credentialScope = ({ authorization = '', cookie = '' }) => authorization + cookie;
  const log = createLog('test', 'silent');
  const tls = options.tls === true ? followCertificate({ files: TEST_CERTIFICATES.valid, clock: Date.now, log }) : null;
  const front = createFrontServer({
    establish: createEstablish({ app: options.app ?? null, identity, credentialScope }),
    read: (exchange) => reader.read(exchange),
    write: forward,
    forward,
    forwardUpgrade: (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
      socket.on('data', (chunk) => void socket.write(`echo ${String(chunk)}`));
    },
    console: async (_request, response) => void response.end(),
    observe: () => undefined,
    log,
    ...(tls === null ? {} : { tls }),
    ...(tap === null ? {} : { tap }),
  });
  const port = await listen(front.server);
  return {
    front,
    port,
    cache,
    tap,
    back,
    identity,
    advance: (ms) => void (offset += ms),
    repeats: () => tap?.figures.answers.reduce((sum, count) => sum + count, 0) ?? 0,
    async close() {
      await front.drain(0);
      tls?.stop();
      await cloud.close();
      await cache.close();
    },
  };
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function playBack(played: PlayedBack): Back {
  const parts = {
    checked: true,
    read: async () => null,
    tags: { pending: () => played.pending, generation: () => played.generation },
    get status() {
      return { queue: { length: played.waiting }, replica: { feed: { live: false } } };
    },
  };
  // What a read needs of the back; a test that needs more fails at once.
  return parts as unknown as Back;
}

/** A client that sends what it is told to, byte for byte. */
export class Wire {
  /** All that has come, one character for each byte. */
  text = '';
  readonly socket: Socket;
  #closed = false;
  #wake: () => void = () => undefined;

  /** `tls`: within TLS, as a client that knows HTTP/1.1 only. */
  constructor(port: number, { tls = false }: { tls?: boolean } = {}) {
    const to = { port, host: '127.0.0.1' };
    this.socket = tls ? connectTls({ ...to, ca: TEST_CA, ALPNProtocols: ['http/1.1'] }) : connect(to);
    this.socket.setNoDelay(true).setEncoding('latin1');
    this.socket.on('data', (chunk) => {
      this.text += String(chunk);
      this.#wake();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  send(bytes: string): void {
    if (!this.#closed) this.socket.write(bytes, 'latin1');
  }

  /** Waits until what has come satisfies the condition, or nothing more can come. */
  async until(holds: (text: string) => boolean): Promise<void> {
    while (!this.#closed && !holds(this.text)) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  /** Sends one request that is answered with a Content-Length, or with 304, and waits for its whole answer. */
  async ask(request: string): Promise<string> {
    const start = this.text.length;
    this.send(request);
    await this.until((text) => isWhole(text.slice(start)));
    return this.text.slice(start);
  }

  async closed(): Promise<string> {
    await this.until(() => false);
    return this.text;
  }
}

function isWhole(text: string): boolean {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return false;
  const length = text.startsWith('HTTP/1.1 304') ? 0 : Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
  return text.length >= headEnd + 4 + length;
}

/** What depends on the moment, and nothing else, is made the same; a first answer has an Age only where it took a while. */
export const timeless = (answers: string): string =>
  answers
    .replaceAll(/\r\nage: \d+/g, '')
    .replaceAll(/ttl=\d+/g, 'ttl=0')
    // Whether two reloads met on their way to the app depends on the moment too: it differs between two edges without a tap.
    .replaceAll('; collapsed', '')
    // A client that wants it anew gets what is here where the app is slow, as it is now and then on a busy machine.
    .replaceAll(/fwd=(request[^\r]*|stale; detail=slow)\r\nLarder-Source: (cloud|cache)/g, 'fwd=asked')
    .replaceAll(/\r\n(date|Larder-As-Of): [^\r]*/gi, '\r\n$1: then');
