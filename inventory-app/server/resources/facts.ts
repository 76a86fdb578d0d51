/**
 * Sales, returns, receipts and adjustments: what has happened. They are taken whatever the catalogue, the stock or the
 * numbers say; what is doubtful about one is written down beside it, for a manager.
 */
import type { Doc } from '@larder/sync/profile';
import { createdAnswer } from '../../rules/answers.ts';
import { FACT_BODIES, type FactBody, completeFact, movementsOf } from '../../rules/facts.ts';
import { ProblemError } from '../../rules/problems.ts';
import type { FactKind } from '../../rules/resources.ts';
import { validate } from '../../rules/validate.ts';
import { doubtsAbout } from '../auth/writer.ts';
import { jsonOf } from '../call.ts';
import type { Transaction } from '../db/open.ts';
import type { Effect } from '../write.ts';
import { type Doubt, doubtfulRight, raise } from './doubts.ts';
import { assertKnown } from './edits.ts';
import { type AnyFact, insertFact } from './fact-rows.ts';
import { claimNumber } from './receipt-numbers.ts';
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
      ...rightsDoubts.map(doubtfulRight),
      ...(await doubtfulProducts(tx, fact)),
      ...doubtfulLevels(levels),
      ...(await doubtfulReferences(tx, kind, fact)),
    ];
    await raise(work, kind, fact, doubts);
    return createdAnswer(kind, doc);
  };
}

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
  const { number, customerId = null, saleId = null } = fact;
  const doubts: Doubt[] = [];
  const doubt = (type: Doubt['type'], detail: string) => doubts.push({ type, productId: null, detail });
  if (customerId !== null && (await tx.customer.findUnique({ where: { id: customerId } })) === null)
    doubt('unknown-customer', `There is no customer ${customerId}.`);
  if (saleId !== null && (await tx.fact.findUnique({ where: { id: saleId, kind: 'sales' } })) === null)
    doubt('unknown-sale', `There is no sale ${saleId}.`);
  const twin = await claimNumber(tx, kind, fact);
  if (twin !== null) doubt('duplicate-number', `${twin} has the number ${number} too.`);
  return doubts;
}
