/** Bearer tokens: their signature is verified once, their time every time. */
import { hash } from 'node:crypto';
import type { Doc } from '@larder/sync/profile';
import { compactVerify } from 'jose';
import type { CompactVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';

export interface TokensOptions {
  find: CompactVerifyGetKey;
  clock(): number;
  /** Whom the app takes verified claims for; null: nobody. */
  idOf(claims: Doc): string | null;
}

/** A token whose signature is good. One without an end would be good for ever, and is none (I8). */
export interface Token {
  claims: Doc;
  /** Of the user. */
  id: string | null;
  /** ms since 1970, by the cloud's clock; `issued` null: it does not say. */
  issued: number | null;
  until: number;
}

export interface Tokens {
  /** The token, or null; whether it has run out is for the caller to judge. One seen before is answered at once. */
  verify(token: string): Token | null | Promise<Token | null>;
  /** One that has been verified; null: not, or not any more. */
  known(token: string): Token | null;
  /** Raised whenever verdicts are forgotten: what was found out under another age may be wrong. */
  readonly age: number;
  /** Forgets every verdict: the keys have changed. */
  forget(): void;
}

/** Clocks of box and cloud may differ by this much, ms. */
const SKEW = 60_000;
const MAX_TOKENS = 5_000;
const MAX_TOKEN_LENGTH = 8_192;

/** Asymmetric signatures only: `none` proves nothing, and an HMAC under a public key would be anybody's. */
const ALGORITHMS = 'ES256 ES384 ES512 RS256 RS384 RS512 PS256 PS384 PS512 EdDSA Ed25519'.split(' ');

interface Dated extends Token {
  /** ms since 1970. */
  from: number;
}

export function createTokens({ find, clock, idOf }: TokensOptions): Tokens {
  // By hash, so that no credential lies about in memory longer than its request.
  const verified = new LRUCache<string, Dated>({ max: MAX_TOKENS });
  let keysAge = 0;

  const begun = (token: Dated): Token | null => (clock() + SKEW < token.from ? null : token);

  async function verifyNow(token: string, id: string): Promise<Token | null> {
    let age = keysAge;
    const findLatest: CompactVerifyGetKey = async (header, input) => {
      age = keysAge;
      const key = await find(header, input);
      return age === keysAge ? key : findLatest(header, input);
    };
    try {
      const { payload } = await compactVerify(token, findLatest, { algorithms: ALGORITHMS });
      const dated = dateClaims(JSON.parse(Buffer.from(payload).toString('utf8')), idOf);
      if (dated === null) return null;
      if (age === keysAge) verified.set(id, dated);
      return begun(dated);
    } catch {
      // Whatever is wrong with it, the cloud decides what it is worth.
      return null;
    }
  }

  return {
    get age() {
      return keysAge;
    },
    verify(token) {
      if (token.length > MAX_TOKEN_LENGTH) return null;
      const id = hash('sha256', token, 'base64url');
      const known = verified.get(id);
      return known === undefined ? verifyNow(token, id) : begun(known);
    },
    known: (token) => verified.get(hash('sha256', token, 'base64url')) ?? null,
    forget() {
      keysAge++;
      verified.clear();
    },
  };
}

function dateClaims(claims: unknown, idOf: TokensOptions['idOf']): Dated | null {
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) return null;
  const { exp, nbf, iat } = claims as { exp?: unknown; nbf?: unknown; iat?: unknown };
  if (typeof exp !== 'number' || (nbf !== undefined && typeof nbf !== 'number')) return null;
  return {
    claims: claims as Doc,
    id: idOf(claims as Doc),
    issued: typeof iat === 'number' ? iat * 1000 : null,
    from: (nbf ?? 0) * 1000,
    until: exp * 1000,
  };
}
