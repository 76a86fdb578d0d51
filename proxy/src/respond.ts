/** Answers that the edge itself gives. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LarderError, problemOf } from '@larder/sync/errors';
import type { Problem } from '@larder/sync/errors';
import { CloudFault } from '@larder/sync/fault';
import type { HeaderFields } from './cloud.ts';

/** Sends JSON that is for nobody's cache. */
export function sendJson(response: ServerResponse, status: number, body: unknown, type = 'application/json'): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(response.req.method === 'HEAD' ? undefined : text);
}

/** Passes on what comes before the answer (RFC 9110 §15.2); a client of HTTP/1.0 knows none of it. */
export function sendInterim(response: ServerResponse, status: number, headers: HeaderFields): void {
  if (response.headersSent || response.destroyed || response.req.httpVersion === '1.0') return;
  response.writeInformation(status, headers);
}

/**
 * Answers with the problem document of an error (RFC 9457). Where an answer has already begun, its connection is broken
 * instead, so that the caller does not take a part for the whole. Does nothing once the caller has gone.
 */
export function sendProblem(response: ServerResponse, error: unknown): void {
  if (response.destroyed || response.writableEnded) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const problem = clientProblemOf(error);
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  if (problem.status === 401) response.setHeader('www-authenticate', 'Bearer');
  // The rest of a body that nobody will read must not be taken for the next request.
  if (hasUnreadBody(response.req)) response.setHeader('connection', 'close');
  sendJson(response, problem.status, problem, 'application/problem+json');
}

/** The problem document that a caller sees of any error. */
export function clientProblemOf(error: unknown): Problem {
  if (!(error instanceof CloudFault)) return problemOf(error);
  const code = error.fault === 'silent' ? 'LARDER_CLOUD_TIMEOUT' : 'LARDER_CLOUD_FAILED';
  return problemOf(new LarderError(code, '', { cause: error }));
}

/** Does the request announce a body (RFC 9112 §6.3)? */
export const hasBody = ({ headers }: IncomingMessage) =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';

const hasUnreadBody = (request: IncomingMessage) => hasBody(request) && !request.readableEnded;
