/** Starts of tills while the cloud is away: the store's box gives the generation, and the cloud keeps what it gave. */
import type { Doc, Entry, Fix, Reader, Req, Write } from '@larder/sync/profile';
import { createdAnswer } from '../rules/answers.ts';
import { TillStartCreate } from '../rules/documents.ts';
import { ProblemError } from '../rules/problems.ts';
import { nextGeneration } from '../rules/receipt-numbers.ts';
import { API } from '../rules/resources.ts';
import { assertMayWrite } from '../rules/rights.ts';
import { completeStart, isSameStart } from '../rules/till-starts.ts';
import { validate } from '../rules/validate.ts';
import { refusing } from './refusing.ts';
import { actorOf, assertServed, type StaffUser } from './user.ts';

/** What is known here, what waits included: writes are taken one after the other, so no two see the same. */
function highestOf(db: Reader, storeId: string, till: string): number {
  const [last] = db.list('till-starts', { where: { storeId, till }, order: [['generation', 'desc']], limit: 1 });
  return Number(last?.generation ?? 0);
}

function fixed(db: Reader, req: Req, user: StaffUser, fix: Fix): Doc {
  const body = validate(TillStartCreate, req.body);
  assertMayWrite(actorOf(user), 'POST till-starts', body.storeId);
  assertServed(db, user, body.storeId);
  // This box's own store: it can only be missing while the replica is being filled, and then the edge says so.
  if (db.get('stores', body.storeId) === null)
    throw new ProblemError('not-found', `There is no store ${body.storeId}.`);
  const id = body.id ?? fix.id();
  const known = db.get('till-starts', id);
  if (known !== null && !isSameStart(known, body)) throw new ProblemError('exists');
  const generation =
    known?.generation ?? body.generation ?? nextGeneration(highestOf(db, body.storeId, body.till), 'edge', fix.now);
  const startedAt = known?.startedAt ?? body.startedAt ?? fix.now;
  return { ...(req.body as Doc), id, generation, startedAt };
}

/** The start as it will stand in the cloud: `check` has fixed all of it. */
function startOf(req: Req, entry: Entry): Doc {
  const body = validate(TillStartCreate, req.body);
  return completeStart(body, { id: entry.key, generation: 0, now: entry.at, userId: entry.user.id });
}

const startingTill: Write<StaffUser> = {
  kind: 'fact',
  check: (db, req, user, fix) => refusing(() => fixed(db, req, user, fix)),
  apply(db, req, entry) {
    const start = startOf(req, entry);
    // Already there, by another sending of the same start.
    if (db.get('till-starts', String(start.id)) === null) db.put('till-starts', start);
  },
  answer: (db, req, entry) => {
    const start = startOf(req, entry);
    return createdAnswer('till-starts', db.get('till-starts', String(start.id)) ?? start);
  },
};

export const tillStartWrites: Record<string, Write<StaffUser>> = { [`POST ${API}/till-starts`]: startingTill };
