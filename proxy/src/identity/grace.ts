/** How long the cloud's last word on somebody counts while it cannot be asked again (I8). */
import type { Caller } from './caller.ts';

const DAY = 24 * 3_600_000;
/** From the cloud's last acceptance of somebody's credential, ms. */
export const GRACE = 7 * DAY;
/** From then on they are told that it comes to an end, ms. */
export const WARNING = 5 * DAY;
/** As long as the cloud keeps keys: a fact that comes later than this after its author was known is nobody's, ms. */
export const FACTS = 90 * DAY;

export type Grace = Pick<Caller, 'allowed' | 'graceLeft' | 'until'>;

/** What is left of an acceptance at `since`; both ms since 1970, by the edge's clock. Null: nothing. */
export function graceOf(since: number, now: number): Grace | null {
  const age = now - since;
  if (age < WARNING) return { allowed: 'all', graceLeft: null, until: since + WARNING };
  // The seconds left are another number in a second.
  if (age < GRACE) return { allowed: 'all', graceLeft: Math.ceil((since + GRACE - now) / 1000), until: now };
  return age < FACTS ? { allowed: 'facts', graceLeft: 0, until: now } : null;
}
