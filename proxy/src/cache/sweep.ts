/** A purge or an invalidation over both tiers, cut into slices: hits do not wait for more than one of them. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { names, namesUri } from './named.ts';
import type { Named } from './named.ts';
import type { Slot, Store } from './store.ts';
import { replaces } from './vary.ts';

/** Milliseconds of work between two turns of the event loop. */
const SLICE = 1;

/**
 * Drops what is named from all tiers, or makes it stale from `soft` on (ms since 1970); resolves with how many responses
 * that concerned when a crash would not undo it. Rejects with `LARDER_PURGE_UNWRITTEN` where the disk did not take it.
 *
 * `tiers`: each before the ones that it is promoted to. What is promoted between two slices is then found in the later
 * one (I10); a promotion under way when a sweep begins is the caller's to void. The first slice is over when this returns.
 */
export async function sweep(tiers: readonly Store[], named: readonly Named[], soft: number | null): Promise<number> {
  let count = 0;
  let inSlice = 0;
  let began = performance.now();
  for (const [one, uri] of candidates(tiers, named)) {
    inSlice += reviseAll(tiers, one, uri, soft);
    if (performance.now() - began < SLICE) continue;
    // A batch for the disk of what one slice concerned holds up nobody either.
    if (inSlice > 0) await Promise.all(tiers.map((tier) => tier.flush({ durable: false })));
    count += inSlice;
    inSlice = 0;
    // Not in the midst of others' promises: between what a promotion has checked and what it does then is no slice.
    await nextTurn();
    began = performance.now();
  }
  await Promise.all(tiers.map((tier) => tier.flush({ durable: true })));
  return count + inSlice;
}

/** Each URI once, in whichever tier it is: all tiers are looked at together. */
function* candidates(tiers: readonly Store[], named: readonly Named[]): Generator<readonly [Named, string], void> {
  for (const one of named) {
    const seen = new Set<string>();
    for (const tier of tiers)
      for (const uri of tier.urisOf(one)) {
        if (seen.has(uri)) continue;
        seen.add(uri);
        yield [one, uri];
      }
  }
}

function reviseAll(tiers: readonly Store[], named: Named, uri: string, soft: number | null): number {
  if (!namesUri(named, uri)) return 0;
  const found: Slot[] = [];
  for (const tier of tiers)
    // Most are in both tiers.
    for (const slot of tier.revise(uri, (one) => names(named, one), soft))
      if (!found.some((other) => replaces(slot, other))) found.push(slot);
  return found.length;
}
