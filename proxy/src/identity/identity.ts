/** Who is calling, and what they may do now: by the app's tokens, by this edge's own sessions, by the cloud's last word. */
import type { IncomingHttpHeaders } from 'node:http';
import type { StateStore } from '@larder/sync/client';
import { LarderError } from '@larder/sync/errors';
import type { LinkState } from '@larder/sync/link';
import type { App, Doc, User } from '@larder/sync/profile';
import type { JSONWebKeySet } from 'jose';
import type { Cloud } from '../cloud.ts';
import type { Logger } from '../log.ts';
import { verified } from './caller.ts';
import type { Caller } from './caller.ts';
import { graceOf } from './grace.ts';
import { hideBy } from './hide.ts';
import { createKeys } from './keys.ts';
import { createKeyv } from './keyv-store.ts';
import type { Known } from './known.ts';
import type { LocalSession } from './sessions.ts';
import { createTokens } from './tokens.ts';
import type { Token, Tokens } from './tokens.ts';

export interface IdentityOptions {
  app: Pick<App, 'keys' | 'user'>;
  cloud: Pick<Cloud, 'request'>;
  known: Known;
  state: StateStore;
  /** The edge's time, ms since 1970. */
  clock(): number;
  /** Live: read at every request. `held`: the operator wants nothing sent. */
  link: { readonly state: LinkState; readonly held: boolean };
  log: Logger;
}

export interface Identity {
  /** Whom the Authorization proves, or null. Answers at once where the token is known or there is none. */
  identify(headers: IncomingHttpHeaders): Caller | null | Promise<Caller | null>;
  /** What to answer somebody whom `identify` does not know, where only this edge can answer. */
  refusal(headers: IncomingHttpHeaders): LarderError;
  /** Raised whenever a request that was identified before may be identified otherwise, other than by the time. */
  readonly age: number;
  /** Fetches the app's signing keys anew, where there is a way. Never rejects. */
  refresh(): Promise<void>;
  /** The cloud gave this status to a request with this Authorization, which it cannot have answered without checking it. */
  heard(authorization: string, status: number): void;
  /** The token in an Authorization, if it has been verified. */
  tokenOf(authorization: string): Token | null;
}

/** A JWT in compact form (RFC 7519 §3). */
const BEARER = /^bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i;
const bearerOf = (authorization: string | undefined) =>
  authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];

/** Without the app's keys nobody is verified here. */
export const NOBODY: Identity = {
  identify: () => null,
  refusal: () => new LarderError('LARDER_UNAUTHENTICATED'),
  age: 0,
  refresh: () => Promise.resolve(),
  heard: () => undefined,
  tokenOf: () => null,
};

/** Makes an identity; the kept keys are loaded at once, `refresh` brings the cloud's. */
export function createIdentity(options: IdentityOptions): Identity {
  const { app, link, clock } = options;
  if (app.keys === undefined) return NOBODY;
  const { people, sessions, vouchings } = options.known;
  const reachable = () => link.state !== 'offline' && !link.held;
  const keys = createKeys({
    ...options,
    path: app.keys,
    kept: createKeyv<JSONWebKeySet>(options.state, 'identity'),
    reachable,
    changed: () => tokens.forget(),
  });
  const idOf = (claims: Doc) => userOf(app, claims)?.id ?? null;
  const tokens = createTokens({ find: keys.find, clock, idOf });
  const judge = createJudge(options);
  return {
    identify({ authorization }) {
      if (authorization === undefined) return null;
      const session = sessions.read(authorization);
      if (session !== null) return judge.session(session);
      const text = bearerOf(authorization);
      if (text === undefined) return null;
      const token = tokens.verify(text);
      return token instanceof Promise ? token.then(judge.token) : judge.token(token);
    },
    refusal: ({ authorization }) =>
      // To say that they are not signed in would make the app sign them out.
      new LarderError(
        keys.isKnown || bearerOf(authorization) === undefined ? 'LARDER_UNAUTHENTICATED' : 'LARDER_KEYS_UNKNOWN',
      ),
    get age() {
      return tokens.age + people.age + vouchings.age;
    },
    refresh: () => (reachable() ? keys.refresh() : Promise.resolve()),
    heard: (authorization, status) => hear(options, tokens, authorization, status),
    tokenOf(authorization) {
      const text = bearerOf(authorization);
      return text === undefined ? null : tokens.known(text);
    },
  };
}

