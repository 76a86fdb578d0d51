/** One client connection: every chunk goes to node's parser, unless it is a head that it need not parse again. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { endsWithHead, isBodiless, isCandidate } from './head.ts';

export interface ConnectionOwner {
  /** Answers a chunk that is a whole head; false where it cannot. */
  answer(chunk: Buffer, socket: Socket): boolean;
  /** A chunk that was a whole head, alone, has been parsed and has led to this request. */
  parsed(chunk: Buffer, request: IncomingMessage): void;
}

type Listener = (chunk: Buffer) => void;

/**
 *            ┌───────── a whole head, remembered: answered ────────┐
 *            ▼                                                     │
 *   ┌──────────────┐  any other chunk   ┌──────────────────┐       │
 *   │ between two  │ ─────────────────▶ │ node's parser    │       │
 *   │ messages     │ ◀───────────────── │ knows, not we    │       │
 *   └──────────────┘  a chunk in which one bodiless request ends   │
 *            └─────────────────────────────────────────────────────┘
 */
export class Connection {
  /** Requests whose answers are not over. */
  open = 0;
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  /** Node's own. */
  readonly #parse: Listener;
  readonly #onData: Listener = (chunk) => this.#take(chunk);
  /** The last message ended exactly where the last chunk did. */
  #isBetween = true;
  /**
   * The parser has had a whole request of this connection. Before that it runs a timer for the first head, which would
   * go off (408) in the middle of a connection that it hears nothing of.
   */
  #isKnown = false;
  /** During a chunk. */
  #raised = 0;
  #request: IncomingMessage | null = null;

  /** Puts itself before node's listener; null where there is none to put itself before. */
  static before(socket: Socket, owner: ConnectionOwner): Connection | null {
    const [parse, ...others] = socket.listeners('data') as Listener[];
    return parse === undefined || others.length > 0 ? null : new Connection(socket, owner, parse);
  }

  private constructor(socket: Socket, owner: ConnectionOwner, parse: Listener) {
    this.#socket = socket;
    this.#owner = owner;
    this.#parse = parse;
    // Ours first: without any listener the socket would stop.
    socket.on('data', this.#onData);
    socket.removeListener('data', parse);
  }

  /** The parser has raised a request. */
  raise(request: IncomingMessage): void {
    this.#raised++;
    this.#request = request;
    this.open++;
  }

  /** The connection is no longer HTTP. */
  detach(): void {
    this.#socket.removeListener('data', this.#onData);
  }

  #take(chunk: Buffer): void {
    const isFree = this.#isBetween && this.#isKnown && this.open === 0 && this.#socket.writableLength === 0;
    if (isFree && isCandidate(chunk) && this.#socket.writable && this.#owner.answer(chunk, this.#socket)) return;
    const wasBetween = this.#isBetween;
    this.#isBetween = false;
    this.#raised = 0;
    this.#request = null;
    this.#parse(chunk);
    const request = this.#onlyRequest();
    // Where one request has come out that has no body and is complete, and the chunk ends as a head does, nothing can be
    // left in the parser: the rest of the chunk would be a head itself, and would have come out as well.
    if (request === null || !request.complete || !isBodiless(request) || !endsWithHead(chunk)) return;
    this.#isBetween = true;
    this.#isKnown = true;
    // Otherwise the chunk may have been the end of a head whose beginning came before.
    if (wasBetween) this.#owner.parsed(chunk, request);
  }

  #onlyRequest(): IncomingMessage | null {
    return this.#raised === 1 ? this.#request : null;
  }
}
