/** The device's copy and outbox, as screens see them: shown anew whenever they change. */
import { liveQuery } from 'dexie';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { type Catalogue, catalogue, onCatalogue } from './catalogue.ts';
import { device, type Recorded } from './db.ts';
import { type Till, tillOf } from './till.ts';

export const useCatalogue = (): Catalogue => useSyncExternalStore(onCatalogue, catalogue);

/** Undefined until it is known; null: this device is no till of that store. */
export function useTill(storeId: string): Till | null | undefined {
  const [till, setTill] = useState<Till | null>();
  useEffect(() => {
    const subscription = liveQuery(() => tillOf(storeId)).subscribe(setTill);
    return () => subscription.unsubscribe();
  }, [storeId]);
  return till;
}

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
