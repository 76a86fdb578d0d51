import type { Doc } from '@larder/sync/profile';
import type { Prisma } from '../../prisma/generated/sqlite/client.ts';
import { createdAnswer, editedAnswer } from '../../rules/answers.ts';
import { CustomerCreate, CustomerEdit } from '../../rules/documents.ts';
import { ProblemError } from '../../rules/problems.ts';
import { searchText } from '../../rules/search.ts';
import { validate } from '../../rules/validate.ts';
import { assertMayPropose } from '../auth/writer.ts';
import { jsonOf } from '../call.ts';
import type { Transaction } from '../db/open.ts';
import { type Effect, Overtaken } from '../write.ts';
import { customerDocument } from './documents.ts';
import { assertFree, assertKnown, editOf, storeOf, valuesOf } from './edits.ts';

export const createCustomer: Effect = async ({ tx, writer, call, changes, now, newId }) => {
  assertMayPropose(writer, 'POST customers');
  const { id = newId, ...fields } = validate(CustomerCreate, jsonOf(call));
  assertMayPropose(writer, 'POST customers', fields.storeId);
  if ((await tx.customer.findUnique({ where: { id } })) !== null) throw new ProblemError('exists');
  await assertConsistent(tx, { id, ...fields });

  const search = searchText('customers', fields);
  const row = await tx.customer.create({ data: { id, ...fields, search, createdAt: now, updatedAt: now } });
  const doc = customerDocument(row);
  changes.put('customers', row.storeId, doc);
  return createdAnswer('customers', doc);
};

export const editCustomer: Effect = async (work) => {
  const { tx, writer, changes, now } = work;
  const edit = await editOf(work, 'customers', 'PATCH customers', CustomerEdit);
  if (edit.changed.length === 0) return editedAnswer(edit.current);
  assertMayPropose(writer, 'PATCH customers', storeOf(edit.next));
  await assertConsistent(tx, edit.next);

  const id = String(edit.current.id);
  const version = Number(edit.current.version);
  // CustomerEdit's fields, by their names and types, are the row's.
  const values = valuesOf(edit) as Prisma.CustomerUpdateManyMutationInput;
  const search = searchText('customers', edit.next);
  const { count } = await tx.customer.updateMany({
    where: { id, version },
    data: { ...values, search, updatedAt: now, version: version + 1 },
  });
  if (count === 0) throw new Overtaken();
  const doc = { ...edit.next, updatedAt: now, version: version + 1 };
  for (const store of await storesLeft(tx, storeOf(edit.current), storeOf(doc)))
    changes.remove('customers', store, id, version + 1);
  changes.put('customers', storeOf(doc), doc);
  return editedAnswer(doc);
};

/**
 * The stores whose subsets a customer leaves by going from one store (null: all) to another. The one that it goes to is
 * never among them: it must not take the removal for newer than the document of the same version.
 */
async function storesLeft(tx: Transaction, from: string | null, to: string | null): Promise<string[]> {
  if (from === to || to === null) return [];
  if (from !== null) return [from];
  const others = await tx.store.findMany({ where: { id: { not: to } }, select: { id: true } });
  return others.map(({ id }) => id);
}

async function assertConsistent(tx: Transaction, { id, code, storeId }: Doc): Promise<void> {
  assertFree(await tx.customer.findUnique({ where: { code: String(code) } }), String(id), 'code');
  if (typeof storeId !== 'string') return;
  assertKnown(await tx.store.findUnique({ where: { id: storeId } }), 'storeId', 'store');
}
