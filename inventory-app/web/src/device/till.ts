/** This device's seat in the store: the till it is, and how far it has counted. */
import { formatNumber, nextNumber, type Series } from '../../../rules/receipt-numbers.ts';
import { device } from './db.ts';

export interface Till extends Series {
  /** Of its last receipt; 0: none yet. */
  last: number;
}

const PLACE = 'till';

/** Null: this device is no till of that store. */
export async function tillOf(storeId: string): Promise<Till | null> {
  const kept = await device.kept.get(PLACE);
  const till = kept === undefined ? null : (JSON.parse(kept.value) as Till);
  return till?.storeId === storeId ? till : null;
}

export const keepTill = (till: Till) => device.kept.put({ name: PLACE, value: JSON.stringify(till) });

/**
 * The number of the next receipt, and the till that gives it; null where this device is none. To be called in the
 * transaction that keeps the receipt: a number is taken with it, or not at all.
 */
export async function takeNumber(storeId: string): Promise<{ till: string; number: string } | null> {
  const till = await tillOf(storeId);
  if (till === null) return null;
  const number = nextNumber(till, till.last);
  await keepTill({ ...till, last: number.seq });
  return { till: till.till, number: formatNumber(number) };
}
