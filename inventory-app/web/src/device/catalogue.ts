/** Products and stock of the copy, held in memory, so that a scan or a letter typed is answered at once. */
import { liveQuery } from 'dexie';
import { normalise, searchTerms } from '../../../rules/search.ts';
import type { Product, StockLevel } from '../documents.ts';
import { device, type Recorded } from './db.ts';
import { movedBy } from './outbox.ts';

export interface Article {
  product: Product;
  /** Undefined: no stock is kept of it. */
  qty: number | undefined;
}

export interface Catalogue {
  /** By name. */
  articles: readonly Article[];
  byId: ReadonlyMap<string, Article>;
  byCode: ReadonlyMap<string, Article>;
  /** ms since 1970; null: there is no whole copy yet. */
  asOf: number | null;
}

const EMPTY: Catalogue = { articles: [], byId: new Map(), byCode: new Map(), asOf: null };

let current = EMPTY;
const listeners = new Set<() => void>();

export const catalogue = (): Catalogue => current;

export function onCatalogue(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What it is put together from; each part is read again only when it has changed. */
const parts = {
  products: [] as Product[],
  levels: [] as StockLevel[],
  recorded: [] as Recorded[],
  asOf: null as number | null,
  storeId: '',
};

function assemble(): Catalogue {
  const { products, levels, recorded, asOf, storeId } = parts;
  const moved = movedBy(recorded, storeId);
  const quantities = new Map(levels.map(({ productId, qty }) => [productId, qty]));
  const quantityOf = (id: string) => {
    const [qty, by] = [quantities.get(id), moved.get(id)];
    return by === undefined ? qty : (qty ?? 0) + by;
  };
  const articles = products.map((product) => ({ product, qty: quantityOf(product.id) }));
  const codes = articles.flatMap((article): [string, Article][] => {
    const { sku, barcode } = article.product;
    return barcode === null
      ? [[sku.toLowerCase(), article]]
      : [
          [sku.toLowerCase(), article],
          [barcode, article],
        ];
  });
  const byId = new Map(articles.map((article) => [article.product.id, article]));
  return { articles, byId, byCode: new Map(codes), asOf };
}

/** Follows the copy for as long as this tab lives; other tabs' changes too. */
export function followCopy(): void {
  const follow = <T>(read: () => Promise<T>, keep: (value: T) => void) =>
    liveQuery(read).subscribe((value) => {
      keep(value);
      current = assemble();
      for (const listener of listeners) listener();
    });
  const active = async () => (await device.products.orderBy('name').toArray()).filter((product) => product.active);
  follow(active, (products) => (parts.products = products));
  follow(
    () => device.levels.toArray(),
    (levels) => (parts.levels = levels),
  );
  follow(
    () => device.outbox.toArray(),
    (recorded) => (parts.recorded = recorded),
  );
  follow(
    () => device.marks.get('all'),
    (mark) => (parts.asOf = mark?.asOf ?? null),
  );
  follow(
    () => device.kept.get('store'),
    (store) => (parts.storeId = store?.value ?? ''),
  );
}

const texts = new WeakMap<Product, string>();

function textOf(product: Product): string {
  const known = texts.get(product);
  if (known !== undefined) return known;
  const text = normalise(`${product.name} ${product.sku} ${product.barcode ?? ''}`);
  texts.set(product, text);
  return text;
}

/** The articles in which every word occurs, in order. */
export function find({ articles }: Catalogue, q: string): readonly Article[] {
  const terms = searchTerms(q);
  if (terms.length === 0) return articles;
  return articles.filter(({ product }) => terms.every((term) => textOf(product).includes(term)));
}
