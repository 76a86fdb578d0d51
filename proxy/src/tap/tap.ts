/**
 * The fast path: a tap before node's own parser. A chunk that is, byte for byte, a request head which the parser has
 * already accepted, and which led to an answer from the cache that is still valid, gets that answer again; identical
 * bytes parse identically, so nothing is parsed here. Everything else goes the plain path. An optimisation, not the
 * correctness boundary: whatever it is not sure of, it leaves alone.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import type { Server, Socket } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import type { Back } from '@larder/sync/client';
import type { Cache } from '../cache/cache.ts';
import type { Kept } from '../cache/kept.ts';
import type { StoredResponse } from '../cache/response.ts';
import type { Identity } from '../identity/identity.ts';
import type { Reading } from '../read/reading.ts';
import { Http2Response } from '../http2/response.ts';
import { Connection } from './connection.ts';
import { hasCredential, isCandidate, isRepeatable, wantsWhatIsStored } from './head.ts';
import { Prepared } from './prepared.ts';
import { PreparedFields } from './prepared-fields.ts';
import { RememberedHeads } from './remembered.ts';
import type { Remembered } from './remembered.ts';
import { Sender } from './sender.ts';
import { sendStored, standBefore } from './streams.ts';

export interface TapDeps {
  cache: Pick<Cache, 'shelf' | 'isCurrent'>;
  /** Null without a profile. */
  back: Pick<Back, 'tags' | 'status'> | null;
  identity: Pick<Identity, 'age'>;
  /** The reader's: ms since 1970. */
  clock(): number;
  /** What is remembered at the most: heads, and those of the answers. */
  maxBytes: number;
}

export interface TapFigures {
  /** Answers since the start, by class of status: at 2 those of 2xx. */
  answers: readonly number[];
  heads: number;
  bytes: number;
}

export interface Tap {
  /**
   * Puts itself before the parser of every new connection of HTTP/1.1, and before all that listen for streams of HTTP/2.
   * `keepAlive`: what the server announces, seconds.
   */
  attach(server: Server, keepAlive: number): void;
  /** For the reader: this request has just been answered from what is fresh. */
  learn(reading: Reading, stored: StoredResponse): void;
  /** Something changed that answers may depend on: all that is remembered is forgotten. */
  forget(): void;
  /** From now on every request goes the plain path. */
  stop(): void;
  readonly figures: TapFigures;
}

export const createTap = (deps: TapDeps): Tap => new FastPath(deps);

class FastPath implements Tap {
  readonly #deps: TapDeps;
  readonly #heads: RememberedHeads;
  readonly #connections = new WeakMap<Socket, Connection>();
  readonly #sender = new Sender();
  readonly #answers = [0, 0, 0, 0, 0, 0];
  #epoch = 0;
  #isStopped = false;
  /** The last answer that the reader told of; claimed when its chunk has been parsed. */
  #learnt: { reading: Reading; stored: StoredResponse } | null = null;
  #keepAlive = 0;

  constructor(deps: TapDeps) {
    this.#deps = deps;
    this.#heads = new RememberedHeads(deps.maxBytes);
  }

