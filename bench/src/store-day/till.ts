/** Tills that sell, remember what they were told, and check that no covered read ever misses it. */
import { randomUUID } from 'node:crypto';
import type { Client } from '../stage/client.ts';

export interface Article {
  id: string;
  price: number;
}

export interface Sold {
  /** The receipt's number: unlike the id, nothing keeps the cloud from having it twice. */
  number: string;
  /** Chosen by the till, or given with the acknowledgement. */
  id: string | null;
  key: string;
  article: Article;
  qty: number;
  /** Else the edge or the cloud makes the id. */
  choosesId: boolean;
  /** What the till was told: acknowledged, or nothing at all. */
  acknowledged: boolean;
}

/** What all tills of a store know together. */
export class Books {
  readonly sold: Sold[] = [];
  /** Reads that missed something acknowledged: must stay empty (I6). */
  readonly missed: string[] = [];
  /** Reads that got no answer although the route is covered. */
  readonly failed: string[] = [];
  reads = 0;
  readonly #opening = new Map<string, number>();

  setOpening(article: string, qty: number): void {
    this.#opening.set(article, qty);
  }

  get acknowledged(): Sold[] {
    return this.sold.filter((sale) => sale.acknowledged);
  }

  /** What the stock level should be once all these sales are in. */
  expectedStock(article: string, sales: readonly Sold[] = this.sold): number {
    const taken = sales.filter((sale) => sale.article.id === article).reduce((sum, { qty }) => sum + qty, 0);
    return (this.#opening.get(article) ?? 0) - taken;
  }
}

/** Sells `qty` of an article under a key of its own. An answer that never came leaves the sale unacknowledged. */
export async function sell(client: Client, books: Books, article: Article, qty: number): Promise<Sold> {
  const number = `D-${randomUUID()}`;
  const choosesId = books.sold.length % 2 === 0;
  const sale: Sold = {
    number,
    id: choosesId ? randomUUID() : null,
    key: randomUUID(),
    choosesId,
    article,
    qty,
    acknowledged: false,
  };
  books.sold.push(sale);
  await offer(client, sale);
  return sale;
}

/** Offers a sale, again if need be: same key, same bytes. */
export async function offer(client: Client, sale: Sold): Promise<void> {
  const body = {
    ...(sale.choosesId ? { id: sale.id } : {}),
    number: sale.number,
    storeId: 'S001',
    lines: [{ productId: sale.article.id, qty: sale.qty, unitPrice: sale.article.price }],
    tenders: [{ type: 'cash', amount: sale.qty * sale.article.price }],
  };
  const answer = await client.write<{ id: string }>('POST', '/sales', body, sale.key).catch(() => null);
  if (answer === null) return;
  if (answer.status !== 201 && answer.status !== 202)
    throw new Error(`a sale was answered with ${answer.status}: ${JSON.stringify(answer.body)}`);
  sale.id = answer.body.id;
  sale.acknowledged = true;
}

/** Reads one acknowledged sale and its article's stock through the edge, and checks both (I6). */
export async function look(client: Client, books: Books, sale: Sold): Promise<void> {
  const before = [...books.acknowledged];
  const level = `/stock-levels/S001:${sale.article.id}`;
  const [found, stock] = [await tryGet(client, books, `/sales/${sale.id}`), await tryGet(client, books, level)];
  if (found !== null && found.status !== 200) books.missed.push(`sale ${sale.id}: ${found.status}`);
  if (stock === null) return;
  const qty = Number((stock.body as { qty?: number }).qty);
  const most = books.expectedStock(sale.article.id, before);
  const least = books.expectedStock(sale.article.id);
  if (!(qty <= most && qty >= least)) books.missed.push(`stock of ${sale.article.id}: ${qty}, not ${least} to ${most}`);
}

async function tryGet(client: Client, books: Books, path: string) {
  books.reads += 1;
  try {
    const answer = await client.get(path);
    if (answer.status >= 500) books.failed.push(`${path}: ${answer.status}`);
    return answer.status >= 500 ? null : answer;
  } catch {
    // The edge itself is down (killed): nothing was answered, so nothing was missed.
    return null;
  }
}
