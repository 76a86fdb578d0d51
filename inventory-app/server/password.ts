/** Passwords are kept as scrypt hashes in the PHC string format: `$scrypt$ln=15,r=8,p=1$<salt>$<hash>`. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

interface Cost {
  /** log2 of N. */
  ln: number;
  r: number;
  p: number;
}

/** 32 MiB and about a tenth of a second for each guess (OWASP's password storage cheat sheet, scrypt). */
const COST: Cost = { ln: 15, r: 8, p: 1 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;
const FORMAT = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w+/]+)\$([\w+/]+)$/;

/** Costs 32 MiB and runs in libuv's thread pool. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, COST, HASH_BYTES);
  return `$scrypt$ln=${COST.ln},r=${COST.r},p=${COST.p}$${text(salt)}$${text(hash)}`;
}

/** Compares in constant time, at the cost the hash was made with. False for a string of another format. */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const match = FORMAT.exec(hash);
  if (match === null) return false;
  const [, ln, r, p, salt = '', expected = ''] = match;
  const wanted = Buffer.from(expected, 'base64');
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  const actual = await derive(password, Buffer.from(salt, 'base64'), cost, wanted.length);
  return timingSafeEqual(actual, wanted);
}

/** The PHC format's base64 has no padding. */
const text = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '');

function derive(password: string, salt: Buffer, { ln, r, p }: Cost, length: number): Promise<Buffer> {
  const N = 2 ** ln;
  // Node refuses what needs more than 32 MiB unless told; scrypt needs 128·N·r and a little.
  const options = { N, r, p, maxmem: 128 * N * r * 2 };
  // Composed and decomposed accents are the same password (RFC 8265 §4.1.2).
  const normal = password.normalize('NFC');
  return new Promise((resolve, reject) => {
    scrypt(normal, salt, length, options, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}
