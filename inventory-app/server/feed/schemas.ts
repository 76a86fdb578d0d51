/** The feed's pages as they go on the wire. */
import * as z from 'zod';
import { Opaque } from '../../rules/documents.ts';
import { RESOURCES } from '../../rules/resources.ts';

const Cause = z.object({ user: z.string(), key: z.string() });
const common = {
  /** The write under whose Idempotency-Key it came about, if it had one. */
  cause: Cause.nullable(),
  /** Equal for all that one transaction did. */
  tx: z.string(),
};
const about = { resource: z.enum(RESOURCES), id: z.string(), version: z.int() };

export const Change = z.discriminatedUnion('type', [
  /** The document as its item endpoint shows it at that commit. */
  z.object({ type: z.literal('put'), ...about, doc: z.record(z.string(), Opaque), ...common }),
  /** Deleted, or no longer in this store's subset. */
  z.object({ type: z.literal('remove'), ...about, doc: z.null(), ...common }),
  /** Everything that the write under this key did, if anything, stands before here. */
  z.object({ type: z.literal('marker'), ...common, cause: Cause }),
]);

export const ChangePage = z.object({
  epoch: z.string(),
  data: z.array(Change),
  page: z.object({ next: z.string(), more: z.boolean() }),
});
