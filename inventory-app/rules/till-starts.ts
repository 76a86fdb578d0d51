/** A till's start: a device begins to number receipts at a till of its store. Made alike in the cloud and at the edge. */
import type { Doc } from '@larder/sync/profile';
import type * as z from 'zod';
import type { TillStart, TillStartCreate } from './documents.ts';

/** A POST body after validation. */
export type TillStartBody = z.output<typeof TillStartCreate>;

/** What the giver adds. `id` and `generation` count where the body brings none. */
export interface Given {
  id: string;
  generation: number;
  /** ISO 8601 UTC with milliseconds. */
  now: string;
  userId: string;
}

export function completeStart(body: TillStartBody, given: Given): z.output<typeof TillStart> {
  return {
    id: body.id ?? given.id,
    storeId: body.storeId,
    till: body.till,
    generation: body.generation ?? given.generation,
    device: body.device,
    startedAt: body.startedAt ?? given.now,
    userId: given.userId,
    version: 1,
  };
}

/** Does the body ask for the start that is known under its id? Then it gets that one's generation, whoever asks now. */
export function isSameStart(known: Doc, body: TillStartBody): boolean {
  return Object.entries(body).every(([field, value]) => value === undefined || known[field] === value);
}
