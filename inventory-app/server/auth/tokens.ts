/** Users' tokens: JWTs that an edge can verify by the published key, without asking. */
import { SignJWT, errors, jwtVerify } from 'jose';
import type { Doc } from '@larder/sync/profile';
import type { Role } from '../../rules/rights.ts';
import { ALGORITHM, type SigningKey } from './signing-key.ts';

const ISSUER = 'inventory-app';
const LIFETIME_MS = 12 * 60 * 60 * 1000;

export interface TokenUser {
  id: string;
  username: string;
  name: string;
  role: Role;
  storeId: string | null;
}

export interface Tokens {
  issue(user: TokenUser): Promise<{ token: string; expiresAt: string }>;
  /** The id of the user whom a token names; null where it is not ours, not whole, or has expired. */
  verify(token: string): Promise<string | null>;
  /** The JWK Set of the keys that verify. */
  readonly published: { keys: Doc[] };
}

/** What a token says of its user, beside who it is. */
export const claimsOf = ({ username, name, role, storeId }: TokenUser) => ({ username, name, role, storeId });

export function tokensOf(key: SigningKey, now: () => Date): Tokens {
  return {
    published: { keys: [key.publicJwk] },
    async issue(user) {
      // A token's times are whole seconds.
      const issuedAt = new Date(Math.floor(now().getTime() / 1000) * 1000);
      const expiresAt = new Date(issuedAt.getTime() + LIFETIME_MS);
      const token = await new SignJWT(claimsOf(user))
        .setProtectedHeader({ alg: ALGORITHM, kid: key.id })
        .setIssuer(ISSUER)
        .setSubject(user.id)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .sign(key.privateKey);
      return { token, expiresAt: expiresAt.toISOString() };
    },
    async verify(token) {
      const options = { issuer: ISSUER, algorithms: [ALGORITHM], requiredClaims: ['sub', 'exp'], currentDate: now() };
      try {
        const { payload } = await jwtVerify(token, key.publicKey, options);
        return payload.sub ?? null;
      } catch (error) {
        if (error instanceof errors.JOSEError) return null;
        throw error;
      }
    },
  };
}
