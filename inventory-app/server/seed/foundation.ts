/** What every demonstration needs, whatever its goods: stores, people, and the stores' boxes. */
import { edgeTokenHash } from '../auth/caller.ts';
import type { Database } from '../db/open.ts';
import { hashPassword } from '../password.ts';

/** Before any sale: nothing that the seed writes depends on when it is run. */
export const FOUNDED = '2026-01-05T06:00:00.000Z';
export const PASSWORD = 'larder-demo';

export const STORES = [
  { id: 'S001', name: 'Larder High Street', currency: 'GBP', timeZone: 'Europe/London' },
  { id: 'S002', name: 'Larder Mill Road', currency: 'GBP', timeZone: 'Europe/London' },
] as const;

/** The administrator, on whose account imports are. */
export const ADMIN_ID = 'user-admin';

const USERS = [
  { id: 'user-clerk', username: 'clerk', name: 'Casey Clerk', role: 'clerk', storeId: 'S001' },
  { id: 'user-manager', username: 'manager', name: 'Morgan Manager', role: 'manager', storeId: 'S001' },
  { id: ADMIN_ID, username: 'admin', name: 'Alex Admin', role: 'admin', storeId: null },
  { id: 'user-clerk2', username: 'clerk2', name: 'Charlie Clerk', role: 'clerk', storeId: 'S002' },
  { id: 'user-manager2', username: 'manager2', name: 'Mel Manager', role: 'manager', storeId: 'S002' },
] as const;

/** Credentials for demonstrations only; a real edge's are random. */
const EDGES = STORES.map(({ id, name }) => ({
  id: `edge-${id}`,
  name: `Box at ${name}`,
  storeId: id,
  tokenHash: edgeTokenHash(`edge_demo_${id}`),
  createdAt: FOUNDED,
}));

/** Creates what is missing of the stores, users and edges; leaves alone what is there, whatever was changed in it. */
export async function layFoundation(database: Database): Promise<void> {
  const known = await database.prisma.user.findMany({ select: { id: true } });
  const missing = USERS.filter(({ id }) => !known.some((user) => user.id === id));
  const users = await Promise.all(
    missing.map(async (user) => ({ ...user, passwordHash: await hashPassword(PASSWORD) })),
  );
  await database.transaction(async (tx) => {
    for (const store of STORES) await tx.store.upsert({ where: { id: store.id }, create: store, update: {} });
    for (const user of users) await tx.user.upsert({ where: { id: user.id }, create: user, update: {} });
    for (const edge of EDGES) await tx.edge.upsert({ where: { id: edge.id }, create: edge, update: {} });
  });
}
