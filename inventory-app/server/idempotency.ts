/**
 * The cloud's side of an Idempotency-Key. A key is claimed under a lease before its request is looked at; effect, result
 * and feed commit together, and that transaction's last step writes the result over the lease it holds. Who has lost
 * the lease meanwhile (it stalled, and a repeat took over) writes over nothing, and rolls back: the lease's token is a
 * fence (I2).
 *
 *   no row ──claim──▶ leased ──complete──▶ done, for 90 days
 *      ▲                │  ▲
 *      └────release─────┘  └─ claim by a repeat, once the lease has run out
 */
import { createHash, randomUUID } from 'node:crypto';
import { Prisma } from '../prisma/generated/sqlite/client.ts';
import { ProblemError } from '../rules/problems.ts';
import type { Answer, Call } from './call.ts';
import type { Transaction } from './db/open.ts';
import type { Services } from './services.ts';

export const LEASE_MS = 30_000;
/** How long a key's result is kept. */
export const KEPT_MS = 90 * 24 * 60 * 60 * 1000;

/** A key belongs to whoever acts: two users may use the same one. */
export interface KeyScope {
  userId: string;
  key: string;
}

export interface Lease extends KeyScope {
  token: string;
}

export type Claim =
  /** Nobody else works on it: go on. */
  | { type: 'leased'; lease: Lease }
  /** It was done before: this is what came of it. */
  | { type: 'done'; answer: Answer }
  /** Somebody is at it. */
  | { type: 'in-flight' };

/** This request's lease was taken over: what it did must not count. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/** The request's key; null where it has none. Throws `invalid-key`. */
export function keyOf(headers: Readonly<Record<string, string>>): string | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) throw new ProblemError('invalid-key');
  return key;
}

/** What makes two requests the same: method, path with query, and the body byte for byte. */
export function fingerprintOf({ method, url, body }: Pick<Call, 'method' | 'url' | 'body'>): string {
  return createHash('sha256').update(`${method}\n${url}\n`).update(body).digest('hex');
}

/** Claims a key for a request, or says what has become of it. Throws `key-mismatch` where another request used it. */
export async function claimKey(services: Services, scope: KeyScope, fingerprint: string): Promise<Claim> {
  const { prisma } = services.database;
  // Each further round means that somebody else got on with this key.
  for (;;) {
    const now = services.now();
    const lease = { ...scope, token: randomUUID() };
    const row = await prisma.idempotencyKey.findUnique({ where: { userId_key: scope } });
    if (row === null) {
      if (await inserted(services, lease, fingerprint, now)) return { type: 'leased', lease };
      continue;
    }
    if (row.fingerprint !== fingerprint) throw new ProblemError('key-mismatch');
    if (row.status !== null) return { type: 'done', answer: answerIn(row.status, row.headers, row.body) };
    if (row.leaseUntil !== null && row.leaseUntil > now.toISOString()) return { type: 'in-flight' };
    const { count } = await prisma.idempotencyKey.updateMany({
      where: { ...scope, leaseToken: row.leaseToken, status: null },
      data: { leaseToken: lease.token, leaseUntil: leaseEnd(now) },
    });
    if (count === 1) return { type: 'leased', lease };
  }
}

const leaseEnd = (now: Date) => new Date(now.getTime() + LEASE_MS).toISOString();

function answerIn(status: number, headers: string | null, body: string | null): Answer {
  return { status, headers: JSON.parse(headers ?? '{}') as Record<string, string>, body };
}

/** False where another request was quicker. */
async function inserted(services: Services, lease: Lease, fingerprint: string, now: Date): Promise<boolean> {
  const { userId, key, token } = lease;
  const expiresAt = new Date(now.getTime() + KEPT_MS).toISOString();
  const data = { userId, key, fingerprint, leaseToken: token, createdAt: now.toISOString(), expiresAt };
  try {
    await services.database.prisma.idempotencyKey.create({ data: { ...data, leaseUntil: leaseEnd(now) } });
    return true;
  } catch (error) {
    if (isUniqueViolation(error)) return false;
    throw error;
  }
}

/**
 * Writes the result over the lease: the last step of the transaction that did the work. Throws `LeaseLost`, so that all
 * of it rolls back, where the lease is no longer this request's.
 */
export async function completeKey(tx: Transaction, { userId, key, token }: Lease, answer: Answer): Promise<void> {
  const { count } = await tx.idempotencyKey.updateMany({
    where: { userId, key, leaseToken: token },
    data: {
      leaseToken: null,
      leaseUntil: null,
      status: answer.status,
      headers: JSON.stringify(answer.headers),
      body: answer.body,
    },
  });
  if (count !== 1) throw new LeaseLost();
}

/** Gives a claim back that came to nothing final: the same request may be sent again at once. */
export async function releaseKey(services: Services, { userId, key, token }: Lease): Promise<void> {
  await services.database.prisma.idempotencyKey.deleteMany({ where: { userId, key, leaseToken: token } });
}

/** Forgets, and counts, what has been kept for long enough. */
export async function purgeKeys({ database, now }: Services): Promise<number> {
  const { count } = await database.prisma.idempotencyKey.deleteMany({
    where: { expiresAt: { lt: now().toISOString() } },
  });
  return count;
}

/** Did the database refuse a row because another has its unique value? */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Prisma.PrismaClientKnownRequestError && error.code === 'P2002';
}
