/**
 * What becomes of the queue when the cloud was restored from a backup: what it had applied since then is lost there, and
 * nobody can say which entries that concerns. So all that were applied and are still kept are offered again, each under
 * its key and after what it builds on; the cloud answers for those that it has, and does the others. What waits and
 * builds on one of them waits for it (I3); nothing else does (I4).
 *
 * Meanwhile the old replica, whose base contains them, goes on answering for what they touch (I6).
 *
 * What waits, and may have been sent, is to be settled with them: the backup may have it, and then its documents contain
 * what the overlay shows besides.
 */
import type { Noted, Store } from '../store.ts';

/** A sending that nobody waits for any more arrives within this, or not at all, ms. */
const IN_FLIGHT = 3600 * 1000;

/**
 * Marks what was applied since a time (ms since 1970; null: none of that), or is still shown by the overlay, in the
 * transaction under way; returns how many entries.
 */
export function offerAgain(store: Store, now: number, since: number | null, noted: Noted): number {
  const landed = new Date(now - IN_FLIGHT).toISOString();
  /** The last entry so far that made or edited a document, `resource/id`. */
  const makers = new Map<string, number>();
  const offered = new Set<number>();
  for (const entry of store.again.restorable(since === null ? null : new Date(since).toISOString())) {
    const { seq, state, route, tags, made, looked, sent, settledAt } = entry;
    const known = (document: string) => store.settledIds(document);
    const isOffered = canBeOffered(store, route) && (state === 'applied' || sent);
    if (state === 'applied' && !isOffered) continue;
    if (isOffered) {
      if (state === 'applied') store.again.offer(entry, settledAt !== null && settledAt < landed);
      else store.again.await(entry);
      offered.add(seq);
      noted.tag(...tags);
      noted.opened.push({ seq, tags });
    }
    const needs = looked.map((document) => makers.get(known(document))).filter((need) => need !== undefined);
    // What waits knows its needs among what waits already.
    store.entries.addNeeds(seq, state === 'applied' ? needs : needs.filter((need) => offered.has(need)));
    for (const document of made) makers.set(known(document), seq);
  }
  return offered.size;
}

/**
 * Has these, which were applied, sent once more, in the transaction under way: the cloud may have lost them unnoticed. What
 * waits and builds on one of them waits for it (I3). `awaited`: nothing is fetched before they have settled.
 */
export function askAgain(store: Store, seqs: readonly number[], awaited: boolean): void {
  for (const seq of seqs) store.again.ask(seq, awaited);
  const asked = new Set(seqs);
  const makers = new Map<string, number>();
  const known = (document: string) => store.settledIds(document);
  for (const { seq, state, made, looked } of store.again.restorable(null)) {
    const needs = looked.map((document) => makers.get(known(document))).filter((need) => need !== undefined);
    if (state !== 'applied') store.entries.addNeeds(seq, needs);
    if (asked.has(seq)) for (const document of made) makers.set(known(document), seq);
  }
}

/** Only where the app keeps each key's result, or where its effect can be looked for, does offering again no harm. */
const canBeOffered = ({ app }: Store, route: string) => app.honoursKeys || app.writes[route]?.find !== undefined;

/** While entries are offered again, it is looked this often whether they have settled, ms. */
const LOOK_AGAIN = 100;
/** They are waited for no longer than this after the last of them has settled, ms: some may wait for a person. */
const PATIENCE = 60_000;

/** Waits until what is offered again has settled; returns how many are left where it takes too long. */
export async function untilSettled({ again }: Store, pause: (ms: number) => Promise<void>): Promise<number> {
  let [left, moved] = [Infinity, performance.now()];
  for (let now = again.count(); now > 0; now = again.count()) {
    if (now < left) [left, moved] = [now, performance.now()];
    if (performance.now() - moved > PATIENCE) return now;
    await pause(LOOK_AGAIN);
  }
  return 0;
}
