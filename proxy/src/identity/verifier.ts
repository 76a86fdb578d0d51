/**
 * What a password, PIN or code is checked against while the cloud is away: scrypt (RFC 7914) under a salt of its own,
 * 32 MiB and about a tenth of a second for each guess. Few at a time, for the box has other work (I11).
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { LarderError } from '@larder/sync/errors';

export interface Verifier {
  /** What is kept of a secret. */
  make(secret: string): Promise<string>;
  /** Compares in constant time. Null, for somebody who is not known, takes as long and is false. */
  matches(secret: string, kept: string | null): Promise<boolean>;
}

/** log2 of scrypt's N; OWASP's password storage cheat sheet. */
export const COST = 15;
const R = 8;
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const AT_ONCE = 2;
const MOST_WAITING = 32;

/** @param cost log2 of N. Rejects with `LARDER_LOCKED_OUT` where too many wait. */
export function createVerifier(cost = COST): Verifier {
  const gate = createGate();
  const derive = (secret: string, salt: Buffer) => gate(() => scryptOf(secret, salt, cost));
  return {
    async make(secret) {
      const salt = randomBytes(SALT_BYTES);
      return Buffer.concat([salt, await derive(secret, salt)]).toString('base64url');
    },
    async matches(secret, kept) {
      const bytes = kept === null ? randomBytes(SALT_BYTES + HASH_BYTES) : Buffer.from(kept, 'base64url');
      const found = await derive(secret, bytes.subarray(0, SALT_BYTES));
      const wanted = bytes.subarray(SALT_BYTES);
      return wanted.length === HASH_BYTES && timingSafeEqual(found, wanted) && kept !== null;
    },
  };
}

function scryptOf(secret: string, salt: Buffer, cost: number): Promise<Buffer> {
  const N = 2 ** cost;
  // Composed and decomposed accents are the same password (RFC 8265 §4.1.2).
  const normal = secret.normalize('NFC');
  return new Promise((resolve, reject) => {
    scrypt(normal, salt, HASH_BYTES, { N, r: R, p: 1, maxmem: 256 * N * R }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
  });
}

function createGate() {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= AT_ONCE) {
      if (waiting.length >= MOST_WAITING)
        throw new LarderError('LARDER_LOCKED_OUT', 'Too many people sign in at once.');
      // Whoever ends hands its place on.
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running++;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) running--;
      else next();
    }
  };
}
