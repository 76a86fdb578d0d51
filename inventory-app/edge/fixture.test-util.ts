/** A small store and its people, and one step through a write as an edge takes it. */
import { Refusal, type Doc, type Entry, type Json, type Req, type Res } from '@larder/sync/profile';
import { MemoryReplica } from './memory-replica.test-util.ts';
import profile from './profile.ts';
import type { StaffUser } from './user.ts';

export const NOW = '2026-07-01T23:30:00.000Z';
const EARLIER = '2026-06-01T08:00:00.000Z';

const user = (id: string, role: StaffUser['role'], store: string | null): StaffUser => ({
  id,
  role,
  store,
  username: id,
  name: id,
});
export const clerk = user('u-clerk', 'clerk', 'S001');
export const manager = user('u-manager', 'manager', 'S001');
export const admin = user('u-admin', 'admin', null);
export const stranger = user('u-clerk2', 'clerk', 'S002');

const product = (id: string, name: string, price: number): Doc => ({
  id,
  sku: `SKU-${id}`,
  barcode: null,
  name,
  unit: 'pcs',
  price,
  cost: 0,
  reorderLevel: 0,
  categoryId: null,
  active: true,
  createdAt: EARLIER,
  updatedAt: EARLIER,
  version: 3,
});

const customer = (id: string, storeId: string | null): Doc => ({
  id,
  code: id.toUpperCase(),
  name: `Customer ${id}`,
  country: null,
  phone: null,
  email: null,
  storeId,
  createdAt: EARLIER,
  updatedAt: EARLIER,
  version: 1,
});

export function replica(): MemoryReplica {
  return new MemoryReplica('S001', {
    stores: [
      { id: 'S001', name: 'High Street', currency: 'GBP', timeZone: 'Europe/London', version: 1 },
      { id: 'S002', name: 'Station', currency: 'GBP', timeZone: 'Europe/London', version: 1 },
    ],
    categories: [{ id: 'c1', name: 'Drinks', parentId: null, version: 1 }],
    products: [product('p1', 'Breakfast tea', 250), product('p2', 'Crème fraîche', 180)],
    customers: [customer('k1', null), customer('k2', 'S001')],
    'stock-levels': [{ id: 'S001:p1', storeId: 'S001', productId: 'p1', qty: 10, updatedAt: EARLIER, version: 4 }],
  });
}

const [noParams, noHeaders] = [{}, {}];

export function request(
  method: string,
  path: string,
  more: { body?: Json; params?: Record<string, string>; headers?: Record<string, string>; search?: string } = {},
): Req {
  return {
    method,
    path,
    params: more.params ?? noParams,
    query: new URLSearchParams(more.search),
    headers: more.headers ?? noHeaders,
    body: more.body,
    claims: null,
  };
}

let seq = 0;

/** A write as an edge takes it: checked, applied, answered. What `check` refuses comes back as its answer. */
export function take(
  db: MemoryReplica,
  who: StaffUser,
  route: string,
  req: Req,
): { res: Res; body: Json | undefined; entry: Entry } {
  const write = profile.writes[route];
  if (write === undefined) throw new Error(`no write ${route}`);
  seq += 1;
  const entry: Entry = { seq, key: `key-${seq}`, route, release: 1, user: who, at: NOW };
  let ids = 0;
  try {
    const body = write.check(db, req, who, { now: NOW, id: () => `new-${seq}-${(ids += 1)}` });
    const kept = { ...req, body, claims: null };
    db.looked.clear();
    write.apply(db, kept, entry);
    return { res: write.answer(db, kept, entry), body, entry };
  } catch (error) {
    if (error instanceof Refusal) return { res: error.res, body: undefined, entry };
    throw error;
  }
}
