/** Who writes, and what follows from their rights: a refusal, or, for what has already happened, a doubt. */
import type * as z from 'zod';
import type { ExceptionType } from '../../rules/documents.ts';
import { ProblemError } from '../../rules/problems.ts';
import { type Actor, type WriteRoute, assertMayWrite, mayWrite } from '../../rules/rights.ts';
import type { Services } from '../services.ts';
import { type Caller, type Person, personOf } from './caller.ts';

export interface Writer extends Actor {
  /** The acting user: the scope of a key, and who did it. */
  user: Person;
  /** The store of the edge that writes on their behalf; null where they call themselves. */
  edgeStore: string | null;
}

/**
 * The acting user: the caller, or whom an edge names in On-Behalf-Of. Throws `forbidden` where an edge names nobody, or
 * nobody who ever was a user. Whether that user may do it is for the rights to say, after the key.
 */
export async function writerOf(
  services: Services,
  caller: Caller,
  headers: Readonly<Record<string, string>>,
): Promise<Writer> {
  if (caller.type === 'user') return { ...actorOf(caller.user), user: caller.user, edgeStore: null };
  const named = headers['on-behalf-of'] ?? '';
  const user = named === '' ? null : await personOf(services, named);
  if (user === null) throw new ProblemError('forbidden', 'On-Behalf-Of must name the user who acts.');
  return { ...actorOf(user), user, edgeStore: caller.edge.storeId };
}

const actorOf = ({ role, storeId }: Person): Actor => ({ role, storeId });

/** The subset that gets the marker of a key: that of the edge that sent it, else the user's; null: all of them. */
export function markerStore({ edgeStore, user }: Writer): string | null {
  return edgeStore ?? user.storeId;
}

/** Throws `forbidden` or `other-store` where this writer may not ask for this. `target` null: a document of all stores. */
export function assertMayPropose(writer: Writer, route: WriteRoute, target: string | null = null): void {
  if (!writer.user.active) throw new ProblemError('forbidden', `${writer.user.name} may no longer sign in.`);
  assertMayWrite(writer, route, target);
  if (writer.edgeStore === null) return;
  // An edge speaks for its own store only, even for someone who may act in others.
  const elsewhere = writer.role !== 'admin' && writer.storeId !== writer.edgeStore;
  if (elsewhere || (target !== null && target !== writer.edgeStore)) throw new ProblemError('other-store');
}

export type RightsDoubt = Extract<z.output<typeof ExceptionType>, 'revoked-user' | 'rights-at-replay'>;

/**
 * What is doubtful about this writer's right to have done what they did in `store`. A fact that an edge brings has
 * happened, whatever has become of the user's rights since; only another store's edge has no say in it. Someone who
 * calls themselves is held to their rights as for any write: throws `forbidden` or `other-store`.
 */
export function doubtsAbout(writer: Writer, route: WriteRoute, store: string): RightsDoubt[] {
  if (writer.edgeStore === null) {
    assertMayWrite(writer, route, store);
    return [];
  }
  if (writer.edgeStore !== store) throw new ProblemError('other-store');
  if (!writer.user.active) return ['revoked-user'];
  return mayWrite(writer.role, writer.storeId, route, store) ? [] : ['rights-at-replay'];
}
