/**
 * Sales, returns, receipts and adjustments: what has happened. They are taken whatever the catalogue, the stock or the
 * numbers say; what is doubtful about one is written down beside it, for a manager.
 */
import type { Doc } from '@larder/sync/profile';
import type * as z from 'zod';
import { createdAnswer } from '../../rules/answers.ts';
import type { ExceptionType } from '../../rules/documents.ts';
import { FACT_BODIES, type FactBody, completeFact, movementsOf } from '../../rules/facts.ts';
import { ProblemError } from '../../rules/problems.ts';
import type { FactKind } from '../../rules/resources.ts';
import { validate } from '../../rules/validate.ts';
import { doubtsAbout } from '../auth/writer.ts';
import { jsonOf } from '../call.ts';
import type { Transaction } from '../db/open.ts';
import type { Effect, Work } from '../write.ts';
import { exceptionDocument } from './documents.ts';
import { assertKnown } from './edits.ts';
import { type AnyFact, insertFact } from './fact-rows.ts';
import { type MovedLevel, moveStock } from './stock.ts';

/** The effect of a POST of this kind. */
export function recordFact<K extends FactKind>(kind: K): Effect {
  return async (work) => {
    const { tx, writer, call, changes, now, newId } = work;
    // The store, by which the rights are judged, stands in the body.
    const body: FactBody<K> = validate(FACT_BODIES[kind], jsonOf(call)) as FactBody<K>;
    const rightsDoubts = doubtsAbout(writer, `POST ${kind}`, body.storeId);
    const store = await tx.store.findUnique({ where: { id: body.storeId } });
    assertKnown(store, 'storeId', 'store');
    const fact: AnyFact = completeFact(kind, body, { id: newId, now, userId: writer.user.id, store });
    if ((await tx.fact.findUnique({ where: { id: fact.id } })) !== null) throw new ProblemError('exists');

    await insertFact(tx, kind, fact, now);
    // A completed fact is JSON: the fields that its kind does not have are absent, never undefined.
    const doc = { ...fact, recordedAt: now } as unknown as Doc;
    changes.put(kind, fact.storeId, doc);
    const movements = movementsOf(kind, fact).map((movement) => ({ ...movement, recordedAt: now }));
    const levels = await moveStock(tx, changes, fact.storeId, movements);
    const doubts: Doubt[] = [
      ...rightsDoubts.map((type) => ({ type, productId: null, detail: RIGHTS_DETAIL[type] })),
      ...(await doubtfulProducts(tx, fact)),
      ...doubtfulLevels(levels),
      ...(await doubtfulReferences(tx, kind, fact)),
    ];
    await raise(work, kind, fact, doubts);
    return createdAnswer(kind, doc);
  };
}

interface Doubt {
  type: z.output<typeof ExceptionType>;
  productId: string | null;
  detail: string;
}

const RIGHTS_DETAIL = {
  'revoked-user': 'The user may no longer sign in.',
  'rights-at-replay': 'The user may not do this in this store.',
} as const;

async function doubtfulProducts(tx: Transaction, { lines }: AnyFact): Promise<Doubt[]> {
  const sold = [...new Set(lines.map(({ productId }) => productId))];
  const rows = await tx.product.findMany({ where: { id: { in: sold } }, select: { id: true } });
  const known = new Set(rows.map(({ id }) => id));
  return sold
    .filter((id) => !known.has(id))
    .map((productId) => ({ type: 'unknown-product', productId, detail: `The catalogue has no product ${productId}.` }));
}

/** More went out than there was. What comes in is no doubt, even where it does not make up for all that is missing. */
function doubtfulLevels(levels: MovedLevel[]): Doubt[] {
  return levels
    .filter(({ level, by }) => by < 0 && level.qty < 0)
    .map(({ level: { productId, qty } }) => ({
      type: 'negative-stock',
      productId,
      detail: `The stock is now ${qty}.`,
    }));
}

async function doubtfulReferences(tx: Transaction, kind: FactKind, fact: AnyFact): Promise<Doubt[]> {
  const { id, storeId, till, number, customerId = null, saleId = null } = fact;
  const doubts: Doubt[] = [];
  const doubt = (type: Doubt['type'], detail: string) => doubts.push({ type, productId: null, detail });
  if (customerId !== null && (await tx.customer.findUnique({ where: { id: customerId } })) === null)
    doubt('unknown-customer', `There is no customer ${customerId}.`);
  if (saleId !== null && (await tx.fact.findUnique({ where: { id: saleId, kind: 'sales' } })) === null)
    doubt('unknown-sale', `There is no sale ${saleId}.`);
  if (number === null) return doubts;
  const twin = await tx.fact.findFirst({ where: { kind, storeId, till, number, id: { not: id } } });
  if (twin !== null) doubt('duplicate-number', `${twin.id} has the number ${number} too.`);
  return doubts;
}

/** Keeps the doubts about a document. Their ids follow from it: the same doubt is raised once. */
async function raise({ tx, changes, now }: Work, kind: FactKind, fact: AnyFact, doubts: Doubt[]): Promise<void> {
  if (doubts.length === 0) return;
  const rows = doubts.map(({ type, productId, detail }) => ({
    id: [fact.id, type, ...(productId === null ? [] : [productId])].join(':'),
    storeId: fact.storeId,
    type,
    document: kind,
    documentId: fact.id,
    productId,
    detail,
    createdAt: now,
    version: 1,
  }));
  await tx.exceptionRecord.createMany({ data: rows });
  for (const row of rows) changes.put('exceptions', fact.storeId, exceptionDocument(row));
}
