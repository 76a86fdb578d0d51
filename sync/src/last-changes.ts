/**
 * What of the feed is kept before a walk: of a document, the last that was said, and only where a waiting write touches it,
 * or made it under an id that its answer has still to tell; the walk brings all others. So as much is held as waits, however long the feed.
 *
 * A restored cloud is offered again what it had lost, one after the other, and the feed tells it in the same order. Were
 * its documents taken as they come, each would for a while lack what was offered after that change, and the old base that
 * contains all of it would be gone (I6). The last state lacks nothing, for all of it was settled before the feed was asked.
 */
import type { Batch, Change } from './profile.ts';
import type { QueuedEntry } from './queue/entries.ts';
import { isSettled } from './queue/states.ts';
import type { Store } from './store.ts';

type Waiting = Pick<Store, 'overlay' | 'entries'>;

/**
 * Reads the feed from the present position to its end. What is held, documents and markers, belongs into one commit with
 * the last page's position: a marker's entry goes as its effect comes. `markers` says of which entries any came, held or
 * not. Rejects as `page` does.
 */
export async function lastChanges(
  store: Waiting & Pick<Store, 'meta'>,
  page: (cursor: string | null) => Promise<Batch>,
): Promise<{ held: Change[]; markers: Set<number>; last: Batch }> {
  const markers = new Set<number>();
  const held = new Map<string, Change>();
  for (let cursor = store.meta('cursor'); ;) {
    const last = await page(cursor);
    for (const change of last.changes) {
      const entry = change.cause === null ? null : store.entries.byKey(change.cause.user, change.cause.key);
      if (change.type === 'marker' && entry !== null) markers.add(entry.seq);
      const key = keyOf(store, change, entry);
      if (key !== null) held.set(key, change);
    }
    if (!last.more) return { held: [...held.values()], markers, last };
    cursor = last.cursor;
  }
}

/** Null: nothing is lost without it. */
function keyOf({ overlay }: Waiting, change: Change, entry: QueuedEntry | null): string | null {
  // What shows nothing is let go of with all that settled before the end of the walk.
  const waits = entry !== null && (!isSettled(entry.state) || overlay.acts(entry.seq));
  if (change.type === 'marker') return waits ? `\0${entry.seq}` : null;
  return waits || overlay.touches(change.resource, change.id) ? `${change.resource}/${change.id}` : null;
}
