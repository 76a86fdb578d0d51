/** What the back does by the clock. */
import { schedule } from 'node-cron';
import type { StateTable } from './state-table.ts';
import type { Store } from './store.ts';

export interface ScheduleParts {
  store: Store;
  state: StateTable;
  now(): number;
  /** It could not; the next hour will. */
  failed(error: unknown): void;
}

/** Settled entries are kept as long as the cloud keeps their keys: 90 days, ms. */
const KEEP_SETTLED = 90 * 24 * 3600 * 1000;

/** Starts the tidying: settled entries and expired state go. By the hour, for many a box is switched off at night. */
export function startSchedule({ store, state, now, failed }: ScheduleParts): { stop(): void } {
  const tidy = schedule('17 * * * *', () => {
    try {
      store.commit(() => {
        store.entries.prune(new Date(now() - KEEP_SETTLED).toISOString());
        state.prune();
      });
    } catch (error) {
      failed(error);
    }
  });
  return { stop: () => void tidy.stop() };
}
