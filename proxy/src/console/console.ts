/** The edge's own pages: health, status, metrics; and what the operator may do: hold the link, purge, ask why. */
import type { BoxOrder, BoxStatus } from '@larder/sync/client';
import { LarderError } from '@larder/sync/errors';
import * as z from 'zod';
import type { ClientRequest, ClientResponse } from '../exchange.ts';
import type { Link } from '../link/link.ts';
import { sendJson } from '../respond.ts';
import type { Target } from '../target.ts';
import type { Metrics } from './metrics.ts';
import { commandPage, operatorOf } from './operator.ts';
import type { OperatorDeps, Page } from './operator.ts';
import { orderOf, PurgeOrder } from './purge.ts';
import type { Purged } from './purge.ts';
import { Question } from './explain.ts';
import type { Explanation } from './explain.ts';
import { isInbox } from './inbox.ts';
import { linkStatusOf, statusOf } from './status.ts';
import type { StatusSources } from './status.ts';

/** Changes need the operator's token, figures do not. */
export interface ConsoleDeps extends OperatorDeps {
  sources: StatusSources;
  metrics: Metrics;
  /** Is this process fit to serve? Says nothing of the cloud. */
  healthy(): boolean;
  /** Logs who holds or releases it. */
  link: Pick<Link, 'hold' | 'release'>;
  purge(order: PurgeOrder, who: string): Promise<Purged>;
  explain(question: Question): Promise<Explanation>;
  /** Begins an audit of the replica; its number. Rejects where there is no replica. */
  audit(who: string): Promise<{ run: number }>;
  /** Lets a box send that is not the current one, or makes it the current one. Rejects where there is no queue. */
  box(order: BoxOrder, who: string): Promise<BoxStatus>;
  /** Pages of the people who work here, by method and path. */
  people: Readonly<Record<string, Page>>;
  /** Answers everything at the inbox's addresses. */
  inbox: Console;
}

const Nothing = z.strictObject({});
const Hold = z.strictObject({ hold: z.boolean() });

/**
 * Makes the handler of everything below `/_edge/`, of `/metrics`, and of the method PURGE, which is the edge's own: it
 * never reaches the cloud. Rejects with a `LarderError`.
 */
export function createConsole(deps: ConsoleDeps): Console {
  const pages: Record<string, Page> = {
    ...deps.people,
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
    'POST /_edge/link': commandPage(deps, Hold, ({ hold }, by) => {
      if (hold) deps.link.hold(by);
      else deps.link.release(by);
      return linkStatusOf(deps.sources.link);
    }),
    'POST /_edge/purge': commandPage(deps, PurgeOrder, deps.purge),
    'POST /_edge/audit': commandPage(deps, Nothing, (_nothing, by) => deps.audit(by)),
    'POST /_edge/box/authorise': commandPage(deps, Nothing, (_nothing, by) => deps.box('authorise', by)),
    'POST /_edge/box/take-over': commandPage(deps, Nothing, (_nothing, by) => deps.box('take-over', by)),
    'POST /_edge/explain': commandPage(deps, Question, deps.explain),
  };
  return async (request, response, target) => {
    if (request.method === 'PURGE') {
      const by = operatorOf(request, deps);
      return sendJson(response, 200, await deps.purge(orderOf(request, target), by));
    }
    if (isInbox(target)) return deps.inbox(request, response, target);
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const page = pages[`${method} ${target.path}`];
    if (page === undefined) throw new LarderError('LARDER_NOT_FOUND');
    await page(request, response);
  };
}

export type Console = (request: ClientRequest, response: ClientResponse, target: Target) => Promise<void>;
