/** Pages of the change feed. */
import type { Doc } from '@larder/sync/profile';
import type { Change } from '../../prisma/generated/sqlite/client.ts';
import { ProblemError } from '../../rules/problems.ts';
import type { Database } from '../db/open.ts';
import { epochOf, isFeedPruned } from '../settings.ts';

/** A place in the feed: after the row with this position, which has this nonce. Position 0 has the epoch as its nonce. */
interface Cursor {
  position: number;
  nonce: string;
}

export interface FeedPage extends Doc {
  epoch: string;
  data: Doc[];
  page: { next: string; more: boolean };
}

/** The feed's present end: where someone starts who is about to fetch everything. */
export async function endOfFeed(database: Database): Promise<FeedPage> {
  const epoch = await epochOf(database.prisma);
  return { epoch, data: [], page: { next: written(await headOf(database, epoch)), more: false } };
}

/**
 * What follows a cursor in one store's subset: about `limit` changes, as many as it takes to end where a transaction
 * ends. Throws `cursor-unknown` where the database does not hold the cursor's row: it was restored, or is another.
 */
export async function pageAfter(
  database: Database,
  store: string | null,
  cursor: string,
  limit: number,
): Promise<FeedPage> {
  const epoch = await epochOf(database.prisma);
  const after = await knownCursor(database, cursor, epoch);
  // Read first: what commits while the rows are read lies behind it, so nothing before `head` can still be missing.
  const head = await headOf(database, epoch);
  if (head.position <= after.position) return { epoch, data: [], page: { next: written(after), more: false } };
  const rows = await rowsBetween(database, store, after.position, head.position, limit);
  // Changes are forgotten from the oldest on: while the cursor's own row is there, none after it is missing.
  await knownCursor(database, cursor, epoch);
  const last = rows.at(-1);
  const more = last !== undefined && rows.length >= limit && last.position < head.position;
  return { epoch, data: rows.map(shown), page: { next: written(more ? last : head), more } };
}

async function headOf({ prisma }: Database, epoch: string): Promise<Cursor> {
  const select = { position: true, nonce: true };
  return (await prisma.change.findFirst({ orderBy: { position: 'desc' }, select })) ?? { position: 0, nonce: epoch };
}

/** Rows of the subset in (after, to]: the first `limit`, and then the rest of the last one's transaction. */
async function rowsBetween({ prisma }: Database, store: string | null, after: number, to: number, limit: number) {
  const subset = store === null ? { storeId: null } : { OR: [{ storeId: null }, { storeId: store }] };
  const orderBy = { position: 'asc' } as const;
  const rows = await prisma.change.findMany({
    where: { position: { gt: after, lte: to }, ...subset },
    orderBy,
    take: limit,
  });
  const last = rows.at(-1);
  if (last === undefined || rows.length < limit) return rows;
  // A transaction's rows are neighbours: it held the feed's lock from the first to the commit.
  const rest = await prisma.change.findMany({
    where: { position: { gt: last.position, lte: to }, tx: last.tx, ...subset },
    orderBy,
  });
  return [...rows, ...rest];
}

function shown(row: Change): Doc {
  const cause = row.causeUser === null || row.causeKey === null ? null : { user: row.causeUser, key: row.causeKey };
  if (row.type === 'marker') return { type: row.type, cause, tx: row.tx };
  const doc = row.doc === null ? null : (JSON.parse(row.doc) as Doc);
  return { type: row.type, resource: row.resource, id: row.docId, version: row.version, doc, cause, tx: row.tx };
}

const written = ({ position, nonce }: Cursor) => Buffer.from(`${position}.${nonce}`).toString('base64url');

async function knownCursor({ prisma }: Database, text: string, epoch: string): Promise<Cursor> {
  const match = /^(0|[1-9][0-9]{0,14})\.([\w-]{1,64})$/.exec(Buffer.from(text, 'base64url').toString());
  const cursor = { position: Number(match?.[1]), nonce: match?.[2] ?? '' };
  if (match === null || !(await holds(cursor))) throw new ProblemError('cursor-unknown');
  return cursor;

  async function holds({ position, nonce }: Cursor): Promise<boolean> {
    if (position === 0) return nonce === epoch && !(await isFeedPruned(prisma));
    const row = await prisma.change.findUnique({ where: { position }, select: { nonce: true } });
    return row?.nonce === nonce;
  }
}
