/** Writes answers: each says where it comes from and how old it is (I13). */
import { Readable } from 'node:stream';
import type { ReplicaAnswer } from '@larder/sync/client';
import type { CloudAnswer, FillingAnswer, WholeAnswer } from '../cache/fetch.ts';
import { accepts, decodedTag, decoderOf } from '../cache/coding.ts';
import { belongsIn304, isUnmodified } from '../cache/conditional.ts';
import type { Validators } from '../cache/conditional.ts';
import type { Place } from '../cache/part.ts';
import { rangeOf } from '../cache/range.ts';
import type { Metadata, Stored } from '../cache/response.ts';
import { TAG_FIELDS } from '../cache/tags.ts';
import type { HeaderFields } from '../cloud.ts';
import type { ClientRequest, Exchange } from '../exchange.ts';
import { sendStream } from '../respond.ts';

/** Flat name and value pairs: what node writes out without looking at it again. */
type Fields = string[];

/**
 * The fields of hits, which stay the same for a second. Emptied when it is over, so that no response carries them into
 * old age; bounded (I11).
 */
const hits = new Map<Stored, Fields>();
const MOST_HITS = 1024;
let hitsOf = 0;

/** The fields of a hit at this moment; a 304 has some of them. */
export function hitFields(stored: Stored, now: number): Fields {
  const second = Math.floor(now / 1000);
  if (second !== hitsOf || hits.size > MOST_HITS) hits.clear();
  hitsOf = second;
  const known = hits.get(stored);
  if (known !== undefined) return known;
  const ttl = Math.floor((stored.freshUntil - now) / 1000);
  const fields = storedFields(stored, `hit; ttl=${ttl}`, 'cache', now);
  hits.set(stored, fields);
  return fields;
}

/** Those that an answer without the body has, too. */
export const fieldsOf304 = (fields: Fields): Fields => without(fields);

/** A stored response, fresh or stale, with no word from the cloud. `pending`: changes waiting that it does not show. */
export function sendHit({ request, response }: Exchange, stored: Stored, now: number, pending: number): void {
  const fields = hitFields(stored, now);
  const all = pending === 0 ? fields : [...fields, 'Larder-Pending', String(pending)];
  sendBody(request, response, stored, all, now);
}

/** Bytes of a stored part. */
export function sendPart(
  { response }: Exchange,
  stored: Stored,
  { place, body }: { place: Place; body: Buffer },
  now: number,
  pending: number,
): void {
  const fields = without(without(hitFields(stored, now), 'content-length'), 'content-range');
  fields.push(
    'content-range',
    `bytes ${place.first}-${place.last}/${place.size}`,
    'content-length',
    String(body.length),
  );
  addPending(fields, pending);
  response.writeHead(206, fields).end(body);
}

/** A stored response after the cloud was asked and did not answer well. `why`: a token for Cache-Status' detail. */
export function sendStale(exchange: Exchange, stored: Stored, now: number, pending: number, why: string): void {
  const fields = storedFields(stored, `fwd=stale; detail=${why}`, 'cache', now);
  addPending(fields, pending);
  sendBody(exchange.request, exchange.response, stored, fields, now);
}

/** What the cloud has just given or confirmed, whole. `forward`: why it was asked, in the words of RFC 9211. */
export function sendWhole(
  { request, response }: Exchange,
  answer: WholeAnswer,
  forward: string,
  now: number,
  pending: number,
): void {
  const parts = [`fwd=${forward}`];
  if (answer.validated) parts.push('fwd-status=304');
  if (answer.stored) parts.push('stored');
  if (answer.joined) parts.push('collapsed');
  const fields = storedFields(answer.response, parts.join('; '), 'cloud', now);
  if (answer.cookies !== undefined) addField(fields, 'set-cookie', answer.cookies);
  addPending(fields, pending);
  sendBody(request, response, answer.response, fields, now);
}

/**
 * What is being stored as it comes. Resolves when the caller has it all, or has gone; where it breaks off, so does the
 * connection: nobody takes a part for the whole.
 */
