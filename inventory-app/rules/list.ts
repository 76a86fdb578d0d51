/** One parser of list queries, for the server and for an edge that answers in its stead. */
import type { Doc, Json, Match, Query } from '@larder/sync/profile';
import { ProblemError } from './problems.ts';
import type { ListedResource } from './resources.ts';
import { isSearchable, searchTerms } from './search.ts';

type FieldType = 'text' | 'int' | 'bool';
type Fields = Readonly<Record<string, FieldType>>;

interface Listing {
  /** Exact match, by field name. */
  filters: Fields;
  /** Never a nullable field, and never one that a waiting document lacks. `id` is added to each. */
  sorts: Fields;
  /** Field name; a leading `-` means descending. */
  defaultSort: string;
  /** The field that `<prefix>From` (inclusive) and `<prefix>To` (exclusive) bound. */
  time?: { prefix: string; field: string };
}

const MAX_LIMIT = 500;
const DEFAULT_LIMIT = 50;
const MAX_IDS = 100;
const OCCURRED = { prefix: 'occurred', field: 'occurredAt' };

function factListing(filters: Fields, sorts: Fields = {}): Listing {
  return {
    filters: { storeId: 'text', till: 'text', number: 'text', businessDate: 'text', userId: 'text', ...filters },
    sorts: { occurredAt: 'text', businessDate: 'text', ...sorts },
    defaultSort: '-occurredAt',
    time: OCCURRED,
  };
}

const LISTINGS: Readonly<Record<ListedResource, Listing>> = {
  stores: { filters: { name: 'text' }, sorts: { name: 'text' }, defaultSort: 'id' },
  categories: { filters: { name: 'text', parentId: 'text' }, sorts: { name: 'text' }, defaultSort: 'name' },
  products: {
    filters: { sku: 'text', barcode: 'text', name: 'text', categoryId: 'text', active: 'bool' },
    sorts: { name: 'text', sku: 'text', price: 'int', reorderLevel: 'int', createdAt: 'text', updatedAt: 'text' },
    defaultSort: 'name',
  },
  customers: {
    filters: { code: 'text', name: 'text', country: 'text', phone: 'text', email: 'text', storeId: 'text' },
    sorts: { name: 'text', code: 'text', createdAt: 'text', updatedAt: 'text' },
    defaultSort: 'name',
  },
  'stock-levels': {
    filters: { storeId: 'text', productId: 'text' },
    sorts: { qty: 'int', productId: 'text', updatedAt: 'text' },
    defaultSort: 'id',
  },
  movements: {
    filters: { storeId: 'text', productId: 'text', type: 'text', documentId: 'text' },
    sorts: { occurredAt: 'text', recordedAt: 'text' },
    defaultSort: '-occurredAt',
    time: OCCURRED,
  },
  sales: factListing({ customerId: 'text' }, { total: 'int' }),
  returns: factListing({ customerId: 'text', saleId: 'text', saleNumber: 'text' }, { total: 'int' }),
  receipts: factListing({ supplier: 'text', reference: 'text' }, { total: 'int' }),
  adjustments: factListing({ reason: 'text' }),
  'till-starts': {
    filters: { storeId: 'text', till: 'text', generation: 'int', device: 'text', userId: 'text' },
    sorts: { startedAt: 'text', generation: 'int' },
    defaultSort: '-startedAt',
  },
  exceptions: {
    filters: { storeId: 'text', type: 'text', document: 'text', documentId: 'text', productId: 'text' },
    sorts: { createdAt: 'text' },
    defaultSort: '-createdAt',
  },
  users: {
    filters: { username: 'text', role: 'text', storeId: 'text', active: 'bool' },
    sorts: { username: 'text', name: 'text' },
    defaultSort: 'username',
  },
};

/** What a list asks for. `where`, `terms` and `order` mean what they mean in a replica's `Query`. */
export interface ListSpec {
  where: Record<string, Match>;
  terms: string[];
  /** The id, ascending, is always the last. */
  order: [field: string, direction: 'asc' | 'desc'][];
  /** Values of the `order` fields of the document after which to go on. */
  after: Json[] | null;
  limit: number;
}

/** The body of a list's answer. */
export interface ListBody {
  data: Doc[];
  /** `total` counts every match, whatever `after` says. */
  page: { next: string | null; total: number };
}

/** Every field that lists of this resource filter or sort by: what a replica must index. */
export function indexedFields(resource: ListedResource): string[] {
  const { filters, sorts, time } = LISTINGS[resource];
  return [...new Set(['id', ...Object.keys(filters), ...Object.keys(sorts), ...(time ? [time.field] : [])])];
}

/** The names of all parameters that lists of this resource take, for its description. */
export function listParameters(resource: ListedResource): string[] {
  const { filters, time } = LISTINGS[resource];
  const bounds = time ? [`${time.prefix}From`, `${time.prefix}To`] : [];
  const q = isSearchable(resource) ? ['q'] : [];
  return [...q, 'sort', 'limit', 'after', 'ids', ...Object.keys(filters), ...bounds];
}

