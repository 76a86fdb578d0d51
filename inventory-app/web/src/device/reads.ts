/** Lists from whoever answers; from this device's copy where nobody does. */
import type { Page, Product, Sale, StockLevel } from '../documents.ts';
import { request, type Source } from '../net/request.ts';
import { Trouble } from '../net/trouble.ts';
import { catalogue, find } from './catalogue.ts';
import { device } from './db.ts';

export interface Listed<T> {
  data: T[];
  total: number;
  source: Source;
}

const SALES = 30;
const MOST_IDS = 100;

async function orDevice<T>(ask: () => Promise<T>, own: () => Promise<T | null>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof Trouble) || !error.isSilence) throw error;
    const kept = await own();
    if (kept === null) throw error;
    return kept;
  }
}

const ofDevice = (asOf: number): Source => ({ from: 'device', asOf });

/** The latest sales of a store, those that only the edge or this device has as well. */
export function readSales(storeId: string): Promise<Listed<Sale>> {
  return orDevice(
    async () => {
      const { body, source } = await request<Page<Sale>>('GET', `/sales?storeId=${storeId}&limit=${SALES}`);
      return { data: body.data, total: body.page.total, source };
    },
    async () => {
      const mark = await device.marks.get('all');
      if (mark === undefined) return null;
      const all = (await device.sales.orderBy('occurredAt').toArray()).toReversed();
      return { data: all.slice(0, SALES), total: all.length, source: ofDevice(mark.asOf) };
    },
  );
}

export interface StockedProduct {
  product: Product;
  qty: number | undefined;
}

/** Products by name, with a store's stock: as many as `limit`. */
export function readProducts(storeId: string, q: string, limit: number): Promise<Listed<StockedProduct>> {
  return orDevice(
    () => askProducts(storeId, q, limit),
    async () => {
      const { asOf } = catalogue();
      if (asOf === null) return null;
      const found = find(catalogue(), q);
      return { data: found.slice(0, limit), total: found.length, source: ofDevice(asOf) };
    },
  );
}

async function askProducts(storeId: string, q: string, limit: number): Promise<Listed<StockedProduct>> {
  const query = new URLSearchParams({ active: 'true', limit: String(limit), ...(q !== '' && { q }) });
  const { body, source } = await request<Page<Product>>('GET', `/products?${query}`);
  const levels = new Map<string, number>();
  let asOf = source;
  for (let at = 0; at < body.data.length; at += MOST_IDS) {
    const ids = body.data.slice(at, at + MOST_IDS).map(({ id }) => `${storeId}:${id}`);
    const levelQuery = new URLSearchParams({ ids: ids.join(','), storeId, limit: String(MOST_IDS) });
    const answer = await request<Page<StockLevel>>('GET', `/stock-levels?${levelQuery}`);
    // A row is made of both; it is as old as the older of them.
    if (answer.source.asOf < asOf.asOf) asOf = answer.source;
    for (const { productId, qty } of answer.body.data) levels.set(productId, qty);
  }
  const data = body.data.map((product) => ({ product, qty: levels.get(product.id) }));
  return { data, total: body.page.total, source: asOf };
}