export async function sendFilling(
  { request, response }: Exchange,
  answer: FillingAnswer,
  forward: string,
  now: number,
  pending: number,
): Promise<void> {
  const { metadata, filling, joined, cookies } = answer;
  const fields = ownFields(metadata, joined ? `fwd=${forward}; collapsed` : `fwd=${forward}`, 'cloud', now);
  if (filling.announced !== null) fields.push('content-length', String(filling.announced));
  if (cookies !== undefined) addField(fields, 'set-cookie', cookies);
  addPending(fields, pending);
  if (mustDecode(request, metadata)) return sendDecoded(request, response, metadata, fields, () => filling.read(), now);
  if (isMet(request, metadata.status, validatorsOf(metadata), now)) {
    response.writeHead(304, without(fields)).end();
    return;
  }
  response.writeHead(metadata.status, fields);
  response.flushHeaders();
  await sendChunks(response, filling.read());
}

/** An answer that passes through unstored. Resolves when it is through, or the caller has gone. */
export async function sendThrough(
  { response }: Exchange,
  { head, body, refusal }: Extract<CloudAnswer, { type: 'through' }>,
  forward: string,
  now: number,
  pending: number,
): Promise<void> {
  if (response.destroyed) {
    body.destroy();
    return;
  }
  const fields = flatten(head.headers, 'cache-status', ...TAG_FIELDS);
  const how = refusal === null ? `fwd=${forward}` : `fwd=${forward}; detail=${refusal}`;
  addProvenance(fields, head.headers, how, 'cloud', now);
  addPending(fields, pending);
  response.writeHead(head.status, fields);
  response.flushHeaders();
  // Where the cloud breaks off, or the caller leaves, the other side is broken off as well.
  await sendStream(response, body).catch(() => response.destroy());
}

/** The replica's answer, made here: conditions and HEAD are met as the cloud would. */
export function sendReplica(
  { method, request, response }: Exchange,
  { answer, asOf }: ReplicaAnswer,
  now: number,
): void {
  const { status, headers, body } = answer;
  const validators = { etag: headers['etag'] ?? null, lastModified: null };
  const unmodified = status === 200 && isUnmodified(request.headers, validators, now);
  const fields: Fields = [];
  for (const [name, value] of Object.entries(headers))
    if (name !== 'content-length' && (!unmodified || belongsIn304(name))) fields.push(name, value);
  addProvenance(fields, {}, 'detail=replica', 'replica', asOf);
  if (unmodified) {
    response.writeHead(304, fields).end();
    return;
  }
  if (!isBodiless(status)) fields.push('content-length', String(Buffer.byteLength(body)));
  response.writeHead(status, fields).end(method === 'HEAD' ? undefined : body);
}

function sendBody(
  request: ClientRequest,
  response: Exchange['response'],
  stored: Stored,
  fields: Fields,
  now: number,
): void {
  const { headers, method } = request;
  if (mustDecode(request, stored)) {
    void sendDecoded(request, response, stored, fields, () => chunksOf(stored), now);
    return;
  }
  if (isMet(request, stored.status, validatorsOf(stored), now)) {
    response.writeHead(304, without(fields)).end();
    return;
  }
  const range = headers.range === undefined || method !== 'GET' ? null : rangeOf(headers, stored);
  if (range === 'unsatisfiable') {
    response.writeHead(416, [...without(fields), 'content-range', `bytes */${stored.body.length}`]).end();
    return;
  }
  if (range !== null) {
    const { first, last } = range;
    const place = `bytes ${first}-${last}/${stored.body.length}`;
    const own = ['content-range', place, 'content-length', String(last + 1 - first)];
    response.writeHead(206, [...without(fields, 'content-length'), ...own]);
    endWith(response, stored, first, last);
    return;
  }
  response.writeHead(stored.status, fields);
  if (method === 'HEAD') response.end();
  else endWith(response, stored, 0, stored.body.length - 1);
}

/** Ends with the bytes from `first` to `last`, both included. */
function endWith(response: Exchange['response'], { body }: Stored, first: number, last: number): void {
  if (Buffer.isBuffer(body)) response.end(last + 1 - first === body.length ? body : body.subarray(first, last + 1));
  else void sendChunks(response, body.read(first, last));
}

/** Where they break off, or the caller leaves, the other side is broken off as well. */
const sendChunks = (response: Exchange['response'], chunks: AsyncIterable<Buffer>): Promise<void> =>
  sendStream(response, Readable.from(chunks, { objectMode: false })).catch(() => void response.destroy());

const chunksOf = ({ body }: Stored): AsyncIterable<Buffer> | Iterable<Buffer> =>
  Buffer.isBuffer(body) ? [body] : body.read();

