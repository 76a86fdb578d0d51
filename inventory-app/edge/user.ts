/** Who acts, as the app's own tokens say. */
import type { Doc, Reader, User } from '@larder/sync/profile';
import { Role } from '../rules/documents.ts';
import { ProblemError } from '../rules/problems.ts';
import type { Actor } from '../rules/rights.ts';

export interface StaffUser extends User {
  role: Actor['role'];
  username: string;
  name: string;
}

/** The user that verified claims name; null where they are not of the form that this app gives them. */
export function userOf(claims: Doc | null): StaffUser | null {
  if (claims === null) return null;
  const { sub, storeId, username, name } = claims;
  const role = Role.safeParse(claims.role);
  if (typeof sub !== 'string' || !role.success) return null;
  if (typeof storeId !== 'string' && storeId !== null) return null;
  if (typeof username !== 'string' || typeof name !== 'string') return null;
  return { id: sub, store: storeId, role: role.data, username, name };
}

/** The part of a user that rights depend on. */
export const actorOf = (user: StaffUser): Actor => ({ role: user.role, storeId: user.store });

/** Is the subset that this replica holds the one that the user sees? An admin sees more: the answer decides there. */
export function isServed(db: Reader, user: StaffUser): boolean {
  return user.role === 'admin' || user.store === db.store;
}

/**
 * Throws `other-store` for what this box cannot promise: the cloud lets it act only for its own store's people, or an
 * admin, and only on documents of its own store (`target`) or of all (null).
 */
export function assertServed(db: Reader, user: StaffUser, target: string | null): void {
  if (isServed(db, user) && (target === null || target === db.store)) return;
  throw new ProblemError('other-store', `This box serves ${db.store}.`);
}
