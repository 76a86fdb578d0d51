/**
 * What becomes of the queue when the cloud was restored from a backup: what it had applied since then is lost there, and
 * nobody can say which entries that concerns. So all that were applied and are still kept are offered again, each under
 * its key and after what it builds on; the cloud answers for those that it has, and does the others. What waits and
 * builds on one of them waits for it (I3); nothing else does (I4).
 *
 * Meanwhile the old replica, whose base contains them, goes on answering for what they touch (I6).
 */
import type { Noted, Store } from '../store.ts';

/** Marks what was applied since a time (ISO 8601), in the transaction under way; returns how many entries. */
export function offerAgain(store: Store, since: string, noted: Noted): number {
  /** The last entry so far that made or edited a document, `resource/id`. */
  const makers = new Map<string, number>();
  const offered = new Set<number>();
  for (const entry of store.again.restorable(since)) {
    const { seq, state, route, tags, made, looked } = entry;
    const known = (document: string) => store.settledIds(document);
    if (state === 'applied') {
      if (!canBeOffered(store, route)) continue;
      store.again.offer(entry);
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

/** Only where the app keeps each key's result, or where its effect can be looked for, does offering again no harm. */
const canBeOffered = ({ app }: Store, route: string) => app.honoursKeys || app.writes[route]?.find !== undefined;
