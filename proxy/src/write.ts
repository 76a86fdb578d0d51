/** The life of a write: taken by the back, which makes it durable and sends it; the front only waits. See DESIGN.md. */
import { randomUUID } from 'node:crypto';
import type { Accepted, Answer, Back } from '@larder/sync/client';
import { LarderError } from '@larder/sync/errors';
import { readBody } from './body.ts';
import type { ClientRequest, ClientResponse, Exchange } from './exchange.ts';
import { fieldsOf } from './forward.ts';
import type { Identity } from './identity/identity.ts';
import type { Link } from './link/link.ts';

export interface WriteDeps {
  back: Pick<Back, 'accept' | 'delivered'>;
  /** Live: read at every request. `held`: the operator wants nothing sent. */
  link: Pick<Link, 'state' | 'held' | 'slow'>;
  identity: Pick<Identity, 'refusal'>;
  forward(exchange: Exchange): Promise<void>;
  /** Drops what the cache holds of the addresses that a write has changed; awaited before its caller is answered (I6). */
  invalidate(exchange: Exchange, status: number, headers: Record<string, string>): Promise<void>;
  /** Longest wait for the cloud's verdict, ms. */
  patience: number;
  /** Largest body, bytes. */
  maxBodyBytes: number;
}

/** 1 to 255 visible ASCII characters, as the inventory app and most others take them. */
const KEY = /^[\x21-\x7e]{1,255}$/;
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;

/**
 * Makes the handler of writes that the profile knows. It rejects with a `LarderError` where a write cannot be taken:
 * `LARDER_UNAUTHENTICATED`, `LARDER_KEYS_UNKNOWN`, `LARDER_KEY_INVALID`, `LARDER_BODY_*`, or what `Back.accept` says.
 */
export function createWrite(deps: WriteDeps): (exchange: Exchange) => Promise<void> {
  return async (exchange) => {
    const { request, response, user } = exchange;
    // Whom the edge cannot verify, or what it cannot read, is the cloud's to judge.
    if (user === null && !isCutOff(deps)) return deps.forward(exchange);
    if (user === null) throw deps.identity.refusal(request.headers);
    if (!isReadable(request)) return deps.forward(exchange);

    const key = keyOf(request);
    const body = await readBody(request, deps.maxBodyBytes);
    if (body !== null) assertJson(body);
    const patience = isCutOff(deps) ? 0 : deps.patience;
    const accepted = await deps.back.accept(
      {
        method: exchange.method,
        path: exchange.path,
        search: exchange.search,
        // Only set-cookie, which no request has, comes as an array.
        headers: { ...(fieldsOf(request) as Record<string, string>), 'idempotency-key': key },
        body,
        claims: exchange.claims,
        user,
      },
      { patience },
    );
    if (accepted.type === 'queued' && patience > 0) deps.link.slow();
    // Until then the refusal is for the inbox, or it would be known to nobody (I2).
    if (isRefusal(accepted)) response.once('finish', () => deps.back.delivered(accepted.entry));
    const { status, headers } = accepted.answer;
    if (accepted.type !== 'refused') await deps.invalidate(exchange, status, { ...headers });
    sendAccepted(response, accepted);
  };
}

const isCutOff = ({ link }: WriteDeps) => link.held || link.state === 'offline';

/** JSON as it is, or no body at all: what else there is, no profile can look into. */
function isReadable({ headers }: ClientRequest): boolean {
  const type = headers['content-type'];
  return headers['content-encoding'] === undefined && (type === undefined || JSON_TYPE.test(type));
}

function keyOf({ headers }: ClientRequest): string {
  const key = headers['idempotency-key'];
  if (key === undefined) return randomUUID();
  // Node joins repeated fields by ", ", whose space is not visible ASCII.
  if (typeof key !== 'string' || !KEY.test(key)) throw new LarderError('LARDER_KEY_INVALID');
  return key;
}

function assertJson(body: string): void {
  try {
    JSON.parse(body);
  } catch (error) {
    throw new LarderError('LARDER_BODY_INVALID', '', { cause: error });
  }
}

type CloudAnswered = Extract<Accepted, { type: 'cloud' }>;
const isRefusal = (accepted: Accepted): accepted is CloudAnswered =>
  accepted.type === 'cloud' && accepted.answer.status >= 400;

function sendAccepted(response: ClientResponse, accepted: Accepted): void {
  if (accepted.type === 'refused') return send(response, accepted.answer, { 'larder-source': 'replica' });
  if (accepted.type === 'cloud') {
    const state = isRefusal(accepted) ? 'refused' : 'applied';
    const fields = { 'larder-source': 'cloud', 'larder-entry': `${accepted.entry}; state=${state}` };
    return send(response, accepted.answer, fields);
  }
  const fields = { 'larder-source': 'replica', 'larder-entry': `${accepted.entry}; state=${accepted.state}` };
  // RFC 9110 §15.3.3: taken, not yet done. Location already names the document as it will be.
  send(response, { ...accepted.answer, status: 202 }, { ...fields, 'cache-control': 'no-store' });
}

function send(response: ClientResponse, answer: Answer, fields: Record<string, string>): void {
  if (response.destroyed) return;
  const { 'content-length': _sent, ...headers } = answer.headers;
  const bodiless = answer.status === 204 || answer.status === 304;
  const length = bodiless ? {} : { 'content-length': Buffer.byteLength(answer.body) };
  response.writeHead(answer.status, { ...headers, ...fields, ...length });
  response.end(bodiless ? undefined : answer.body);
}
