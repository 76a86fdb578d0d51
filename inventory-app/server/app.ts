/** The HTTP server: the routes' table on Fastify. All of HTTP's own limits and habits are here. */
import fastifyStatic from '@fastify/static';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { fileURLToPath } from 'node:url';
import { problemAnswer } from '../rules/answers.ts';
import { ProblemError } from '../rules/problems.ts';
import { API } from '../rules/resources.ts';
import { signingKeyOf } from './auth/signing-key.ts';
import { createThrottle } from './auth/throttle.ts';
import { tokensOf } from './auth/tokens.ts';
import { type Answer, type Call, answerOf, jsonAnswer } from './call.ts';
import type { Database } from './db/open.ts';
import { followChanges } from './feed/poll.ts';
import { FeedWatch } from './feed/watch.ts';
import { openApi } from './openapi.ts';
import { ROUTES } from './routes.ts';
import type { Services } from './services.ts';
import { setting } from './settings.ts';

const BODY_LIMIT = 1024 * 1024;
const HEADER_LIMIT = 16 * 1024;
/** Longer than proxies keep idle connections, so that it is they who close them. */
const KEEP_ALIVE_MS = 75_000;
const REQUEST_MS = 30_000;
/** For requests under way when the server ends: an orchestrator kills soon after. */
const GRACE_MS = 1500;
const LIVE = `${API}/changes/live`;
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
const SHELL_CACHING = 'public, max-age=60, stale-while-revalidate=86400, stale-if-error=604800';
/** Names in there change with their content. */
const ASSETS = '/assets/';
const ASSET_CACHING = 'public, max-age=31536000, immutable';
const PAGE = fileURLToPath(new URL('../web/dist/', import.meta.url));

export interface AppOptions {
  database: Database;
  log: FastifyBaseLogger;
  /** The clock; the machine's where it is not given. */
  now?: () => Date;
}

export interface App {
  http: FastifyInstance;
  services: Services;
}

/** Builds the server on a migrated database. It does not listen yet; `http.close()` also ends the live feeds. */
export async function buildApp({ database, log, now = () => new Date() }: AppOptions): Promise<App> {
  const installation = await setting(database, 'installation');
  await setting(database, 'epoch');
  const tokens = tokensOf(await signingKeyOf(database, now()), now);
  const services: Services = {
    database,
    now,
    log,
    tokens,
    throttle: createThrottle(now),
    feed: new FeedWatch(database),
  };

  const http = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: REQUEST_MS,
    forceCloseConnections: 'idle',
    http: { maxHeaderSize: HEADER_LIMIT, headersTimeout: REQUEST_MS },
    routerOptions: { maxParamLength: 600, ignoreTrailingSlash: false },
    frameworkErrors: (error, _request, reply) =>
      void send(reply.header('inventory-app', installation), problemOf(error)),
  });
  // Every body arrives as the bytes it is: a key's fingerprint is taken of them, and validation comes after the key.
  http.removeAllContentTypeParsers();
  http.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  http.addHook('onRequest', async (_request, reply) => void reply.header('inventory-app', installation));
  http.addHook('onResponse', async (request, reply) => logAnswer(log, request, reply));
  http.setErrorHandler((error, request, reply) => {
    const answer = problemOf(error);
    if (answer.status >= 500) log.error({ err: error, method: request.method, path: pathOf(request.url) }, 'fault');
    return send(reply, answer);
  });
  http.setNotFoundHandler((_request, reply) => send(reply, problemOf(new ProblemError('not-found'))));
  // Connections on which nothing was ever asked count as busy, and would be waited for.
  http.addHook('preClose', async () => void setTimeout(() => http.server.closeAllConnections(), GRACE_MS).unref());
  addRoutes(http, services);
  await http.register(fastifyStatic, {
    root: PAGE,
    cacheControl: false,
    preCompressed: true,
    setHeaders: (reply, path) =>
      void reply.header('cache-control', path.includes(ASSETS) ? ASSET_CACHING : SHELL_CACHING),
  });
  return { http, services };
}

function addRoutes(http: FastifyInstance, services: Services): void {
  const described = jsonAnswer(openApi(), { 'cache-control': 'public, max-age=300' });
  const allowed = new Map<string, string[]>();
  const add = (method: string, path: string, handler: (request: FastifyRequest, reply: FastifyReply) => unknown) => {
    // HEAD of the live feed would follow it for nobody.
    http.route({ method, url: path, handler, exposeHeadRoute: method === 'GET' && path !== LIVE });
    allowed.set(path, [...(allowed.get(path) ?? []), method]);
  };

  for (const { method, path, handle } of ROUTES)
    add(method, path, async (request, reply) => send(reply, await handle(services, callOf(request))));
  add('GET', `${API}/openapi.json`, (_request, reply) => send(reply, described));

  const ending = new AbortController();
  http.addHook('preClose', async () => ending.abort());
  add('GET', LIVE, async (request, reply) => {
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const stream = await followChanges(services, callOf(request), AbortSignal.any([gone.signal, ending.signal]));
    // The connection ends with the stream: else the server, ending, would wait for it as for one that is kept alive.
    const headers = { 'content-type': 'text/event-stream', 'cache-control': 'no-store', connection: 'close' };
    return reply.headers(headers).send(stream);
  });

  for (const [url, methods] of allowed) {
    const others = METHODS.filter((method) => !methods.includes(method));
    const refusal = problemOf(new ProblemError('method-not-allowed'));
    http.route({
      method: others,
      url,
      handler: (_request, reply) => send(reply.header('allow', methods.join(', ')), refusal),
    });
  }
}

function callOf(request: FastifyRequest): Call {
  const { method, url, body } = request;
  return {
    method,
    url,
    params: request.params as Record<string, string>,
    query: new URLSearchParams(url.slice(pathOf(url).length)),
    headers: headersOf(request),
    body: Buffer.isBuffer(body) ? body : Buffer.alloc(0),
  };
}

/** Node has joined what was repeated; only Set-Cookie, which no request has, is ever a list. */
function headersOf({ headers }: FastifyRequest): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}

const pathOf = (url: string): string => url.split('?', 1)[0] ?? '';

function send(reply: FastifyReply, { status, headers, body }: Answer): FastifyReply {
  // Unless an answer says otherwise, nobody keeps it.
  return reply
    .code(status)
    .header('cache-control', 'no-store')
    .headers(headers)
    .send(body ?? undefined);
}

const FASTIFY_CODES: Readonly<Record<string, ProblemError>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: new ProblemError('body-too-large', `At most ${BODY_LIMIT} bytes.`),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: new ProblemError('invalid-body', 'Its length is not what Content-Length says.'),
  FST_ERR_BAD_URL: new ProblemError('not-found'),
};

/** The answer to an error of ours, or to one of Fastify's own. */
function problemOf(error: unknown): Answer {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return answerOf(problemAnswer(FASTIFY_CODES[code] ?? error));
}

/** A line for each answer. Neither headers nor query: they hold credentials and customers' names. */
function logAnswer(log: FastifyBaseLogger, request: FastifyRequest, reply: FastifyReply): void {
  const { method, url } = request;
  log.info({ method, path: pathOf(url), status: reply.statusCode, ms: Math.round(reply.elapsedTime) }, 'answered');
}