/** Reads a list's query. Throws `invalid-query`, naming the parameter that is unknown, repeated or malformed. */
export function parseList(resource: ListedResource, query: URLSearchParams): ListSpec {
  const listing = LISTINGS[resource];
  const known = new Set(listParameters(resource));
  const given = new Map<string, string>();
  for (const [name, value] of query) {
    if (!known.has(name)) throw invalid(name, `is not a parameter of ${resource}`);
    if (given.has(name)) throw invalid(name, 'is given twice');
    if (value.includes('\0') || !value.isWellFormed()) throw invalid(name, 'is not well-formed text');
    given.set(name, value);
  }
  const order = orderOf(listing, given.get('sort') ?? listing.defaultSort);
  const after = given.get('after');
  return {
    where: whereOf(listing, given),
    terms: searchTerms(given.get('q') ?? ''),
    order,
    after: after === undefined ? null : readCursor(after, order, listing.sorts),
    limit: limitOf(given.get('limit')),
  };
}

/** Where the page after the one that ends with `lastDoc` begins: opaque to callers. */
export function nextCursor(spec: ListSpec, lastDoc: Doc): string {
  const values = spec.order.map(([field]) => lastDoc[field] ?? null);
  return Buffer.from(JSON.stringify(values)).toString('base64url');
}

/**
 * The body of a page. `docs` are the documents after `spec.after` in order, up to one more than `spec.limit`: the one
 * more says that there is a next page.
 */
export function listBody(spec: ListSpec, docs: Doc[], total: number): ListBody {
  const data = docs.slice(0, spec.limit);
  const last = data.at(-1);
  const next = docs.length > spec.limit && last !== undefined ? nextCursor(spec, last) : null;
  return { data, page: { next, total } };
}

/** The spec as a replica takes it, asking for the one more document that `listBody` looks at. */
export function pageQuery({ where, terms, order, after, limit }: ListSpec): Query {
  return { where, terms, order, limit: limit + 1, ...(after !== null && { after }) };
}

function invalid(parameter: string, message: string): ProblemError {
  return new ProblemError('invalid-query', `\`${parameter}\` ${message}.`, {
    errors: [{ path: parameter, message }],
  });
}

function orderOf({ sorts }: Listing, sort: string): ListSpec['order'] {
  const direction = sort.startsWith('-') ? 'desc' : 'asc';
  const field = direction === 'desc' ? sort.slice(1) : sort;
  if (field === 'id') return [['id', direction]];
  if (!Object.hasOwn(sorts, field)) throw invalid('sort', `must be one of id, ${Object.keys(sorts).join(', ')}`);
  return [
    [field, direction],
    ['id', 'asc'],
  ];
}

function whereOf({ filters, time }: Listing, given: ReadonlyMap<string, string>): ListSpec['where'] {
  const where: ListSpec['where'] = {};
  for (const [field, type] of Object.entries(filters)) {
    const value = given.get(field);
    if (value !== undefined) where[field] = valueOf(field, type, value);
  }
  const ids = given.get('ids');
  if (ids !== undefined) where.id = { in: idsOf(ids) };
  if (time !== undefined) {
    const from = momentOf(`${time.prefix}From`, given);
    const to = momentOf(`${time.prefix}To`, given);
    if (from !== null || to !== null)
      where[time.field] = { ...(from !== null && { gte: from }), ...(to !== null && { lt: to }) };
  }
  return where;
}

function valueOf(parameter: string, type: FieldType, value: string): Json {
  if (type === 'text') return value;
  if (type === 'bool') {
    if (value !== 'true' && value !== 'false') throw invalid(parameter, 'must be true or false');
    return value === 'true';
  }
  const number = Number(value);
  if (!/^-?[0-9]{1,15}$/.test(value)) throw invalid(parameter, 'must be a whole number');
  return number;
}

function idsOf(value: string): string[] {
  const ids = [...new Set(value.split(',').filter((id) => id !== ''))];
  if (ids.length > MAX_IDS) throw invalid('ids', `must be ${MAX_IDS} at the most`);
  return ids;
}

/** A moment as documents write it, so that text order is time order. */
function momentOf(parameter: string, given: ReadonlyMap<string, string>): string | null {
  const value = given.get(parameter);
  if (value === undefined) return null;
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z$/.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) throw invalid(parameter, 'must be an ISO 8601 time in UTC, 2026-01-31T12:00:00.000Z');
  return new Date(time).toISOString();
}

function limitOf(value: string | undefined): number {
  if (value === undefined) return DEFAULT_LIMIT;
  const limit = /^[0-9]{1,3}$/.test(value) ? Number(value) : 0;
  if (limit < 1 || limit > MAX_LIMIT) throw invalid('limit', `must be a whole number from 1 to ${MAX_LIMIT}`);
  return limit;
}

function readCursor(cursor: string, order: ListSpec['order'], sorts: Fields): Json[] {
  const values = parsed(cursor);
  const fits =
    Array.isArray(values) &&
    values.length === order.length &&
    order.every(([field], at) => isOf(values[at], field === 'id' ? 'text' : (sorts[field] ?? 'text')));
  if (!fits) throw invalid('after', 'is not a cursor of this list');
  return values;
}

function parsed(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    return null;
  }
}

function isOf(value: unknown, type: FieldType): value is Json {
  if (type === 'text') return typeof value === 'string' && !value.includes('\0') && value.isWellFormed();
  if (type === 'int') return Number.isSafeInteger(value);
  return typeof value === 'boolean';
}
