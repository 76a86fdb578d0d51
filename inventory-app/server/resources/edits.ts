/** What all edits and deletions of a document have in common. */
import type { Doc } from '@larder/sync/profile';
import type * as z from 'zod';
import { type Edit, type Merged, mergeEdit } from '../../rules/edit.ts';
import { etagOf, matchHolds } from '../../rules/etag.ts';
import { ProblemError } from '../../rules/problems.ts';
import type { ListedResource } from '../../rules/resources.ts';
import { type WriteRoute, visible } from '../../rules/rights.ts';
import { validate } from '../../rules/validate.ts';
import { assertMayPropose } from '../auth/writer.ts';
import { idIn, jsonOf } from '../call.ts';
import type { Work } from '../write.ts';
import { absent, attributed } from './last-change.ts';
import { loadOne } from './tables.ts';

/** Null for a document of all stores. */
export function storeOf(doc: Doc): string | null {
  return typeof doc.storeId === 'string' ? doc.storeId : null;
}

/**
 * The document that a write names, after rights and preconditions. Throws `deleted` or `not-found` where there is none in what the
 * writer may see, `forbidden`, `other-store` or `precondition-failed`.
 */
export async function documentToChange(work: Work, resource: ListedResource, route: WriteRoute): Promise<Doc> {
  const { tx, writer, call } = work;
  assertMayPropose(writer, route);
  const current = await loadOne(tx, resource, idIn(call));
  if (current === null) throw await absent(tx, resource, idIn(call));
  if (!visible(writer, resource, current)) throw new ProblemError('not-found');
  assertMayPropose(writer, route, storeOf(current));
  if (!matchHolds(call.headers['if-match'], etagOf(current))) throw new ProblemError('precondition-failed');
  return current;
}

export interface EditedDocument extends Merged {
  current: Doc;
}

/** The document that a PATCH names, and as the PATCH wants it. Throws, besides, `invalid-body` or `conflict`. */
export async function editOf<S extends z.ZodType<Edit>>(
  work: Work,
  resource: ListedResource,
  route: WriteRoute,
  schema: S,
): Promise<EditedDocument> {
  const current = await documentToChange(work, resource, route);
  const edit = validate(schema, jsonOf(work.call));
  return { current, ...(await merging(work, resource, current, () => mergeEdit(current, edit))) };
}

/** Runs what may throw `conflict`; a conflict then says who and when. */
export async function merging<T>(work: Work, resource: ListedResource, current: Doc, run: () => T): Promise<T> {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof ProblemError) || error.code !== 'conflict') throw error;
    throw await attributed(work.tx, resource, current, error);
  }
}

/** The values of the fields that an edit changed, for the row. */
export function valuesOf({ next, changed }: Merged): Doc {
  return Object.fromEntries(changed.map((field) => [field, next[field] ?? null]));
}

/** Throws `invalid-body`, naming the field, where `found` is missing. */
export function assertKnown<T>(found: T | null, path: string, what: string): asserts found is T {
  if (found !== null) return;
  const message = `There is no such ${what}`;
  throw new ProblemError('invalid-body', `${path}: ${message}.`, { errors: [{ path, message }] });
}

/** Throws `duplicate`, naming the field, where another document has its value. */
export function assertFree(other: { id: string } | null, id: string, path: string): void {
  if (other === null || other.id === id) return;
  throw new ProblemError('duplicate', `${path} is that of ${other.id}.`, {
    errors: [{ path, message: 'This value is taken' }],
  });
}