/** A request that says nothing but who makes it. */
export const userOf = (app: Pick<App, 'user'>, claims: Doc): User | null =>
  app.user({
    method: 'GET',
    path: '/',
    params: {},
    query: new URLSearchParams(),
    headers: {},
    body: undefined,
    claims,
  });

/** What a good signature is worth here and now. */
function createJudge({ known: { people, vouchings }, clock, link }: IdentityOptions) {
  const isOnline = () => link.state === 'online' && !link.held;

  function token(found: Token | null): Caller | null {
    if (found === null) return null;
    const { id, issued, until, claims } = found;
    const now = clock();
    const person = id === null ? undefined : people.get(id);
    if (person !== undefined && (issued ?? 0) <= person.revokedAt) return null;
    // The cloud's later word on somebody stands above what an older token says of them.
    const said =
      person !== undefined && issued !== null && person.saidAt >= issued ? { ...claims, ...person.claims } : claims;
    if (isOnline()) return now < until ? { ...verified(said), until } : null;
    const since = Math.max(person?.accepted ?? 0, Math.min(issued ?? 0, now));
    if (since === 0) return now < until ? { ...verified(said), until } : null;
    const grace = graceOf(since, now);
    return grace === null ? null : { claims: said, isLocal: false, ...grace };
  }

  /** By a session of this edge: as long as the rights it rests on last, and no longer than the cloud is away. */
  function session({ user, issued, vouching }: LocalSession): Caller | null {
    const person = people.get(user);
    if (person === undefined || issued < person.sessionsFrom || issued <= people.settledAt) return null;
    const grace = graceOf(person.accepted, clock());
    if (grace === null) return null;
    if (vouching === null) return { claims: person.claims, isLocal: true, ...grace };
    const found = vouchings.get(vouching);
    if (found === null || grace.allowed !== 'all') return null;
    const until = Math.min(grace.until, found.until);
    return { claims: found.claims, isLocal: true, ...grace, allowed: 'reads-and-facts', until };
  }

  return { token, session };
}

/** What the cloud does with a token says whether it still accepts its user. */
function hear(
  { known: { people }, clock, log }: IdentityOptions,
  tokens: Tokens,
  authorization: string,
  status: number,
) {
  const text = bearerOf(authorization);
  const token = text === undefined ? null : tokens.known(text);
  if (token === null || token.id === null || token.issued === null || clock() >= token.until) return;
  const { id, claims, issued } = token;
  const heard =
    status === 401
      ? people.revoke({ id, claims, saidAt: issued })
      : status < 400
        ? people.accept({ id, claims, saidAt: issued })
        : null;
  heard?.catch((error: unknown) => log.warn({ err: error }, 'what the cloud said of a user could not be kept'));
}

/**
 * The scope of credentials that nobody here can check: their holder's alone, by an HMAC, so that no stored scope gives
 * them away (I8). Empty where the request carries none.
 */
export function createCredentialScope(secret: Uint8Array): (headers: IncomingHttpHeaders) => string {
  const hide = hideBy(secret);
  return ({ authorization, cookie }) => {
    if (authorization === undefined && cookie === undefined) return '';
    // JSON keeps the two apart: no cookie can be written so that it reads as an authorization.
    const credentials = JSON.stringify([authorization ?? null, cookie ?? null]);
    return `credential:${hide(credentials)}`;
  };
}
