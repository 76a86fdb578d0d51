/** What the edge does not answer itself goes to the cloud and comes back, in both directions as it comes. */
import { LarderError } from '@larder/sync/errors';
import { CloudFault } from '@larder/sync/fault';
import { bodyOf, hasBody } from './body.ts';
import { withCloudTags } from './cache/coding.ts';
import { TAG_FIELDS } from './cache/tags.ts';
import type { Client, Cloud, CloudResponse, HeaderFields } from './cloud.ts';
import type { ClientRequest, Exchange } from './exchange.ts';
import { Http2Request } from './http2/request.ts';
import { sendInterim, sendStream } from './respond.ts';

export interface ForwardOptions {
  cloud: Pick<Cloud, 'request'>;
  link: { readonly held: boolean };
  /**
   * An unsafe method succeeded in the cloud: what is stored about it may be wrong now (RFC 9111 §4.4). Awaited before
   * the client gets the answer, so that its next read sees the change (I6).
   */
  onUnsafe(exchange: Exchange, status: number, headers: HeaderFields): void | Promise<void>;
}

/** RFC 9110 §9.2.1 */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/**
 * Makes the handler of everything that is neither a cached read nor a known write. It rejects with a `LarderError`
 * where the cloud gave no answer; a client that leaves ends the request to the cloud too, and is no error.
 */
export function createForward(options: ForwardOptions): (exchange: Exchange) => Promise<void> {
  return async (exchange) => {
    if (exchange.response.destroyed) return;
    const leaving = new AbortController();
    const leave = () => leaving.abort();
    exchange.response.once('close', leave);
    try {
      const answer = await ask(exchange, options, leaving.signal);
      await pass(answer, exchange, options);
    } catch (error) {
      if (!leaving.signal.aborted) throw explain(error, exchange.method);
    } finally {
      exchange.response.off('close', leave);
    }
  };
}

function ask(exchange: Exchange, { cloud, link }: ForwardOptions, signal: AbortSignal): Promise<CloudResponse> {
  const { request, method, path, search } = exchange;
  if (link.held) throw offline(method, 'The operator holds the link.');
  return cloud.request({
    method,
    path: path + search,
    headers: fieldsOf(request),
    body: hasBody(request) ? bodyOf(request) : null,
    client: clientOf(request),
    signal,
    onInterim: (status, headers) => sendInterim(exchange.response, status, headers),
  });
}

async function pass({ status, headers, body }: CloudResponse, exchange: Exchange, { onUnsafe }: ForwardOptions) {
  const { response, method } = exchange;
  const safe = SAFE.has(method);
  try {
    if (!safe && status < 400) await onUnsafe(exchange, status, headers);
    const how = `larder; fwd=${safe ? 'bypass' : 'method'}`;
    const before = headers['cache-status'];
    response.writeHead(status, {
      ...withoutTags(headers),
      // Each cache on the way appends itself (RFC 9211 §2).
      'cache-status': before === undefined ? how : `${String(before)}, ${how}`,
      'larder-source': 'cloud',
    });
    // A stream of events may be silent at first, and its reader waits for the headers.
    response.flushHeaders();
    await sendStream(response, body);
  } finally {
    body.destroy();
  }
}

/** They were meant for the cache. */
const withoutTags = (headers: HeaderFields): HeaderFields =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !TAG_FIELDS.has(name)));

/** What a fault of the link means to whoever waits for the answer. */
function explain(error: unknown, method: string): LarderError {
  if (error instanceof LarderError) return error;
  if (!(error instanceof CloudFault)) return misfit(error);
  if (!error.sent) return offline(method, '', error);
  const code = error.fault === 'silent' ? 'LARDER_CLOUD_TIMEOUT' : 'LARDER_CLOUD_FAILED';
  // Honest about what nobody here can know (I13).
  return new LarderError(code, SAFE.has(method) ? '' : 'The change may have taken effect.', { cause: error });
}

const offline = (method: string, detail: string, cause?: unknown): LarderError =>
  new LarderError(SAFE.has(method) ? 'LARDER_OFFLINE' : 'LARDER_OFFLINE_WRITE', detail, { cause });

/** undici checks a request before it sends it; what it will not send, the client should not have sent. */
function misfit(error: unknown): LarderError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const bad = code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH';
  return new LarderError(bad ? 'LARDER_BAD_REQUEST' : 'LARDER_INTERNAL', '', { cause: error });
}

/** Node's reading of the headers, which the edge has judged by, and not the raw ones; none of them is undefined. */
export const fieldsOf = (request: ClientRequest): HeaderFields => withCloudTags(request.headers as HeaderFields);

/** Who sent it, as the socket knows it. */
export const clientOf = (request: ClientRequest): Client =>
  request instanceof Http2Request
    ? request.client
    : { address: request.socket.remoteAddress ?? 'unknown', secure: 'encrypted' in request.socket };
