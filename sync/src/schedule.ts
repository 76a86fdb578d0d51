/** What the back does by the clock. */
import { schedule } from 'node-cron';
import type { InboxDesk } from './inbox/desk.ts';
import type { StateTable } from './state-table.ts';
import type { Store } from './store.ts';

export interface ScheduleParts {
  store: Store;
  inbox: Pick<InboxDesk, 'prune'>;
  state: StateTable;
  /** How long settled entries are kept, ms. */
  keepSettled: number;
  now(): number;
  /** It could not; the next hour will. */
  failed(error: unknown): void;
}

/** Starts the tidying: settled entries and expired state go. By the hour, for many a box is switched off at night. */
export function startSchedule({ store, inbox, state, keepSettled, now, failed }: ScheduleParts): { stop(): void } {
  const tidy = schedule('17 * * * *', () => {
    try {
      store.commit(() => {
        store.entries.prune(new Date(now() - keepSettled).toISOString());
        inbox.prune();
        state.prune();
      });
    } catch (error) {
      failed(error);
    }
  });
  return { stop: () => void tidy.stop() };
}
