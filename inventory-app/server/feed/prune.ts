/** Forgets the feed's oldest changes. Whoever has not read them by then is told that the cursor is unknown (410). */
import { KEPT_MS } from '../idempotency.ts';
import type { Services } from '../services.ts';

/**
 * Deletes what was recorded longer ago than keys are kept, and returns how many rows; the newest stays in any case, for
 * it is where the feed ends. An edge that comes back after longer fetches everything anew.
 */
export async function pruneChanges({ database, now }: Services): Promise<number> {
  const cutoff = new Date(now().getTime() - KEPT_MS).toISOString();
  return database.transaction(async (tx) => {
    const select = { position: true } as const;
    const last = await tx.change.findFirst({ orderBy: { position: 'desc' }, select });
    // Times ascend with positions, and all rows of a transaction have the same one.
    const kept = await tx.change.findFirst({
      where: { recordedAt: { gte: cutoff } },
      orderBy: { position: 'asc' },
      select,
    });
    const first = kept?.position ?? last?.position;
    if (first === undefined) return 0;
    const { count } = await tx.change.deleteMany({ where: { position: { lt: first } } });
    if (count > 0)
      await tx.setting.upsert({ where: { name: 'pruned' }, create: { name: 'pruned', value: 'yes' }, update: {} });
    return count;
  });
}