  get figures(): TapFigures {
    return { answers: this.#answers, ...this.#heads.size };
  }

  attach(server: Server, keepAlive: number): void {
    this.#keepAlive = keepAlive;
    // Node's own listener, which makes the parser, was there first.
    server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => {
      const connection = Connection.before(socket, this);
      if (connection !== null) this.#connections.set(socket, connection);
    });
    server.on('session', (session: ServerHttp2Session) => standBefore(session, this));
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
      const connection = this.#connections.get(request.socket);
      if (connection === undefined) return;
      connection.raise(request);
      response.once('close', () => connection.open--);
    });
    server.prependListener('upgrade', ({ socket }: IncomingMessage) => this.#connections.get(socket)?.detach());
  }

  learn(reading: Reading, stored: StoredResponse): void {
    if (!this.#isStopped) this.#learnt = { reading, stored };
  }

  forget(): void {
    this.#epoch++;
    this.#heads.clear();
  }

  stop(): void {
    this.#isStopped = true;
    this.forget();
  }

  answer(chunk: Buffer, socket: Socket): boolean {
    const now = this.#deps.clock();
    const found = this.#find(textOf(chunk), now);
    if (!(found?.prepared instanceof Prepared)) return false;
    this.#sender.send(socket, found.prepared, found.stored.body, now);
    this.#count(found.prepared);
    return true;
  }

  answerStream(stream: ServerHttp2Stream, head: string): boolean {
    const now = this.#deps.clock();
    const found = this.#find(head, now);
    if (!(found?.prepared instanceof PreparedFields)) return false;
    sendStored(stream, found.prepared, found.stored, now);
    this.#count(found.prepared);
    return true;
  }

  #find(head: string, now: number): { prepared: Remembered['prepared']; stored: Kept } | null {
    const found = this.#heads.get(head);
    if (found === undefined) return null;
    const stored = this.#standing(found, now);
    if (stored === null) this.#heads.delete(head);
    return stored === null ? null : { prepared: found.prepared, stored };
  }

  #count({ statusClass }: Remembered['prepared']): void {
    this.#answers[statusClass] = (this.#answers[statusClass] ?? 0) + 1;
  }

  parsed(chunk: Buffer, request: IncomingMessage): void {
    const learnt = this.#learnt;
    this.#learnt = null;
    if (learnt === null || learnt.reading.exchange.request !== request) return;
    if (!isCandidate(chunk) || !isRepeatable(request)) return;
    const { reading, stored } = learnt;
    const remembered = this.#remember(reading, stored);
    if (remembered !== null) this.#heads.set(textOf(chunk), remembered, hasCredential(request));
  }

  parsedStream(stream: ServerHttp2Stream, head: string): void {
    const learnt = this.#learnt;
    this.#learnt = null;
    if (learnt === null) return;
    const { reading, stored } = learnt;
    const { request, response } = reading.exchange;
    if (!(response instanceof Http2Response) || response.stream !== stream) return;
    if (!wantsWhatIsStored(request.headers) || request.headers['content-length'] !== undefined) return;
    const remembered = this.#remember(reading, stored);
    if (remembered !== null) this.#heads.set(head, remembered, hasCredential(request));
  }

  /** Null where the same request could get something else a moment later, for reasons that nobody here would notice. */
  #remember(reading: Reading, stored: StoredResponse): Remembered | null {
    const { cache, clock, identity, back } = this.#deps;
    const { exchange, request, tags, covered } = reading;
    const { response, caller } = exchange;
    // Whether a token that was not verified will be so the next time depends on keys that may come at any moment.
    if (back !== null && caller === null && exchange.request.headers.authorization !== undefined) return null;
    // Of the edge's own sessions the request no longer shows that there was a credential.
    if (caller?.isLocal === true) return null;
    // Which of replica and cache answers depends on the feed.
    if (covered && exchange.read?.replicaFirst === true) return null;
    const shelf = cache.shelf(request.uri);
    const at = shelf?.items.findIndex((kept) => kept.hasGiven(stored)) ?? -1;
    if (shelf === null || at === -1) return null;
    const now = clock();
    const prepared =
      response instanceof Http2Response
        ? PreparedFields.from(response, stored, now)
        : Prepared.from(response, stored, this.#keepAlive, now);
    if (prepared === null) return null;
    const until = Math.min(stored.freshUntil, caller?.until ?? Infinity);
    const place = { prepared, uri: request.uri, shelf: shelf.id, at };
    const found = { ...place, tags, covered, until, epoch: this.#epoch, age: identity.age };
    return this.#standing(found, now) === null ? null : found;
  }

  /** The answer, unless the plain path would find out something else about a request that it has answered before (I6, I8, I10). */
  #standing({ until, epoch, age, uri, shelf, at, tags, covered }: Remembered, now: number): Kept | null {
    const { cache, back, identity } = this.#deps;
    if (now >= until || epoch !== this.#epoch || age !== identity.age) return null;
    const there = cache.shelf(uri);
    const stored = there?.id === shelf ? there.items[at] : undefined;
    if (stored === undefined || !cache.isCurrent(stored)) return null;
    if (back === null) return stored;
    // A waiting write is either shown by the replica or counted in the answer.
    const isOvertaken = covered ? back.tags.pending(tags) : back.status.queue.length > 0;
    return isOvertaken ? null : stored;
  }
}

/** Latin-1 is one character for each byte: equal texts are equal bytes. */
const textOf = (chunk: Buffer) => chunk.toString('latin1');
