/** Who calls: a person with a token, or an edge with its own credential. */
import { createHash } from 'node:crypto';
import { ProblemError } from '../../rules/problems.ts';
import type { Actor, Role } from '../../rules/rights.ts';
import type { Services } from '../services.ts';

export interface Person {
  id: string;
  username: string;
  name: string;
  role: Role;
  storeId: string | null;
  active: boolean;
}

export interface EdgeBox {
  id: string;
  storeId: string;
}

export type Caller = { type: 'user'; user: Person } | { type: 'edge'; edge: EdgeBox };

const EDGE_PREFIX = 'edge_';

/** What is kept of an edge's credential. It is random and long: a plain hash is enough. */
export function edgeTokenHash(credential: string): string {
  return createHash('sha256').update(credential).digest('hex');
}

/**
 * The caller that the Authorization header proves. Throws `unauthenticated` for a missing, wrong or expired credential,
 * and for a user or an edge that is no longer active: a token's claims are what the edge reads, not the last word here.
 */
export async function authenticate(services: Services, headers: Readonly<Record<string, string>>): Promise<Caller> {
  const credential = /^Bearer +([\w.~+/=-]+)$/i.exec(headers.authorization ?? '')?.[1];
  if (credential === undefined) throw new ProblemError('unauthenticated');
  if (credential.startsWith(EDGE_PREFIX)) return edgeCaller(services, credential);
  const userId = await services.tokens.verify(credential);
  const user = userId === null ? null : await personOf(services, userId);
  if (user === null || !user.active) throw new ProblemError('unauthenticated');
  return { type: 'user', user };
}

async function edgeCaller({ database }: Services, credential: string): Promise<Caller> {
  const edge = await database.prisma.edge.findUnique({ where: { tokenHash: edgeTokenHash(credential) } });
  if (edge === null || !edge.active) throw new ProblemError('unauthenticated');
  return { type: 'edge', edge };
}

/** A user by id, whether active or not. */
export async function personOf({ database }: Services, id: string): Promise<Person | null> {
  const row = await database.prisma.user.findUnique({ where: { id }, omit: { passwordHash: true } });
  // The column holds nothing else: users are written by this app's schemas only.
  return row === null ? null : { ...row, role: row.role as Role };
}

/** Whose rights a read is judged by. An edge reads all of its store's subset, for all who work there. */
export function readerOf(caller: Caller): Actor {
  if (caller.type === 'user') return caller.user;
  return { role: 'manager', storeId: caller.edge.storeId };
}
