/** Bearer tokens: their signature is verified once, their time every time. */
import { hash } from 'node:crypto';
import type { Doc } from '@larder/sync/profile';
import { compactVerify } from 'jose';
import type { CompactVerifyGetKey } from 'jose';
import { LRUCache } from 'lru-cache';

export interface TokensOptions {
  find: CompactVerifyGetKey;
  clock(): number;
  /** While the cloud can be asked, a token that has run out is worth nothing. */
  online(): boolean;
}

export interface Tokens {
  /** The claims of a token, or null. A token seen before is answered at once, without a promise. */
  verify(token: string): Doc | null | Promise<Doc | null>;
  /** Raised whenever verdicts are forgotten: what was found out under another age may be wrong. */
  readonly age: number;
  /** Forgets every verdict: the keys have changed. */
  forget(): void;
}

/** How long after its end a token still counts while the cloud cannot be asked for a new one, ms. */
export const GRACE = 7 * 24 * 3_600_000;
/** Clocks of box and cloud may differ by this much, ms. */
const SKEW = 60_000;
const MAX_TOKENS = 5_000;
const MAX_TOKEN_LENGTH = 8_192;

/** Asymmetric signatures only: `none` proves nothing, and an HMAC under a public key would be anybody's. */
const ALGORITHMS = 'ES256 ES384 ES512 RS256 RS384 RS512 PS256 PS384 PS512 EdDSA Ed25519'.split(' ');

/** Claims by which a token can be dated; one without an end would be good for ever (I8). */
interface Dated {
  claims: Doc;
  /** ms since 1970. */
  from: number;
  until: number;
}

export function createTokens({ find, clock, online }: TokensOptions): Tokens {
  // By hash, so that no credential lies about in memory longer than its request.
  const verified = new LRUCache<string, Dated>({ max: MAX_TOKENS });
  let keysAge = 0;

  const inTime = ({ claims, from, until }: Dated): Doc | null => {
    const now = clock();
    if (now + SKEW < from) return null;
    return now < until || (!online() && now < until + GRACE) ? claims : null;
  };

  async function verifyNow(token: string, id: string): Promise<Doc | null> {
    let age = keysAge;
    const findLatest: CompactVerifyGetKey = async (header, input) => {
      age = keysAge;
      const key = await find(header, input);
      return age === keysAge ? key : findLatest(header, input);
    };
    try {
      const { payload } = await compactVerify(token, findLatest, { algorithms: ALGORITHMS });
      const dated = dateClaims(JSON.parse(Buffer.from(payload).toString('utf8')));
      if (dated === null) return null;
      if (age === keysAge) verified.set(id, dated);
      return inTime(dated);
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
      return known === undefined ? verifyNow(token, id) : inTime(known);
    },
    forget() {
      keysAge++;
      verified.clear();
    },
  };
}

function dateClaims(claims: unknown): Dated | null {
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) return null;
  const { exp, nbf } = claims as { exp?: unknown; nbf?: unknown };
  if (typeof exp !== 'number' || (nbf !== undefined && typeof nbf !== 'number')) return null;
  return { claims: claims as Doc, from: (nbf ?? 0) * 1000, until: exp * 1000 };
}
