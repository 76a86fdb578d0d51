/**
 * The copy of the catalogue, of this store's stock and of its latest sales. First whole, then whatever has changed
 * since. Bounded: a device is no server.
 */
import type { Table } from 'dexie';
import type { Page } from '../documents.ts';
import { request } from '../net/request.ts';
import { device } from './db.ts';

const PAGE = 500;
/** Of each resource. */
const MOST = 20_000;
const SALES = 300;
/** Changes of one moment may come in two answers: what is this much older is read again, ms. */
const OVERLAP = 5_000;
const WHOLE_EVERY = 86_400_000;

interface Changing {
  id: string;
  updatedAt: string;
}

/** Brings the copy up to date; rejects where nobody answers, and keeps what it has. */
export async function refresh(storeId: string): Promise<void> {
  await own(storeId);
  const products = await follow('products', device.products as Table<Changing, string>, '');
  const levels = await follow('stock-levels', device.levels as Table<Changing, string>, `&storeId=${storeId}`);
  await latestSales(storeId);
  await device.marks.put({ name: 'all', through: '', asOf: Math.min(products, levels), wholeAt: 0 });
}

/** The copy is of one store: another one's is forgotten. */
async function own(storeId: string): Promise<void> {
  const { products, levels, sales, marks, kept } = device;
  await device.transaction('rw', [products, levels, sales, marks, kept], async () => {
    if ((await kept.get('store'))?.value === storeId) return;
    for (const table of [products, levels, sales, marks]) await table.clear();
    await kept.put({ name: 'store', value: storeId });
  });
}

/**
 * Reads what has changed, newest first, until it meets what is there; once a day all there is, to miss what was deleted.
 * Returns how new the copy is, ms since 1970.
 */
async function follow(resource: string, table: Table<Changing, string>, filter: string): Promise<number> {
  const mark = await device.marks.get(resource);
  const isWhole = mark === undefined || Date.now() - mark.wholeAt > WHOLE_EVERY;
  const since = isWhole ? '' : new Date(Date.parse(mark.through) - OVERLAP).toISOString();
  const list = `/${resource}?sort=-updatedAt&limit=${PAGE}${filter}`;
  const met = new Set<string>();
  let through = mark?.through ?? '';
  let asOf = Date.now();
  let after: string | null = null;
  do {
    const at: string = after === null ? '' : `&after=${encodeURIComponent(after)}`;
    const { body, source } = await request<Page<Changing>>('GET', list + at);
    asOf = Math.min(asOf, source.asOf);
    await table.bulkPut(body.data);
    for (const { id, updatedAt } of body.data) {
      met.add(id);
      if (updatedAt > through) through = updatedAt;
    }
    after = (body.data.at(-1)?.updatedAt ?? '') < since ? null : body.page.next;
  } while (after !== null && met.size < MOST);
  if (isWhole && after === null) await forget(table, met);
  // Only now: what was cut off in the middle is begun again.
  await device.marks.put({ name: resource, through, asOf, wholeAt: isWhole ? Date.now() : mark.wholeAt });
  return asOf;
}

/** What a reading of everything did not meet is not there any more. */
async function forget(table: Table<Changing, string>, met: ReadonlySet<string>): Promise<void> {
  const kept = await table.toCollection().primaryKeys();
  await table.bulkDelete(kept.filter((id) => !met.has(id)));
}

async function latestSales(storeId: string): Promise<void> {
  const { body } = await request<Page<Changing>>('GET', `/sales?storeId=${storeId}&limit=${SALES}`);
  const { sales } = device;
  await device.transaction('rw', sales, async () => {
    await sales.clear();
    await (sales as unknown as Table<Changing, string>).bulkPut(body.data);
  });
}
