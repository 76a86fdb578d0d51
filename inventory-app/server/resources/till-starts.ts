/**
 * Starts of tills. Whoever takes one gives it the generation of its receipts' numbers: the cloud here, or the store's
 * edge, which then says which one it gave. Like any fact it is taken as it happened.
 */
import { createdAnswer } from '../../rules/answers.ts';
import { TillStartCreate } from '../../rules/documents.ts';
import { ProblemError } from '../../rules/problems.ts';
import { nextGeneration } from '../../rules/receipt-numbers.ts';
import { completeStart, isSameStart } from '../../rules/till-starts.ts';
import { validate } from '../../rules/validate.ts';
import { doubtsAbout } from '../auth/writer.ts';
import { jsonOf } from '../call.ts';
import type { Transaction } from '../db/open.ts';
import type { Effect } from '../write.ts';
import { tillStartDocument } from './documents.ts';
import { type Doubt, doubtfulRight, raise } from './doubts.ts';
import { assertKnown } from './edits.ts';

export const startTill: Effect = async (work) => {
  const { tx, writer, call, changes, now, newId } = work;
  const body = validate(TillStartCreate, jsonOf(call));
  const rightsDoubts = doubtsAbout(writer, 'POST till-starts', body.storeId);
  // Changes nothing, and keeps others from giving a generation in this store until this one's is committed.
  await tx.store.updateMany({ where: { id: body.storeId }, data: { version: { increment: 0 } } });
  assertKnown(await tx.store.findUnique({ where: { id: body.storeId } }), 'storeId', 'store');
  const known = body.id === undefined ? null : await tx.tillStart.findUnique({ where: { id: body.id } });
  if (known !== null) {
    // Its device did not hear the answer, or offers what an edge may have lost: the same generation, whoever asks.
    if (!isSameStart(tillStartDocument(known), body)) throw new ProblemError('exists');
    return createdAnswer('till-starts', tillStartDocument(known));
  }
  const generation = body.generation ?? nextGeneration(await highestOf(tx, body), 'cloud', now);
  const start = completeStart(body, { id: newId, generation, now, userId: writer.user.id });
  const doubts = [...rightsDoubts.map(doubtfulRight), ...(await doubtfulSeries(tx, start))];
  const doc = tillStartDocument(await tx.tillStart.create({ data: start }));
  changes.put('till-starts', start.storeId, doc);
  await raise(work, 'till-starts', start, doubts);
  return createdAnswer('till-starts', doc);
};

/** The highest generation known for a till, of its starts and of its receipts, some of whose starts may still be away. */
async function highestOf(tx: Transaction, { storeId, till }: { storeId: string; till: string }): Promise<number> {
  const last = { where: { storeId, till }, orderBy: { generation: 'desc' } } as const;
  const start = await tx.tillStart.findFirst(last);
  const number = await tx.receiptNumber.findFirst(last);
  return Math.max(start?.generation ?? 0, number?.generation ?? 0);
}

/** Two devices count in one series: a box has given it again. What both have printed stands. */
async function doubtfulSeries(
  tx: Transaction,
  { storeId, till, generation }: { storeId: string; till: string; generation: number },
): Promise<Doubt[]> {
  const twin = await tx.tillStart.findFirst({ where: { storeId, till, generation } });
  if (twin === null) return [];
  const detail = `${twin.id}, on ${twin.device}, has generation ${generation} of till ${till} too.`;
  return [{ type: 'duplicate-number', productId: null, detail }];
}
