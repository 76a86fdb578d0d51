/** The device's copy and outbox, as screens see them: shown anew whenever they change. */
import { liveQuery } from 'dexie';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { type Catalogue, catalogue, onCatalogue } from './catalogue.ts';
import { device, type Recorded } from './db.ts';

export const useCatalogue = (): Catalogue => useSyncExternalStore(onCatalogue, catalogue);

const NONE: readonly Recorded[] = [];

/** What was recorded here and is not settled in the cloud, oldest first. */
export function useOutbox(): readonly Recorded[] {
  const [recorded, setRecorded] = useState(NONE);
  useEffect(() => {
    const subscription = liveQuery(() => device.outbox.orderBy('seq').toArray()).subscribe(setRecorded);
    return () => subscription.unsubscribe();
  }, []);
  return recorded;
}
