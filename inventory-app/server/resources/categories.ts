import { createdAnswer } from '../../rules/answers.ts';
import { CategoryCreate } from '../../rules/documents.ts';
import { ProblemError } from '../../rules/problems.ts';
import { searchText } from '../../rules/search.ts';
import { validate } from '../../rules/validate.ts';
import { assertMayPropose } from '../auth/writer.ts';
import { jsonOf } from '../call.ts';
import type { Effect } from '../write.ts';
import { categoryDocument } from './documents.ts';
import { assertKnown } from './edits.ts';

export const createCategory: Effect = async ({ tx, writer, call, changes, newId }) => {
  assertMayPropose(writer, 'POST categories');
  const { id = newId, name, parentId } = validate(CategoryCreate, jsonOf(call));
  if ((await tx.category.findUnique({ where: { id } })) !== null) throw new ProblemError('exists');
  if (parentId !== null) assertKnown(await tx.category.findUnique({ where: { id: parentId } }), 'parentId', 'category');

  const search = searchText('categories', { name });
  const doc = categoryDocument(await tx.category.create({ data: { id, name, parentId, search } }));
  changes.put('categories', null, doc);
  return createdAnswer('categories', doc);
};
