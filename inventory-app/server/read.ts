/** The way of every read: authenticate → rights → look up → answer. */
import { itemAnswer, listAnswer } from '../rules/answers.ts';
import { parseList } from '../rules/list.ts';
import { ProblemError } from '../rules/problems.ts';
import type { ListedResource } from '../rules/resources.ts';
import { assertMayRead, subsetOf, visible } from '../rules/rights.ts';
import { authenticate, readerOf } from './auth/caller.ts';
import { type Answer, type Call, answerOf, idIn } from './call.ts';
import { listPage } from './list.ts';
import { loadOne } from './resources/tables.ts';
import type { Services } from './services.ts';

export async function readList(services: Services, call: Call, resource: ListedResource): Promise<Answer> {
  const reader = readerOf(await authenticate(services, call.headers));
  assertMayRead(reader, resource);
  const spec = parseList(resource, call.query);
  const body = await listPage(services.database, resource, spec, subsetOf(reader, resource));
  return answerOf(listAnswer(body, call.headers['if-none-match']));
}

export async function readItem(services: Services, call: Call, resource: ListedResource): Promise<Answer> {
  const reader = readerOf(await authenticate(services, call.headers));
  assertMayRead(reader, resource);
  const doc = await loadOne(services.database.prisma, resource, idIn(call));
  if (doc === null || !visible(reader, resource, doc)) throw new ProblemError('not-found');
  return answerOf(itemAnswer(doc, call.headers['if-none-match']));
}