/** Is it compressed in a way that this client does not accept? */
export const mustDecode = ({ headers }: ClientRequest, { coding }: Metadata): boolean =>
  coding !== null && !accepts(headers, coding);

/** Decoded as it goes out, so that neither its length nor a range of it is known. Resolves when the caller has it. */
async function sendDecoded(
  request: ClientRequest,
  response: Exchange['response'],
  stored: Metadata,
  fields: Fields,
  chunks: () => AsyncIterable<Buffer> | Iterable<Buffer>,
  now: number,
): Promise<void> {
  const { lastModified, ...validators } = validatorsOf(stored);
  const etag = validators.etag === null ? null : decodedTag(validators.etag);
  const own = without(without(without(fields, 'content-encoding'), 'content-length'), 'etag');
  if (etag !== null) own.push('etag', etag);
  if (isMet(request, stored.status, { etag, lastModified }, now)) {
    response.writeHead(304, without(own)).end();
    return;
  }
  response.writeHead(stored.status, own);
  if (request.method === 'HEAD' || stored.coding === null) {
    response.end();
    return;
  }
  const source = Readable.from(chunks(), { objectMode: false });
  await sendStream(response, source, decoderOf(stored.coding)).catch(() => void response.destroy());
}

/** Does the client already have this? */
function isMet({ headers }: ClientRequest, status: number, validators: Validators, now: number): boolean {
  const isConditional = headers['if-none-match'] !== undefined || headers['if-modified-since'] !== undefined;
  return isConditional && status === 200 && isUnmodified(headers, validators, now);
}

/** RFC 9111 §4.3.2: without a Last-Modified the time at which it was made takes its place. */
const validatorsOf = ({ etag, lastModified, birth }: Metadata) => ({
  etag,
  lastModified: lastModified ?? birth,
});

/** All but one field; or, where none is named, but those that do not belong in an answer without the body. */
function without(fields: Fields, name?: string): Fields {
  const kept: Fields = [];
  for (let i = 0; i < fields.length; i += 2) {
    const [field = '', value = ''] = [fields[i], fields[i + 1]];
    if (name === undefined ? belongsIn304(field) : field !== name) kept.push(field, value);
  }
  return kept;
}

const isBodiless = (status: number) => status === 204 || status === 304;

function storedFields(stored: Stored, status: string, source: 'cache' | 'cloud', now: number): Fields {
  const fields = ownFields(stored, status, source, now);
  if (!isBodiless(stored.status)) fields.push('content-length', String(stored.body.length));
  return fields;
}

/** All fields but those that speak of the body's length. */
function ownFields(stored: Metadata, status: string, source: 'cache' | 'cloud', now: number): Fields {
  const fields = flatten(stored.headers, 'cache-status', 'content-length');
  const age = Math.max(0, Math.floor((now - stored.birth) / 1000));
  // A first answer that comes straight from its origin has no Age (RFC 9111 §5.1).
  if (source === 'cache' || age > 0) fields.push('age', String(age));
  addProvenance(fields, stored.headers, status, source, stored.birth);
  return fields;
}

/** RFC 9211 §2: every cache on the way adds itself at the end. */
function addProvenance(fields: Fields, headers: HeaderFields, status: string, source: string, asOf: number): void {
  const upstream = headers['cache-status'];
  const own = `larder; ${status}`;
  fields.push('Cache-Status', upstream === undefined ? own : `${String(upstream)}, ${own}`);
  fields.push('Larder-Source', source, 'Larder-As-Of', textOf(asOf));
}

/** The last time that was told: what a busy cloud gives within a second has the same Date. */
let told = { at: NaN, text: '' };

function textOf(at: number): string {
  if (at !== told.at) told = { at, text: new Date(at).toISOString() };
  return told.text;
}

function addPending(fields: Fields, pending: number): void {
  if (pending > 0) fields.push('Larder-Pending', String(pending));
}

function flatten(headers: HeaderFields, ...skipped: string[]): Fields {
  const fields: Fields = [];
  for (const name in headers) if (!skipped.includes(name)) addField(fields, name, headers[name]);
  return fields;
}

function addField(fields: Fields, name: string, value: string | string[] | undefined): void {
  if (value === undefined) return;
  if (typeof value === 'string') fields.push(name, value);
  else for (const one of value) fields.push(name, one);
}
