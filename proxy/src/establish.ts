/** What the edge finds out about a request before anybody answers it: its route, who is calling, and for whose eyes. */
import type { IncomingHttpHeaders } from 'node:http';
import type { App, Doc, Json, Req } from '@larder/sync/profile';
import { compileRoutes } from '@larder/sync/route';
import type { ClientRequest, ClientResponse, Exchange } from './exchange.ts';
import { assertAllowed } from './identity/caller.ts';
import type { Caller } from './identity/caller.ts';
import type { Identity } from './identity/identity.ts';
import { isSession } from './identity/sessions.ts';
import type { Target } from './target.ts';

export interface EstablishDeps {
  /** Null: a plain proxy. */
  app: Pick<App, 'user' | 'scope' | 'reads' | 'writes' | 'people'> | null;
  identity: Pick<Identity, 'identify'>;
  credentialScope(headers: IncomingHttpHeaders): string;
}

/**
 * Answers at once unless a token must be verified for the first time. Throws, or rejects, where the caller may not do this
 * here and now: see `assertAllowed`.
 */
export type Establish = (
  request: ClientRequest,
  response: ClientResponse,
  target: Target,
) => Exchange | Promise<Exchange>;

/** Compiles the app's routes. What the app does not list still gets an exchange, with neither read nor write. */
export function createEstablish({ app, identity, credentialScope }: EstablishDeps): Establish {
  const reads = compileRoutes(app?.reads ?? {});
  const writes = compileRoutes(app?.writes ?? {});
  const signIn = app?.people?.signIn?.route;

  function exchangeOf(
    request: ClientRequest,
    response: ClientResponse,
    target: Target,
    caller: Caller | null,
  ): Exchange {
    const method = request.method ?? 'GET';
    const { path, search } = target;
    const read = method === 'GET' || method === 'HEAD' ? reads.match('GET', path) : null;
    const write = read === null ? writes.match(method, path) : null;
    const params = read?.params ?? write?.params ?? {};
    if (caller !== null) assertAllowed(caller, read?.value ?? null, write?.value ?? null);
    if (caller?.graceLeft != null) response.setHeader(GRACE_FIELD, caller.graceLeft);
    // What only this edge understands goes nowhere else (I8).
    if (isSession(request.headers.authorization)) delete request.headers.authorization;
    const claims = caller?.claims ?? null;
    const req = new HeadOfRequest(request, target, params, claims);
    const user = app?.user(req) ?? null;
    // The app speaks only for users it has verified; other credentials are a scope of their own each (I8).
    const scope = app !== null && user !== null ? appScope(app.scope(user, req)) : credentialScope(request.headers);
    return {
      request,
      response,
      method,
      path,
      search,
      caller,
      claims,
      user,
      scope,
      params,
      read: read?.value ?? null,
      write: write?.value ?? null,
    };
  }

  return (request, response, target) => {
    // Whoever signs in is nobody yet, whatever was left of the last one.
    const isSignIn = signIn !== undefined && `${request.method} ${target.path}` === signIn;
    const caller = isSignIn ? null : identity.identify(request.headers);
    return caller instanceof Promise
      ? caller.then((verified) => exchangeOf(request, response, target, verified))
      : exchangeOf(request, response, target, caller);
  };
}

/** Seconds until the cloud's last word on the caller counts no longer; given from two days before. */
const GRACE_FIELD = 'larder-grace';

/** An app's scopes and those of unknown credentials must never be equal; what is for everybody stays so. */
const appScope = (scope: string) => (scope === '' ? '' : `app:${scope}`);

/** A request as the profile sees it before its body has been read; on the hot path, hence parsed only where asked. */
class HeadOfRequest implements Req {
  readonly method: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Json | undefined = undefined;
  readonly claims: Doc | null;
  readonly #search: string;
  #query: URLSearchParams | undefined;

  constructor(request: ClientRequest, { path, search }: Target, params: Record<string, string>, claims: Doc | null) {
    this.method = request.method ?? 'GET';
    this.path = path;
    this.params = params;
    // Only set-cookie, which no request has, comes as an array.
    this.headers = request.headers as Record<string, string>;
    this.claims = claims;
    this.#search = search;
  }

  get query(): URLSearchParams {
    return (this.#query ??= new URLSearchParams(this.#search));
  }
}
