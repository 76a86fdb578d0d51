/**
 * What this device keeps of its own: a copy of what its work needs, and what it has recorded until the cloud has it.
 * One database for the app; the copy is of one store, the outbox of whatever was recorded here.
 */
import { Dexie, type EntityTable } from 'dexie';
import type { FactKind } from '../../../rules/resources.ts';
import type { Product, Sale, StockLevel, Store } from '../documents.ts';

/** What a device records. */
export type RecordedKind = FactKind | 'till-starts';

export interface RecordedBody extends Record<string, unknown> {
  id: string;
  storeId: string;
  /** Of facts that move goods. */
  occurredAt?: string;
  lines?: readonly FactLine[];
}

/** A fact that was recorded here. It stays until the cloud has settled it. */
export interface Recorded {
  /** The order in which they go up. */
  seq: number;
  /** Its Idempotency-Key. */
  key: string;
  kind: RecordedKind;
  body: RecordedBody;
  /** Who recorded it. */
  by: { id: string; name: string };
  /** With which it is sent. */
  token: string;
  /**
   * `here`: only this device has it. `store`: safe with the store's edge, not in the cloud yet. `refused`: whoever
   * answered will not have it as it is; a person must look.
   */
  state: 'here' | 'store' | 'refused';
  /** Why it was refused, in the words of whoever did. */
  why: string | null;
}

export interface FactLine {
  productId: string;
  qty: number;
}

/** How far the copy is. */
interface Mark {
  /** Name of what is copied. */
  name: string;
  /** Newest `updatedAt` (or `occurredAt`) that is in it, ISO 8601 UTC. */
  through: string;
  /** ms since 1970. */
  asOf: number;
  /** When all of it was read last, ms since 1970: what was deleted is noticed only then. */
  wholeAt: number;
}

interface Kept {
  name: string;
  value: string;
}

class Device extends Dexie {
  declare products: EntityTable<Product, 'id'>;
  declare levels: EntityTable<StockLevel, 'id'>;
  declare sales: EntityTable<Sale, 'id'>;
  declare stores: EntityTable<Store, 'id'>;
  declare marks: EntityTable<Mark, 'name'>;
  declare kept: EntityTable<Kept, 'name'>;
  declare outbox: EntityTable<Recorded, 'seq'>;

  constructor() {
    super('inventory');
    this.version(1).stores({
      products: 'id, name',
      levels: 'id',
      sales: 'id, occurredAt',
      stores: 'id',
      marks: 'name',
      kept: 'name',
      outbox: '++seq, &key, state',
    });
  }
}

export const device = new Device();
