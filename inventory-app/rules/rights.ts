/** Who may see and do what. The cloud decides by these rules; an edge that is cut off decides by the same. */
import type { Doc, Match } from '@larder/sync/profile';
import type * as z from 'zod';
import type { Role as RoleSchema } from './documents.ts';
import { ProblemError } from './problems.ts';
import type { ListedResource } from './resources.ts';

export type Role = z.output<typeof RoleSchema>;

/** The part of a user that rights depend on. `storeId` null: no store of their own; only an admin then sees much. */
export interface Actor {
  role: Role;
  storeId: string | null;
}

const CLERK_AND_UP: readonly Role[] = ['clerk', 'manager', 'admin'];
const MANAGER_AND_UP: readonly Role[] = ['manager', 'admin'];

const WRITERS = {
  'POST sales': CLERK_AND_UP,
  'POST returns': CLERK_AND_UP,
  'POST receipts': CLERK_AND_UP,
  'POST adjustments': CLERK_AND_UP,
  'POST till-starts': CLERK_AND_UP,
  'POST customers': CLERK_AND_UP,
  'PATCH customers': CLERK_AND_UP,
  'POST categories': MANAGER_AND_UP,
  'POST products': MANAGER_AND_UP,
  'PATCH products': MANAGER_AND_UP,
  'DELETE products': MANAGER_AND_UP,
} as const satisfies Record<string, readonly Role[]>;
export type WriteRoute = keyof typeof WRITERS;

/** Resources whose documents belong to one store, or (`null`) to all of them. */
const OF_A_STORE: ReadonlySet<ListedResource> = new Set<ListedResource>([
  'customers',
  'stock-levels',
  'movements',
  'sales',
  'returns',
  'receipts',
  'adjustments',
  'till-starts',
  'exceptions',
  'users',
]);

/** Does every document of this resource belong to all stores? */
export function isGlobal(resource: ListedResource): boolean {
  return !OF_A_STORE.has(resource);
}

/** May someone of this role and store write this to a document of `targetStore` (null: of all stores)? */
export function mayWrite(
  role: Role,
  storeId: string | null,
  route: WriteRoute,
  targetStore: string | null = null,
): boolean {
  return refusalOf(role, storeId, route, targetStore) === null;
}

/** Throws `forbidden` or `other-store` where `mayWrite` says no. */
export function assertMayWrite(actor: Actor, route: WriteRoute, targetStore: string | null = null): void {
  const code = refusalOf(actor.role, actor.storeId, route, targetStore);
  if (code !== null) throw new ProblemError(code);
}

function refusalOf(
  role: Role,
  storeId: string | null,
  route: WriteRoute,
  targetStore: string | null,
): 'forbidden' | 'other-store' | null {
  if (!WRITERS[route].includes(role)) return 'forbidden';
  if (role === 'admin' || targetStore === null || targetStore === storeId) return null;
  return 'other-store';
}

/** May this role read the resource at all? */
export function mayRead(role: Role, resource: ListedResource): boolean {
  return resource !== 'users' || MANAGER_AND_UP.includes(role);
}

/** Throws `forbidden` where `mayRead` says no. */
export function assertMayRead(actor: Actor, resource: ListedResource): void {
  if (!mayRead(actor.role, resource)) throw new ProblemError('forbidden');
}

/** Throws `forbidden` or `other-store`: which receipts are missing is for those who answer for the store. */
export function assertMayReadGaps({ role, storeId }: Actor, targetStore: string): void {
  if (!MANAGER_AND_UP.includes(role)) throw new ProblemError('forbidden');
  if (role !== 'admin' && storeId !== targetStore) throw new ProblemError('other-store');
}

/** Is this document in what the user may see? To others it does not exist: an item request is answered `not-found`. */
export function visible(actor: Actor, resource: ListedResource, doc: Doc): boolean {
  if (!mayRead(actor.role, resource)) return false;
  if (actor.role === 'admin' || isGlobal(resource)) return true;
  if (resource === 'customers' && doc.storeId === null) return true;
  return actor.storeId !== null && doc.storeId === actor.storeId;
}

/**
 * `visible` as conditions of a list. Empty: everything. To be combined with a request's own filters by AND, not
 * merged: both may name `storeId`. Presumes `mayRead`.
 */
export function subsetOf(actor: Actor, resource: ListedResource): Record<string, Match> {
  if (actor.role === 'admin' || isGlobal(resource)) return {};
  const own = actor.storeId === null ? [] : [actor.storeId];
  if (resource === 'customers') return { storeId: { in: [null, ...own] } };
  return { storeId: { in: own } };
}
