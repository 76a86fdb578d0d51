/**
 * `POST /edge/starts`: the chain of an edge's starts. One box at a time is an edge's current one. A start that follows the
 * current one takes its place: the same box, started again. One that does not is a fork: a restored backup, a copied
 * disk, another box; it becomes the current one only where an authorised person says so.
 */
import type * as z from 'zod';
import { EdgeStanding, EdgeStart } from '../../rules/documents.ts';
import { ProblemError } from '../../rules/problems.ts';
import { validate } from '../../rules/validate.ts';
import { type Answer, type Call, jsonAnswer, jsonOf } from '../call.ts';
import type { Transaction } from '../db/open.ts';
import type { Services } from '../services.ts';
import { authenticate } from './caller.ts';

type Start = z.output<typeof EdgeStart>;
type Standing = z.output<typeof EdgeStanding>;

/** Whoever comes back later than this is a fork instead of superseded, which comes to the same. ms */
const KEPT = 90 * 24 * 3_600_000;

/** For edges only; each for itself. The same start may be told any number of times. */
export async function recordStart(services: Services, call: Call): Promise<Answer> {
  const caller = await authenticate(services, call.headers);
  if (caller.type !== 'edge') throw new ProblemError('forbidden', 'Only an edge may tell of its starts.');
  const start = validate(EdgeStart, jsonOf(call));
  const now = services.now();
  const standing = await services.database.transaction((tx) => judge(tx, caller.edge.id, start, now));
  return jsonAnswer(standing, { 'cache-control': 'no-store' });
}

async function judge(tx: Transaction, edgeId: string, start: Start, now: Date): Promise<Standing> {
  for (;;) {
    const { currentStart } = await tx.edge.findUniqueOrThrow({ where: { id: edgeId } });
    if (start.id === currentStart) return { standing: 'current', current: await startOf(tx, edgeId, currentStart) };
    const follows = start.takeOver || currentStart === null || start.previous.includes(currentStart);
    if (!follows) {
      const known = await tx.edgeStart.findUnique({ where: { edgeId_id: { edgeId, id: start.id } } });
      const current = await startOf(tx, edgeId, currentStart);
      return { standing: known === null ? 'fork' : 'superseded', current };
    }
    // Two that follow the same one: the second waits here for the first, and finds that it is too late.
    const { count } = await tx.edge.updateMany({
      where: { id: edgeId, currentStart },
      data: { currentStart: start.id },
    });
    if (count === 1) return { standing: 'current', current: await keep(tx, edgeId, start, now) };
  }
}

async function keep(tx: Transaction, edgeId: string, { id, box, takeOver }: Start, now: Date) {
  const row = { box, at: now.toISOString(), takenOver: takeOver };
  await tx.edgeStart.upsert({ where: { edgeId_id: { edgeId, id } }, create: { edgeId, id, ...row }, update: row });
  const before = new Date(now.getTime() - KEPT).toISOString();
  await tx.edgeStart.deleteMany({ where: { edgeId, at: { lt: before }, id: { not: id } } });
  return { id, box, at: row.at };
}

async function startOf(tx: Transaction, edgeId: string, id: string): Promise<Standing['current']> {
  const { box, at } = await tx.edgeStart.findUniqueOrThrow({ where: { edgeId_id: { edgeId, id } } });
  return { id, box, at };
}
