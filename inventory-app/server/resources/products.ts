import type { Doc } from '@larder/sync/profile';
import type { Prisma } from '../../prisma/generated/sqlite/client.ts';
import { createdAnswer, deletedAnswer, editedAnswer } from '../../rules/answers.ts';
import { ProductCreate, ProductDelete, ProductEdit } from '../../rules/documents.ts';
import { assertSeen } from '../../rules/edit.ts';
import { ProblemError } from '../../rules/problems.ts';
import { searchText } from '../../rules/search.ts';
import { validate } from '../../rules/validate.ts';
import { assertMayPropose } from '../auth/writer.ts';
import { jsonOf } from '../call.ts';
import type { Transaction } from '../db/open.ts';
import { type Effect, Overtaken } from '../write.ts';
import { productDocument } from './documents.ts';
import { assertFree, assertKnown, documentToChange, editOf, merging, valuesOf } from './edits.ts';
import { firstVersion } from './last-change.ts';

export const createProduct: Effect = async ({ tx, writer, call, changes, now, newId }) => {
  assertMayPropose(writer, 'POST products');
  const { id = newId, ...fields } = validate(ProductCreate, jsonOf(call));
  if ((await tx.product.findUnique({ where: { id } })) !== null) throw new ProblemError('exists');
  await assertConsistent(tx, { id, ...fields });

  const search = searchText('products', fields);
  const version = await firstVersion(tx, 'products', id);
  const row = await tx.product.create({ data: { id, ...fields, search, version, createdAt: now, updatedAt: now } });
  const doc = productDocument(row);
  changes.put('products', null, doc);
  return createdAnswer('products', doc);
};

export const editProduct: Effect = async (work) => {
  const { tx, changes, now } = work;
  const edit = await editOf(work, 'products', 'PATCH products', ProductEdit);
  if (edit.changed.length === 0) return editedAnswer(edit.current);
  await assertConsistent(tx, edit.next);

  const id = String(edit.current.id);
  const version = Number(edit.current.version);
  // ProductEdit's fields, by their names and types, are the row's.
  const values = valuesOf(edit) as Prisma.ProductUpdateManyMutationInput;
  const search = searchText('products', edit.next);
  const { count } = await tx.product.updateMany({
    where: { id, version },
    data: { ...values, search, updatedAt: now, version: version + 1 },
  });
  if (count === 0) throw new Overtaken();
  const doc = { ...edit.next, updatedAt: now, version: version + 1 };
  changes.put('products', null, doc);
  return editedAnswer(doc);
};

/** Only what was never moved: the ledger refers to the rest. And only as its author saw it, where they say so. */
export const deleteProduct: Effect = async (work) => {
  const { tx, call, changes } = work;
  const current = await documentToChange(work, 'products', 'DELETE products');
  const id = String(current.id);
  const version = Number(current.version);
  if (call.body.length > 0) {
    const { saw = {} } = validate(ProductDelete, jsonOf(call));
    await merging(work, 'products', current, () => assertSeen(current, saw));
  }
  if ((await tx.movement.findFirst({ where: { productId: id } })) !== null) throw new ProblemError('in-use');

  const { count } = await tx.product.deleteMany({ where: { id, version } });
  if (count === 0) throw new Overtaken();
  changes.remove('products', null, id, version + 1);
  return deletedAnswer();
};

async function assertConsistent(tx: Transaction, { id, sku, categoryId }: Doc): Promise<void> {
  assertFree(await tx.product.findUnique({ where: { sku: String(sku) } }), String(id), 'sku');
  if (typeof categoryId !== 'string') return;
  assertKnown(await tx.category.findUnique({ where: { id: categoryId } }), 'categoryId', 'category');
}
