/** What is doubtful about something that has happened: kept beside it as exceptions, for a manager. */
import type * as z from 'zod';
import type { Exception, ExceptionType } from '../../rules/documents.ts';
import type { RightsDoubt } from '../auth/writer.ts';
import type { Work } from '../write.ts';
import { exceptionDocument } from './documents.ts';

export interface Doubt {
  type: z.output<typeof ExceptionType>;
  productId: string | null;
  detail: string;
}

const RIGHTS_DETAIL = {
  'revoked-user': 'The user may no longer sign in.',
  'rights-at-replay': 'The user may not do this in this store.',
} as const;

export function doubtfulRight(type: RightsDoubt): Doubt {
  return { type, productId: null, detail: RIGHTS_DETAIL[type] };
}

/** Keeps the doubts about a document. Their ids follow from it: the same doubt is raised once. */
export async function raise(
  { tx, changes, now }: Work,
  kind: z.output<typeof Exception>['document'],
  { id, storeId }: { id: string; storeId: string },
  doubts: Doubt[],
): Promise<void> {
  if (doubts.length === 0) return;
  const rows = doubts.map(({ type, productId, detail }) => ({
    id: [id, type, ...(productId === null ? [] : [productId])].join(':'),
    storeId,
    type,
    document: kind,
    documentId: id,
    productId,
    detail,
    createdAt: now,
    version: 1,
  }));
  await tx.exceptionRecord.createMany({ data: rows });
  for (const row of rows) changes.put('exceptions', storeId, exceptionDocument(row));
}
