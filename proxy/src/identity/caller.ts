/** A verified caller: who it is, what they may do now, and for how long that can be relied on. */
import { LarderError } from '@larder/sync/errors';
import type { Doc, Read, Write } from '@larder/sync/profile';

/**
 * - `all`: what the cloud last allowed them.
 * - `reads-and-facts`: somebody vouched for them.
 * - `facts`: the cloud has not confirmed them for longer than the grace period (I8).
 */
export type Allowed = 'all' | 'reads-and-facts' | 'facts';

export interface Caller {
  claims: Doc;
  allowed: Allowed;
  /** Seconds until `facts` is all that is left; null while there is no need to warn. */
  graceLeft: number | null;
  /** From then on the same credential may be worth less, ms since 1970. */
  until: number;
  /** By a session that this edge gave: the cloud knows nothing of it, and never gets it to see. */
  isLocal: boolean;
}

/** Whom the cloud itself would take: their token has not run out. */
export const verified = (claims: Doc): Caller => ({
  claims,
  allowed: 'all',
  graceLeft: null,
  until: typeof claims['exp'] === 'number' ? claims['exp'] * 1000 : Infinity,
  isLocal: false,
});

/**
 * I8: what a caller may not do here and now ends here.
 *
 * @throws LarderError `LARDER_FACTS_ONLY`, `LARDER_GRACE_OVER`, `LARDER_LOCAL_SESSION`
 */
export function assertAllowed(
  { allowed, isLocal }: Caller,
  read: Pick<Read<never>, 'answer'> | null,
  write: Pick<Write<never>, 'kind'> | null,
): void {
  if (write?.kind === 'fact') return;
  if (allowed === 'facts') throw new LarderError('LARDER_GRACE_OVER');
  if (write !== null && allowed !== 'all') throw new LarderError('LARDER_FACTS_ONLY');
  if (isLocal && write === null && read?.answer === undefined) throw new LarderError('LARDER_LOCAL_SESSION');
}
