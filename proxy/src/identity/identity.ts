/** Who is calling: verified claims where the app's tokens can be checked here, and in any case whose eyes an answer is for. */
import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { StateStore } from '@larder/sync/client';
import type { LinkState } from '@larder/sync/link';
import type { App, Doc } from '@larder/sync/profile';
import type { JSONWebKeySet } from 'jose';
import type { Cloud } from '../cloud.ts';
import type { Logger } from '../log.ts';
import { createKeys } from './keys.ts';
import { createKeyv } from './keyv-store.ts';
import { createTokens } from './tokens.ts';

export interface IdentityOptions {
  app: Pick<App, 'keys'>;
  cloud: Pick<Cloud, 'request'>;
  state: StateStore;
  /** The edge's time, ms since 1970. */
  clock(): number;
  /** Live: read at every request. `held`: the operator wants nothing sent. */
  link: { readonly state: LinkState; readonly held: boolean };
  log: Logger;
}

export interface Identity {
  /** Verified claims of the bearer token, or null. Answers at once where the token is known or there is none. */
  identify(headers: IncomingHttpHeaders): Doc | null | Promise<Doc | null>;
  /** Raised whenever a request that was identified before may be identified otherwise, other than by its token's end. */
  readonly age: number;
  /** Fetches the app's signing keys anew, where there is a way. Never rejects. */
  refresh(): Promise<void>;
}

/** A JWT in compact form (RFC 7519 §3). */
const BEARER = /^bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i;

/** Without the app's keys nobody is verified here. */
export const NOBODY: Identity = { identify: () => null, age: 0, refresh: () => Promise.resolve() };

/** Makes an identity; the kept keys are loaded at once, `refresh` brings the cloud's. */
export function createIdentity(options: IdentityOptions): Identity {
  const { app, link } = options;
  if (app.keys === undefined) return NOBODY;
  const reachable = () => link.state !== 'offline' && !link.held;
  const keys = createKeys({
    ...options,
    path: app.keys,
    kept: createKeyv<JSONWebKeySet>(options.state, 'identity'),
    reachable,
    changed: () => tokens.forget(),
  });
  const online = () => link.state === 'online' && !link.held;
  const tokens = createTokens({ find: keys.find, clock: options.clock, online });
  return {
    identify({ authorization }) {
      const token = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];
      return token === undefined ? null : tokens.verify(token);
    },
    get age() {
      return tokens.age;
    },
    refresh: () => (reachable() ? keys.refresh() : Promise.resolve()),
  };
}

/** Tells secrets apart without giving them away (I8). */
export const hideBy = (key: Uint8Array) => (secret: string) =>
  createHmac('sha256', key).update(secret).digest('base64url');

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
