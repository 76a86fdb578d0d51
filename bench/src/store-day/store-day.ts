/**
 * What a store does in a day with a bad link, against real processes: sell while the link is cut in every way, read
 * pages that were never opened before, edit what someone elsewhere edits too, lose power in the middle, and find
 * everything in the cloud once when the link is back.
 */
import { isDeepStrictEqual } from 'node:util';
import { REPLICATED } from '../../../inventory-app/edge/resources.ts';
import type { LinkMode } from '../link-simulator/link.ts';
import { Client, until } from '../stage/client.ts';
import type { Stage } from '../stage/stage.ts';
import { Books, look, offer, sell, type Article, type Sold } from './till.ts';

/** I5: only a fault keeps a queue from draining for so long once the link is back, ms. */
export const SETTLING = 60_000;

export const CUTS: LinkMode[] = ['down', 'refuse', 'blackhole', 'stall', 'portal', 'gateway', 'reset'];
interface Product extends Article {
  name: string;
  sku: string;
  version: number;
}

export interface Staff {
  clerk: Client;
  manager: Client;
  /** Someone of another store, at the cloud. */
  elsewhere: Client;
}

/** Everybody signs in while the link is up. */
export async function signIn(stage: Stage): Promise<Staff> {
  return {
    clerk: await stage.atEdge.signIn('clerk'),
    manager: await stage.atEdge.signIn('manager'),
    elsewhere: await stage.atCloud.signIn('manager2'),
  };
}

/** The articles to sell, with their opening stock noted. */
export async function openBooks(stage: Stage, staff: Staff, articles: number): Promise<[Books, Product[]]> {
  const books = new Books();
  const at = staff.clerk.at(stage.cloud.url);
  const { data } = (await at.get<{ data: Product[] }>(`/products?limit=${articles}&active=true`)).body;
  for (const product of data) {
    const { status, body } = await at.get<{ qty: number }>(`/stock-levels/S001:${product.id}`);
    books.setOpening(product.id, status === 200 ? body.qty : 0);
  }
  return [books, data];
}

/** `total` sales of the articles in turn, from `tills` connections at once, each read back at once. */
export async function sellMany(
  clerk: Client,
  books: Books,
  products: readonly Article[],
  { total, tills }: { total: number; tills: number },
): Promise<void> {
  let next = 0;
  const till = async () => {
    while (next < total) {
      const product = products[next % products.length];
      next += 1;
      if (product === undefined) return;
      const sale = await sell(clerk, books, product, 1 + (next % 3));
      if (sale.acknowledged) await look(clerk, books, sale);
    }
  };
  await Promise.all(Array.from({ length: tills }, till));
}

/** Goes on reading acknowledged sales until told to stop: no moment may miss one. */
export function keepLooking(clerk: Client, books: Books): { stop(): Promise<void> } {
  const stopped = new AbortController();
  const loop = async () => {
    for (let at = 0; !stopped.signal.aborted; at += 1) {
      const known = books.acknowledged;
      const sale = known[at % Math.max(known.length, 1)];
      if (sale === undefined) await new Promise((resolve) => setImmediate(resolve));
      else await look(clerk, books, sale);
    }
  };
  const done = loop();
  return {
    stop() {
      stopped.abort();
      return done;
    },
  };
}

/** Tills that got no answer offer the sale again, under its key. */
export async function offerAgain(clerk: Client, books: Books): Promise<void> {
  for (const sale of books.sold.filter((each) => !each.acknowledged)) await offer(clerk, sale);
}

/**
 * Waits, without a request to the edge, until the cloud holds every sale; then until the edge has nothing waiting. Fails
 * where either takes longer than `limit` ms.
 */
export async function settled(stage: Stage, staff: Staff, sales: readonly Sold[], limit: number): Promise<void> {
  const atCloud = staff.clerk.at(stage.cloud.url);
  const missing = new Set(sales.map(({ id }) => id ?? 'never acknowledged'));
  await until(
    `${sales.length} sales are in the cloud`,
    async () => {
      for (const chunk of chunks([...missing], 100)) {
        const { body } = await atCloud.get<{ data: { id: string }[] }>(`/sales?limit=500&ids=${chunk.join(',')}`);
        for (const { id } of body.data) missing.delete(id);
      }
      return missing.size === 0;
    },
    limit,
  );
  await until(
    'nothing is waiting at the edge',
    async () => {
      const { queue, replica } = await stage.status();
      return queue.length === 0 && replica.feed.live;
    },
    limit,
  );
}

/**
 * The whole day: fifty-five sales from up to eight connections, most of them cut off, with edits of two products that
 * someone elsewhere edits too, and a `kill -9` in the middle, still cut off. Ends with the link back and all settled.
 */
