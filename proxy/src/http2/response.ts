/** An answer over HTTP/2, in the shape of one over HTTP/1.1, for all who write it. */
import { validateHeaderValue } from 'node:http';
import { constants } from 'node:http2';
import type { ServerHttp2Stream } from 'node:http2';
import type { Writable } from 'node:stream';
import { requestOf } from './request.ts';
import type { Http2Request } from './request.ts';

export type HeadFields = readonly string[] | Readonly<Record<string, string | number | readonly string[] | undefined>>;

/**
 * Straight on node's streams. Node's own compatibility object says `finish` of an answer whose client has gone, which
 * would count a refusal as told (I2), and does not say that it is destroyed.
 */
export class Http2Response {
  readonly req: Http2Request;
  readonly stream: ServerHttp2Stream;
  statusCode = 200;
  /** Written, not yet sent: whether a body follows decides which frame it ends. */
  #head: string[] | null = null;
  #sentHead: readonly string[] | null = null;
  #isEnded = false;
  /** Fields that were set before the head is written. */
  readonly #early = new Map<string, string>();

  constructor(stream: ServerHttp2Stream) {
    this.req = requestOf(stream);
    this.stream = stream;
  }

  get headersSent(): boolean {
    return this.#head !== null || this.stream.headersSent;
  }

  /** All that the head of the answer said, once it is sent. */
  get sentHead(): readonly string[] | null {
    return this.#sentHead;
  }

  get destroyed(): boolean {
    return this.stream.destroyed || this.stream.closed;
  }

  get writableEnded(): boolean {
    return this.#isEnded;
  }

  get writable(): boolean {
    return !this.#isEnded && !this.destroyed;
  }

  /** Fields that speak of a connection are left out (RFC 9113 §8.2.2). */
  writeHead(status: number, fields: HeadFields = []): this {
    this.statusCode = status;
    this.#head = headOf(status, this.#early.size === 0 ? fields : [...this.#early, ...entriesOf(fields)].flat());
    return this;
  }

  /** `writeHead` may not name it again. */
  setHeader(name: string, value: string | number): this {
    this.#early.set(name, String(value));
    return this;
  }

  getHeaderNames(): string[] {
    return [...this.#early.keys()];
  }

  removeHeader(name: string): void {
    this.#early.delete(name);
  }

  flushHeaders(): void {
    this.#respond(false);
  }

  /** Where the body goes that follows the head. */
  sink(): Writable {
    this.#isEnded = true;
    this.#respond(false);
    return this.stream;
  }

  write(chunk: string | Buffer): boolean {
    this.#respond(false);
    return this.stream.write(chunk);
  }

  end(body?: string | Buffer): this {
    this.#isEnded = true;
    const isEmpty = body === undefined || body.length === 0;
    this.#respond(isEmpty);
    if (!this.stream.writableEnded) this.stream.end(isEmpty ? undefined : body);
    return this;
  }

  /** 1xx (RFC 9110 §15.2), save 101, which HTTP/2 does not know (RFC 9113 §8.6). */
  writeInformation(status: number, fields: HeadFields = {}): void {
    if (status === 101 || this.destroyed) return;
    const [, , ...flat] = headOf(status, fields);
    const headers: Record<string, string[]> = {};
    for (let i = 0; i < flat.length; i += 2) (headers[flat[i] ?? ''] ??= []).push(flat[i + 1] ?? '');
    this.stream.additionalHeaders({ ...headers, ':status': status });
  }

  /** Node calls it where the client waits for it before it sends a body. */
  writeContinue(): void {
    this.writeInformation(100);
  }

  /** Breaks it off, so that nobody takes a part for the whole. */
  destroy(): void {
    if (!this.destroyed) this.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  /** What is still to come of the request's body is not wanted (RFC 9113 §8.1). */
  refuseRest(): void {
    this.stream.once('finish', () => this.stream.close(constants.NGHTTP2_NO_ERROR));
  }

  once(event: 'close' | 'finish', listener: () => void): this {
    this.stream.once(event, listener);
    return this;
  }

  off(event: 'close' | 'finish', listener: () => void): this {
    this.stream.off(event, listener);
    return this;
  }

  #respond(endStream: boolean): void {
    if (this.stream.headersSent || this.destroyed) return;
    const head = this.#head ?? headOf(this.statusCode, []);
    // What cannot be sent has not been: a problem can still be told.
    this.#head = null;
    this.stream.respond(head, { endStream });
    this.#sentHead = head;
  }
}

/** Fields that speak of one connection: over HTTP/2 they make a message malformed (RFC 9113 §8.2.2). */
const FORBIDDEN = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'te',
]);

/** Beyond these node sends none; whoever gets one takes it for a 500 (RFC 9110 §15). */
const LAST_STATUS = 599;

/** As node takes it: flat, with the status first and a date. */
export function headOf(status: number, fields: HeadFields): string[] {
  const head = [':status', String(status > LAST_STATUS ? 500 : status)];
  let hasDate = false;
  const flat = isFlat(fields) ? fields : entriesOf(fields).flat();
  for (let i = 0; i < flat.length; i += 2) {
    const [name = '', value = ''] = [flat[i]?.toLowerCase(), flat[i + 1]];
    if (FORBIDDEN.has(name)) continue;
    // Node looks at no value here, and a NUL would end it and begin another field.
    validateHeaderValue(name, value);
    if (name === 'date') hasDate = true;
    head.push(name, value);
  }
  if (!hasDate) head.push('date', new Date().toUTCString());
  return head;
}

function entriesOf(fields: HeadFields): [string, string][] {
  const entries: [string, string][] = [];
  if (isFlat(fields)) for (let i = 0; i < fields.length; i += 2) entries.push([fields[i] ?? '', fields[i + 1] ?? '']);
  else
    for (const [name, value] of Object.entries(fields))
      for (const one of Array.isArray(value) ? value : [value])
        if (one !== undefined) entries.push([name, String(one)]);
  return entries;
}

const isFlat = (fields: HeadFields): fields is readonly string[] => Array.isArray(fields);
