/** Every route of the API in one table: the server routes by it, and openapi.ts describes it. */
import type * as z from 'zod';
import {
  Adjustment,
  Category,
  CategoryCreate,
  Customer,
  CustomerCreate,
  CustomerEdit,
  EdgeStart,
  Exception,
  Movement,
  Product,
  ProductCreate,
  ProductDelete,
  ProductEdit,
  Receipt,
  Return,
  Sale,
  SessionCreate,
  StockLevel,
  Store,
  TillStart,
  TillStartCreate,
  User,
} from '../rules/documents.ts';
import { FACT_BODIES } from '../rules/facts.ts';
import { API, FACT_KINDS, type ListedResource, RESOURCES } from '../rules/resources.ts';
import { openSession } from './auth/session.ts';
import { readStandings } from './auth/standings.ts';
import { recordStart } from './auth/starts.ts';
import { type Answer, type Call, jsonAnswer } from './call.ts';
import { readChanges } from './feed/poll.ts';
import { readItem, readList } from './read.ts';
import { createCategory } from './resources/categories.ts';
import { createCustomer, editCustomer } from './resources/customers.ts';
import { recordFact } from './resources/facts.ts';
import { createProduct, deleteProduct, editProduct } from './resources/products.ts';
import { readNumberGaps } from './resources/receipt-numbers.ts';
import { startTill } from './resources/till-starts.ts';
import { readSnapshot } from './snapshot.ts';
import type { Services } from './services.ts';
import { type Effect, write } from './write.ts';

export type Handler = (services: Services, call: Call) => Promise<Answer>;

/** What a route is for; its description and its answers follow from it. */
type Purpose =
  | 'list'
  | 'item'
  | 'create'
  | 'edit'
  | 'delete'
  | 'session'
  | 'standings'
  | 'start'
  | 'changes'
  | 'snapshot'
  | 'gaps'
  | 'health'
  | 'keys';

export interface Route {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** `/api/v1/products/:id` */
  path: string;
  purpose: Purpose;
  resource?: ListedResource;
  /** Schema of the request's body. */
  body?: z.ZodType;
  handle: Handler;
}

/** The schema of each resource's documents. */
export const DOCUMENTS = {
  stores: Store,
  categories: Category,
  products: Product,
  customers: Customer,
  'stock-levels': StockLevel,
  movements: Movement,
  sales: Sale,
  returns: Return,
  receipts: Receipt,
  adjustments: Adjustment,
  'till-starts': TillStart,
  exceptions: Exception,
  users: User,
} as const satisfies Record<ListedResource, z.ZodType>;

const collection = (resource: ListedResource) => `${API}/${resource}`;
const item = (resource: ListedResource) => `${API}/${resource}/:id`;

function listRoute(resource: ListedResource): Route {
  const handle: Handler = (services, call) => readList(services, call, resource);
  return { method: 'GET', path: collection(resource), purpose: 'list', resource, handle };
}

function itemRoute(resource: ListedResource): Route {
  const handle: Handler = (services, call) => readItem(services, call, resource);
  return { method: 'GET', path: item(resource), purpose: 'item', resource, handle };
}

function snapshotRoute(resource: ListedResource): Route {
  const handle: Handler = (services, call) => readSnapshot(services, call, resource);
  return { method: 'GET', path: `${API}/snapshots/${resource}`, purpose: 'snapshot', resource, handle };
}

function createRoute(resource: ListedResource, body: z.ZodType, effect: Effect): Route {
  return { method: 'POST', path: collection(resource), purpose: 'create', resource, body, handle: writing(effect) };
}

function editRoute(resource: ListedResource, body: z.ZodType, effect: Effect): Route {
  return { method: 'PATCH', path: item(resource), purpose: 'edit', resource, body, handle: writing(effect) };
}

const writing =
  (effect: Effect): Handler =>
  (services, call) =>
    write(services, call, effect);

/** All but the live feed, which is no answer of one piece, and the description, which is made of this table. */
export const ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: `${API}/health`,
    purpose: 'health',
    handle: async () => jsonAnswer({ status: 'ok' }),
  },
  {
    method: 'GET',
    path: '/.well-known/jwks.json',
    purpose: 'keys',
    handle: async ({ tokens }) => jsonAnswer(tokens.published, { 'cache-control': 'public, max-age=300' }),
  },
  { method: 'POST', path: `${API}/session`, purpose: 'session', body: SessionCreate, handle: openSession },
  { method: 'GET', path: `${API}/standings`, purpose: 'standings', handle: readStandings },
  { method: 'POST', path: `${API}/edge/starts`, purpose: 'start', body: EdgeStart, handle: recordStart },
  { method: 'GET', path: `${API}/changes`, purpose: 'changes', handle: readChanges },
  { method: 'GET', path: `${API}/number-gaps`, purpose: 'gaps', handle: readNumberGaps },
  ...RESOURCES.map(listRoute),
  ...RESOURCES.map(snapshotRoute),
  // The ledger is read by the line.
  ...RESOURCES.filter((resource) => resource !== 'movements').map(itemRoute),
  createRoute('categories', CategoryCreate, createCategory),
  createRoute('products', ProductCreate, createProduct),
  editRoute('products', ProductEdit, editProduct),
  {
    method: 'DELETE',
    path: item('products'),
    purpose: 'delete',
    resource: 'products',
    body: ProductDelete,
    handle: writing(deleteProduct),
  },
  createRoute('customers', CustomerCreate, createCustomer),
  editRoute('customers', CustomerEdit, editCustomer),
  createRoute('till-starts', TillStartCreate, startTill),
  ...FACT_KINDS.map((kind) => createRoute(kind, FACT_BODIES[kind], recordFact(kind))),
];
