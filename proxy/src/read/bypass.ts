/** Requests that the cache can neither answer nor learn from: passed to the cloud as they are. */
import type { CloudAnswer } from '../cache/fetch.ts';
import { parseDirectives } from '../cache/directives.ts';
import type { Ticket } from '../cache/fill.ts';
import type { Cloud } from '../cloud.ts';
import type { Exchange } from '../exchange.ts';
import { clientOf, fieldsOf } from '../forward.ts';
import { sendInterim } from '../respond.ts';

export interface Bypass {
  /** It asks for less than the cache can learn from, or wants nothing of it kept. */
  isNeeded(exchange: Exchange): boolean;
  /** It sets a condition that only the origin can judge (RFC 9111 §4.3.2). */
  hasPrecondition(exchange: Exchange): boolean;
  /** It asks for a part and nothing else, which can be stored. */
  isForPart(exchange: Exchange): boolean;
  /** It sets a condition that the cache could judge. */
  isConditional(exchange: Exchange): boolean;
  fetch(exchange: Exchange): Ticket;
}

/** `hardTimeout`: longest wait for the head of an answer, ms. */
export function createBypass({ cloud, hardTimeout }: { cloud: Pick<Cloud, 'request'>; hardTimeout: number }): Bypass {
  const hasPrecondition = ({ request: { headers } }: Exchange) =>
    headers['if-match'] !== undefined || headers['if-unmodified-since'] !== undefined;

  const isConditional = ({ request: { headers } }: Exchange) =>
    headers['if-none-match'] !== undefined || headers['if-modified-since'] !== undefined;

  async function ask(exchange: Exchange, leaving: AbortController): Promise<CloudAnswer> {
    const { method, path, search, request, response } = exchange;
    const answer = await cloud.request({
      method,
      path: path + search,
      headers: fieldsOf(request),
      body: null,
      client: clientOf(request),
      timeout: hardTimeout,
      signal: leaving.signal,
      onInterim: (status, headers) => sendInterim(response, status, headers),
    });
    return { type: 'through', head: answer, body: answer.body, refusal: null };
  }

  const isForPart = (exchange: Exchange) => {
    const { range, 'if-range': ifRange } = exchange.request.headers;
    return exchange.method === 'GET' && range !== undefined && ifRange === undefined && !isConditional(exchange);
  };

  return {
    hasPrecondition,
    isForPart,
    isConditional,
    isNeeded(exchange) {
      const { headers } = exchange.request;
      if (exchange.method !== 'GET' || hasPrecondition(exchange)) return true;
      if (headers.range !== undefined && !isForPart(exchange)) return true;
      return headers['cache-control'] !== undefined && parseDirectives(headers['cache-control']).has('no-store');
    },
    fetch(exchange) {
      const leaving = new AbortController();
      const answer = ask(exchange, leaving);
      answer.catch(() => undefined);
      return { answer, leave: () => leaving.abort() };
    },
  };
}
