/** Reads that nobody has made before, of every covered route, answered by the replica alone. */
import { API } from '../../../inventory-app/rules/resources.ts';
import type { Caller } from './caller.ts';
import { figuresOf, type Figures } from './figures.ts';
import { pick, randomOf, whole } from './random.ts';
import { productId, SHOP_STORE, type ShopSize } from './shop.ts';

/** So many of each kind come before those that count: the code is still cold, and no count is remembered. */
export const FIRST = 20;

export interface ReadFigures extends Figures {
  /** `list`, `search` or `item`: the budget is for the first two. */
  kind: Kind;
  request: string;
  /** Answers that the replica did not make, or that were not 200. */
  odd: number;
  /** The first `FIRST` of all, which the others do not contain. */
  first: Figures;
}
type Kind = 'list' | 'search' | 'item';

interface Request {
  kind: Kind;
  /** What stands in the report. */
  request: string;
  path(random: () => number): string;
}

const FACTS = ['sales', 'returns', 'receipts', 'adjustments'] as const;
const WORDS = ['crème', 'small', 'bulb', 'tea', 'garden blue', 'copper wine', 'batter', 'no such thing', '99'] as const;

const cursor = (...values: unknown[]) => encodeURIComponent(Buffer.from(JSON.stringify(values)).toString('base64url'));
const list = (request: string, path: Request['path']): Request => ({ kind: 'list', request, path });
const search = (request: string, path: Request['path']): Request => ({ kind: 'search', request, path });
const item = (request: string, path: Request['path']): Request => ({ kind: 'item', request, path });

/** A page is about one screen long. */
const limit = (random: () => number) => `limit=${whole(random, 20, 60)}`;
const day = (random: () => number) => new Date(Date.UTC(2025, 0, 1 + whole(random, 0, 700))).toISOString();

function requestsOf({ products }: ShopSize, ids: Readonly<Record<string, readonly string[]>>): Request[] {
  const product = (random: () => number) => productId(whole(random, 0, products - 1));
  const known = (resource: string) => (random: () => number) => {
    const [first = 'none', ...rest] = ids[resource] ?? [];
    return `/${resource}/${encodeURIComponent(pick(random, [first, ...rest]))}`;
  };
  return [
    list('products by name', (r) => `/products?${limit(r)}`),
    list('products, dearest first', (r) => `/products?sort=-price&${limit(r)}`),
    list('products, a page far in', (r) => `/products?${limit(r)}&after=${cursor('Large', product(r))}`),
    list('products of a category', (r) => `/products?categoryId=${pick(r, ['pantry', 'garden'])}&${limit(r)}`),
    list('product by barcode', (r) => `/products?barcode=${whole(r, 1, 1e9)}`),
    search('products, one word', (r) => `/products?q=${encodeURIComponent(pick(r, WORDS))}&${limit(r)}`),
    search('products, letters typed', (r) => `/products?q=${letters(r)}&${limit(r)}`),
    item('product', (r) => `/products/${product(r)}`),
    list('stock levels', (r) => `/stock-levels?${limit(r)}`),
    list('stock levels, least first', (r) => `/stock-levels?sort=qty&${limit(r)}`),
    list('stock of a product', (r) => `/stock-levels?productId=${product(r)}`),
    list('stock of a screen of products', (r) => `/stock-levels?ids=${many(() => `${SHOP_STORE}:${product(r)}`)}`),
    item('stock level', (r) => `/stock-levels/${SHOP_STORE}:${product(r)}`),
    list('customers', (r) => `/customers?${limit(r)}`),
    search('customers, a number', (r) => `/customers?q=${whole(r, 10_000, 12_000)}`),
    item('customer', known('customers')),
    list('categories', (r) => `/categories?${limit(r)}`),
    search('categories, a word', (r) => `/categories?q=${pick(r, ['pan', 'gar', 'tools'])}&${limit(r)}`),
    item('category', known('categories')),
    list('stores', (r) => `/stores?${limit(r)}`),
    item('store', known('stores')),
    list('exceptions', (r) => `/exceptions?${limit(r)}`),
    list('till starts of a till', (r) => `/till-starts?till=T${whole(r, 1, 99)}&sort=-generation&${limit(r)}`),
    ...FACTS.flatMap((fact) => [
      list(`${fact}, latest first`, (r) => `/${fact}?${limit(r)}`),
      list(`${fact} of a day`, (r) => `/${fact}?businessDate=${day(r).slice(0, 10)}&${limit(r)}`),
      list(`${fact} of a time`, (r) => `/${fact}?occurredFrom=${day(r)}&${limit(r)}`),
      list(`${fact} by number`, (r) => `/${fact}?number=N${whole(r, 1, 90_000)}`),
      item(`one of the ${fact}`, known(fact)),
    ]),
  ];
}

const letters = (random: () => number) =>
  `${pick(random, ['ba', 'cr', 'la', 'st'])}${pick(random, ['a', 'e', 'r', ''])}`;
const many = (make: () => string) => Array.from({ length: 50 }, make).join(',');

/** One after the other, each kind of request `FIRST + rounds` times, in turn, so that a disturbance hits all alike. */
export async function measureReads(
  caller: Caller,
  edge: string,
  size: ShopSize,
  ids: Readonly<Record<string, readonly string[]>>,
  rounds: number,
): Promise<ReadFigures[]> {
  const random = randomOf(2);
  const rows = requestsOf(size, ids).map((request) => ({ request, times: [] as number[], odd: 0 }));
  for (let round = 0; round < FIRST + rounds; round += 1)
    for (const row of rows) {
      const { ms, status, source } = await caller.get(`${edge}${API}${row.request.path(random)}`);
      if (status === 200 && source === 'replica') row.times.push(ms);
      else row.odd += 1;
    }
  return rows.map(({ request: { kind, request }, times, odd }) => {
    const first = figuresOf(times.slice(0, FIRST));
    return { kind, request, ...figuresOf(times.slice(FIRST)), odd, first };
  });
}

/** Some ids of each resource that has items, asked of the cloud. */
export async function idsOf(caller: Caller, cloud: string): Promise<Record<string, string[]>> {
  const ids: Record<string, string[]> = {};
  for (const resource of ['customers', 'categories', 'stores', ...FACTS]) {
    const { status, text } = await caller.get(`${cloud}${API}/${resource}?limit=500`);
    if (status !== 200) throw new Error(`GET ${resource} gave ${status}: ${text}`);
    ids[resource] = (JSON.parse(text) as { data: { id: string }[] }).data.map(({ id }) => id);
  }
  return ids;
}
