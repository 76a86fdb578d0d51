/** Who made of a document what it is now, as the feed tells it: for the person whose own change it excludes. */
import type { Doc } from '@larder/sync/profile';
import { canonical } from '../../rules/etag.ts';
import { type Conflict, ProblemError } from '../../rules/problems.ts';
import type { ListedResource } from '../../rules/resources.ts';
import type { Transaction } from '../db/open.ts';

/** Versions of one document that are looked through, by an index; what is older has no name to it. */
const VERSIONS = 50;

interface Author {
  /** The person's name; null where no key says who it was. */
  by: string | null;
  /** ISO 8601 UTC; null where the feed no longer knows. */
  at: string | null;
}

const NOBODY: Author = { by: null, at: null };

/** The same conflict, with who set each field to what it is now. */
export async function attributed(
  tx: Transaction,
  resource: ListedResource,
  current: Doc,
  error: ProblemError,
): Promise<ProblemError> {
  const puts = await versions(tx, resource, String(current.id), 'put');
  const conflicts: Conflict[] = [];
  for (const each of error.conflicts ?? []) {
    const wanted = canonical(current[each.field] ?? null);
    const isSame = ({ doc }: Version) => canonical((JSON.parse(doc ?? '{}') as Doc)[each.field] ?? null) === wanted;
    const differs = puts.findIndex((version) => !isSame(version));
    conflicts.push({ ...each, ...(await authorOf(tx, puts[(differs < 0 ? puts.length : differs) - 1])) });
  }
  return new ProblemError('conflict', error.detail, { conflicts });
}

/** `deleted`, with who and when, for a document that the feed knows to be gone; else `not-found`. */
export async function absent(tx: Transaction, resource: ListedResource, id: string): Promise<ProblemError> {
  const [removal] = await versions(tx, resource, id, 'remove');
  if (removal === undefined) return new ProblemError('not-found');
  const author = await authorOf(tx, removal);
  return new ProblemError('deleted', '', {
    conflicts: [{ field: 'id', saw: id, current: null, wanted: id, ...author }],
  });
}

/** Of a document that is made: one that was there before counts on, for whoever knows of its removal takes nothing older. */
export async function firstVersion(tx: Transaction, resource: ListedResource, docId: string): Promise<number> {
  const removal = await tx.change.findFirst({
    where: { resource, docId, type: 'remove' },
    orderBy: { position: 'desc' },
    select: { version: true },
  });
  return (removal?.version ?? 0) + 1;
}

type Version = { doc: string | null; causeUser: string | null; recordedAt: string };

/** Newest first. */
function versions(
  tx: Transaction,
  resource: ListedResource,
  docId: string,
  type: 'put' | 'remove',
): Promise<Version[]> {
  return tx.change.findMany({
    where: { resource, docId, type },
    orderBy: { position: 'desc' },
    take: VERSIONS,
    select: { doc: true, causeUser: true, recordedAt: true },
  });
}

async function authorOf(tx: Transaction, version: Version | undefined): Promise<Author> {
  if (version === undefined) return NOBODY;
  const { causeUser, recordedAt } = version;
  const user =
    causeUser === null ? null : await tx.user.findUnique({ where: { id: causeUser }, select: { name: true } });
  return { by: user?.name ?? null, at: recordedAt };
}
