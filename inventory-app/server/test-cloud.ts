/** For tests: the server on a real socket, over a database with two stores and a handful of documents. */
import type { AddressInfo } from 'node:net';
import type { Doc } from '@larder/sync/profile';
import { pino } from 'pino';
import { searchText } from '../rules/search.ts';
import { buildApp } from './app.ts';
import { edgeTokenHash } from './auth/caller.ts';
import type { Database } from './db/open.ts';
import { ChangePage } from './feed/schemas.ts';
import { hashPassword } from './password.ts';
import type { Services } from './services.ts';

const PASSWORD = 'larder-demo';
const passwordHash = hashPassword(PASSWORD);
const CREATED = '2026-01-01T00:00:00.000Z';

export interface Reply {
  status: number;
  headers: Headers;
  /** Null where there is no body. */
  body: Doc;
  text: string;
}

export interface Asking {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

/** Asks as one caller: their credential is on every request. */
export type Ask = (path: string, asking?: Asking) => Promise<Reply>;

export interface Cloud {
  url: string;
  services: Services;
  /** Without a credential. */
  ask: Ask;
  /** Signed in as `clerk`, `manager`, `admin` (store S001; admin: none), `clerk2` or `manager2` (S002). */
  as(username: string): Promise<Ask>;
  /** Every change of a store's subset after a cursor, as its edge reads them. */
  changes(store: string, after: string): Promise<Doc[]>;
  /** The feed's present end. */
  end(): Promise<string>;
  /** The edge of a store, on its own account or on behalf of a user, who is named by id: `u-clerk`. */
  edge(store: string, onBehalfOf?: string): Ask;
  close(): Promise<void>;
}

/** Starts a server. The database is filled once, so several servers may share one. */
export async function startCloud(database: Database, now?: () => Date): Promise<Cloud> {
  await fill(database);
  const { http, services } = await buildApp({ database, log: pino({ level: 'silent' }), ...(now && { now }) });
  await http.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(http.server.address() as AddressInfo).port}`;
  const ask = asker(url, {});
  const edge = (store: string, user?: string): Ask => {
    const authorization = `Bearer edge_test_${store}`;
    return asker(url, { authorization, ...(user !== undefined && { 'on-behalf-of': user }) });
  };
  return {
    url,
    services,
    ask,
    async as(username) {
      const { body } = await ask('/session', { method: 'POST', body: { username, password: PASSWORD } });
      return asker(url, { authorization: `Bearer ${String(body.token)}` });
    },
    edge,
    async changes(store, after) {
      const all: Doc[] = [];
      for (let cursor = after, more = true; more;) {
        const { body } = await edge(store)(`/changes?after=${cursor}`);
        const page = ChangePage.parse(body);
        all.push(...page.data);
        ({ next: cursor, more } = page.page);
      }
      return all;
    },
    async end() {
      const { body } = await edge('S001')('/changes');
      return ChangePage.parse(body).page.next;
    },
    close: () => http.close(),
  };
}

function asker(url: string, credential: Record<string, string>): Ask {
  return async (path, { method = 'GET', body, headers = {} } = {}) => {
    const at = path.startsWith('/.') ? `${url}${path}` : `${url}/api/v1${path}`;
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const response = await fetch(at, {
      method,
      headers: { ...json, ...credential, ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const parsed: unknown = text === '' ? null : JSON.parse(text);
    return { status: response.status, headers: response.headers, body: parsed as Doc, text };
  };
}

async function fill({ prisma }: Database): Promise<void> {
  if ((await prisma.store.count()) > 0) return;
  const stores = ['S001', 'S002'];
  await prisma.store.createMany({
    data: stores.map((id) => ({ id, name: `Store ${id}`, currency: 'GBP', timeZone: 'Europe/London' })),
  });
  const people = [
    { username: 'clerk', role: 'clerk', storeId: 'S001' },
    { username: 'manager', role: 'manager', storeId: 'S001' },
    { username: 'admin', role: 'admin', storeId: null },
    { username: 'clerk2', role: 'clerk', storeId: 'S002' },
    { username: 'manager2', role: 'manager', storeId: 'S002' },
  ];
  const hash = await passwordHash;
  await prisma.user.createMany({
    data: people.map((person) => ({
      ...person,
      id: `u-${person.username}`,
      name: person.username,
      passwordHash: hash,
    })),
  });
  await prisma.edge.createMany({
    data: stores.map((storeId) => ({
      id: `e-${storeId}`,
      name: `Edge ${storeId}`,
      storeId,
      createdAt: CREATED,
      tokenHash: edgeTokenHash(`edge_test_${storeId}`),
    })),
  });
  const products = ['Tea', 'Coffee 100% arabica', 'Sugar_cube', 'Crème brûlée', 'Oats'].map((name, at) => ({
    id: `p${at + 1}`,
    sku: `SKU-${at + 1}`,
    barcode: `500000000000${at + 1}`,
    name,
    unit: 'pcs',
    price: 100 * (at + 1),
    cost: 50,
    reorderLevel: 5,
    createdAt: CREATED,
    updatedAt: CREATED,
  }));
  await prisma.product.createMany({
    data: products.map((product) => ({ ...product, search: searchText('products', product) })),
  });
  await prisma.stockLevel.createMany({
    data: stores.flatMap((storeId) =>
      products.map(({ id }) => ({ id: `${storeId}:${id}`, storeId, productId: id, qty: 100, updatedAt: CREATED })),
    ),
  });
}