export async function wholeDay(stage: Stage, staff: Staff): Promise<Day> {
  const [books, products] = await openBooks(stage, staff, 5);
  const [merged, disputed] = products;
  if (merged === undefined || disputed === undefined) throw new Error('the cloud has no products');
  const watch = keepLooking(staff.clerk, books);
  await sellMany(staff.clerk, books, products, { total: 5, tills: 2 });
  await stage.link.set('blackhole');
  await sellMany(staff.clerk, books, products, { total: 25, tills: 8 });
  const edits = [
    await staff.manager.write('PATCH', `/products/${merged.id}`, { price: 777 }),
    await staff.manager.write('PATCH', `/products/${disputed.id}`, { name: 'Named here' }),
  ];
  const elsewhere = await changeElsewhere(staff, merged.id, disputed.id);
  const rest = sellMany(staff.clerk, books, products, { total: 25, tills: 8 });
  await until('some of it is under way', () => books.sold.length > 40);
  await stage.crashEdge();
  await rest;
  await offerAgain(staff.clerk, books);
  await stage.link.set('up');
  await settled(stage, staff, books.sold, SETTLING);
  await watch.stop();
  return { books, merged: merged.id, disputed: disputed.id, edits: edits.map(({ status }) => status), elsewhere };
}

export interface Day {
  books: Books;
  merged: string;
  disputed: string;
  /** What the edits at the edge and the changes elsewhere were answered with. */
  edits: number[];
  elsewhere: number[];
}

/** Meanwhile, in the cloud, someone of another store changes both products and sells the same goods. */
async function changeElsewhere({ elsewhere }: Staff, merged: string, disputed: string): Promise<number[]> {
  const lines = [{ productId: merged, qty: 3, unitPrice: 100 }];
  const answers = [
    await elsewhere.write('PATCH', `/products/${merged}`, { name: 'Renamed elsewhere' }),
    await elsewhere.write('PATCH', `/products/${disputed}`, { name: 'Named elsewhere' }),
    await elsewhere.write('POST', '/sales', { storeId: 'S002', lines }),
  ];
  return answers.map(({ status }) => status);
}

/** What is wrong in the cloud's books; empty when every sale that was offered is there exactly once and stock is right. */
export async function audit(stage: Stage, staff: Staff, books: Books): Promise<string[]> {
  const faults: string[] = [];
  const atCloud = staff.manager.at(stage.cloud.url);
  for (const sale of books.sold) {
    const { body } = await atCloud.get<{ data: unknown[] }>(`/sales?number=${sale.number}`);
    if (body.data.length !== 1) faults.push(`sale ${sale.number} is in the cloud ${body.data.length} times`);
  }
  for (const article of new Set(books.sold.map((sale) => sale.article.id))) {
    const { body: level } = await atCloud.get<{ qty: number }>(`/stock-levels/S001:${article}`);
    const movements = await atCloud.all<{ qty: number }>(`/movements?storeId=S001&productId=${article}`);
    const ledger = movements.reduce((sum, { qty }) => sum + qty, 0);
    if (level.qty !== ledger) faults.push(`stock of ${article} is ${level.qty}, its ledger says ${ledger}`);
    const expected = books.expectedStock(article);
    if (level.qty !== expected) faults.push(`stock of ${article} is ${level.qty}, the tills say ${expected}`);
  }
  return faults;
}

/** Where replica and cloud differ; the link must be cut, so that only the replica can answer. */
export const compare = (stage: Stage, staff: Staff): Promise<string[]> =>
  differences(staff.manager, staff.manager.at(stage.cloud.url));

/** Where the answers of a replica and of the cloud differ, over all documents; of each resource, the first. */
export async function differences(replica: Client, cloud: Client): Promise<string[]> {
  const faults: string[] = [];
  for (const resource of REPLICATED) {
    const [here, there] = await Promise.all([
      replica.all<{ id: string }>(`/${resource}`),
      cloud.all<{ id: string }>(`/${resource}`),
    ]);
    if (here.length !== there.length) faults.push(`${resource}: ${here.length} here, ${there.length} in the cloud`);
    const differs = there.findIndex((doc, at) => !isDeepStrictEqual(here[at], doc));
    if (differs >= 0)
      faults.push(`${resource}: ${JSON.stringify(here[differs])} here, ${JSON.stringify(there[differs])} in the cloud`);
  }
  return faults;
}

function chunks<T>(all: readonly T[], size: number): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < all.length; at += size) parts.push(all.slice(at, at + size));
  return parts;
}
