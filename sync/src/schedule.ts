/** What the back does by the clock. */
import { schedule, validate, type ScheduledTask } from 'node-cron';
import type { Audit } from './audit.ts';
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
  /** A cron expression in local time; null: no audit by itself. */
  auditSchedule: string | null;
  audit: Pick<Audit, 'begin' | 'status'>;
  /** It could not; the next hour will. */
  failed(error: unknown): void;
}

/** An audit that is this late, ms, is made up for: many a box is switched off at night. */
const AUDIT_OVERDUE = 36 * 3600 * 1000;

/** Is it a cron expression? */
export const isSchedule = (text: string): boolean => validate(text);

/** Starts the tidying by the hour (settled entries and expired state go) and the audits. */
export function startSchedule(parts: ScheduleParts): { stop(): void } {
  const { store, inbox, state, keepSettled, now, auditSchedule, audit, failed } = parts;
  const tidy = schedule('17 * * * *', () => {
    try {
      store.commitAs('tidied', () => {
        store.entries.prune(new Date(now() - keepSettled).toISOString());
        inbox.prune();
        state.prune();
      });
      if (auditSchedule !== null && isOverdue(parts)) audit.begin();
    } catch (error) {
      failed(error);
    }
  });
  const tasks: ScheduledTask[] = [tidy];
  if (auditSchedule !== null) tasks.push(schedule(auditSchedule, () => void audit.begin()));
  return { stop: () => tasks.forEach((task) => void task.stop()) };
}

/** A replica that was never audited has just been fetched, or soon will be by its schedule. */
function isOverdue({ audit, now }: ScheduleParts): boolean {
  const { last } = audit.status;
  return last !== null && now() - Date.parse(last.at) > AUDIT_OVERDUE;
}
