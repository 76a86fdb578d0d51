/** Small facts about this database, made when they are first asked for. */
import { randomUUID } from 'node:crypto';
import type { Database, Transaction } from './db/open.ts';

/** `installation` tells this installation from a captive portal; `epoch` tells one history of the feed from another. */
type SettingName = 'installation' | 'epoch';

/** The setting's value; a random one is made where there is none. Safe from several processes at once. */
export async function setting(database: Database, name: SettingName): Promise<string> {
  const kept = await database.prisma.setting.findUnique({ where: { name } });
  if (kept !== null) return kept.value;
  const made = await database.prisma.setting.upsert({
    where: { name },
    create: { name, value: randomUUID() },
    update: {},
  });
  return made.value;
}

/** The feed's epoch. */
export async function epochOf(db: Pick<Transaction, 'setting'>): Promise<string> {
  const { value } = await db.setting.findUniqueOrThrow({ where: { name: 'epoch' } });
  return value;
}

/** Has the beginning of the feed been forgotten? */
export async function isFeedPruned(db: Pick<Transaction, 'setting'>): Promise<boolean> {
  return (await db.setting.findUnique({ where: { name: 'pruned' } })) !== null;
}

/** Begins a new epoch and returns it: after a restore or an import, when what edges know is to be fetched anew. */
export async function newEpoch(database: Database): Promise<string> {
  const value = randomUUID();
  await database.prisma.setting.upsert({
    where: { name: 'epoch' },
    create: { name: 'epoch', value },
    update: { value },
  });
  return value;
}
