/** Answers that the edge itself gives. */
import { pipeline } from 'node:stream/promises';
import { LarderError, problemOf } from '@larder/sync/errors';
import type { Problem } from '@larder/sync/errors';
import { CloudFault } from '@larder/sync/fault';
import { hasBody } from './body.ts';
import type { HeaderFields } from './cloud.ts';
import type { ClientRequest, ClientResponse } from './exchange.ts';
import { Http2Response } from './http2/response.ts';

/** Sends JSON that is for nobody's cache. */
export function sendJson(
  response: ClientResponse,
  status: number,
  body: unknown,
  { type = 'application/json', ...fields }: { type?: string; 'www-authenticate'?: string } = {},
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...fields,
  });
  response.end(response.req.method === 'HEAD' ? undefined : text);
}

/** Passes on what comes before the answer (RFC 9110 §15.2); a client of HTTP/1.0 knows none of it. */
export function sendInterim(response: ClientResponse, status: number, headers: HeaderFields): void {
  if (response.headersSent || response.destroyed || response.req.httpVersion === '1.0') return;
  response.writeInformation(status, headers);
}

/** Sends what follows a head as it comes, at the client's pace. Rejects where one side breaks off; then both are broken off. */
export const sendStream = (
  response: ClientResponse,
  source: NodeJS.ReadableStream,
  ...through: NodeJS.ReadWriteStream[]
) => pipeline([source, ...through, response instanceof Http2Response ? response.sink() : response]);

/**
 * Answers with the problem document of an error (RFC 9457). Where an answer has already begun, its connection is broken
 * instead, so that the caller does not take a part for the whole. Does nothing once the caller has gone.
 */
export function sendProblem(response: ClientResponse, error: unknown): void {
  if (response.destroyed || response.writableEnded) return;
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const problem = clientProblemOf(error);
  for (const name of response.getHeaderNames()) response.removeHeader(name);
  // The rest of a body that nobody will read must not be taken for the next request.
  if (hasUnreadBody(response.req)) refuseRest(response);
  const challenge = problem.status === 401 ? { 'www-authenticate': 'Bearer' } : {};
  sendJson(response, problem.status, problem, { type: 'application/problem+json', ...challenge });
}

/** The problem document that a caller sees of any error. */
export function clientProblemOf(error: unknown): Problem {
  if (!(error instanceof CloudFault)) return problemOf(error);
  const code = error.fault === 'silent' ? 'LARDER_CLOUD_TIMEOUT' : 'LARDER_CLOUD_FAILED';
  return problemOf(new LarderError(code, '', { cause: error }));
}

const hasUnreadBody = (request: ClientRequest) => hasBody(request) && !request.readableEnded;

function refuseRest(response: ClientResponse): void {
  if (response instanceof Http2Response) response.refuseRest();
  else response.setHeader('connection', 'close');
}
