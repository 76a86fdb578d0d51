/** The edge's own pages: health, status, metrics, and the operator's hold on the link. */
import { hash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LarderError } from '@larder/sync/errors';
import { readBody } from '../body.ts';
import type { Link } from '../link/link.ts';
import type { Logger } from '../log.ts';
import { sendJson } from '../respond.ts';
import type { Target } from '../target.ts';
import type { Metrics } from './metrics.ts';
import { linkStatusOf, statusOf } from './status.ts';
import type { StatusSources } from './status.ts';

export interface ConsoleDeps {
  sources: StatusSources;
  metrics: Metrics;
  /** Is this process fit to serve? Says nothing of the cloud. */
  healthy(): boolean;
  /** Logs who holds or releases it. */
  link: Pick<Link, 'hold' | 'release'>;
  /** The operator's credential: changes need it, figures do not. */
  token: string;
  log: Logger;
}

type Page = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

const MAX_BODY = 4_096;

/** Makes the handler of everything below `/_edge/`, and of `/metrics`. Rejects with a `LarderError`. */
export function createConsole(deps: ConsoleDeps): Console {
  const pages: Record<string, Page> = {
    'GET /_edge/health': (_request, response) => {
      const healthy = deps.healthy();
      sendJson(response, healthy ? 200 : 503, { status: healthy ? 'ok' : 'failing' });
    },
    'GET /_edge/status': (_request, response) => sendJson(response, 200, statusOf(deps.sources)),
    'GET /metrics': async (request, response) => {
      const text = await deps.metrics.render();
      response.writeHead(200, { 'content-type': deps.metrics.contentType, 'cache-control': 'no-store' });
      response.end(request.method === 'HEAD' ? undefined : text);
    },
    'POST /_edge/link': (request, response) => changeLink(deps, request, response),
  };
  return async (request, response, { path }) => {
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const page = pages[`${method} ${path}`];
    if (page === undefined) throw new LarderError('LARDER_NOT_FOUND');
    await page(request, response);
  };
}

export type Console = (request: IncomingMessage, response: ServerResponse, target: Target) => Promise<void>;

async function changeLink(deps: ConsoleDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const from = request.socket.remoteAddress ?? 'unknown address';
  if (!isOperator(request, deps.token)) {
    deps.log.warn({ from }, 'a change of the link was refused: wrong or no console token');
    throw new LarderError('LARDER_UNAUTHENTICATED', "The token is in the data directory's file console-token.");
  }
  const held = parseHold(await readBody(request, MAX_BODY));
  const by = `operator at ${from}`;
  if (held) deps.link.hold(by);
  else deps.link.release(by);
  sendJson(response, 200, linkStatusOf(deps.sources.link));
}

/** Compared by hash, so that neither length nor content shows in the time it takes. */
function isOperator({ headers }: IncomingMessage, token: string): boolean {
  const digest = (text: string) => hash('sha256', text, 'buffer');
  return timingSafeEqual(digest(headers.authorization ?? ''), digest(`Bearer ${token}`));
}

function parseHold(body: string | null): boolean {
  try {
    const { hold } = JSON.parse(body ?? '') as { hold?: unknown };
    if (typeof hold === 'boolean') return hold;
  } catch {
    // Told below, together with the wrong shape.
  }
  throw new LarderError('LARDER_BODY_INVALID', 'Expected {"hold": true} or {"hold": false}.');
}
