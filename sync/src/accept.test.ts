import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Accept } from './accept.ts';
import type { Call } from './client.ts';
import { Credentials } from './credentials.ts';
import { Refusal, type App, type Doc } from './profile.ts';
import { Store } from './store.ts';
import profile from './test-app/profile.ts';

const order = profile.writes['POST /orders'];
if (order === undefined) throw new Error('the test app takes no orders');

const refuse = (status: number) => new Refusal({ status, headers: {}, body: null });

/** The test app, whose orders must have a quantity and name an article that is there: both are refused with 400. */
const strict: App = {
  ...profile,
  writes: {
    ...profile.writes,
    'POST /orders': {
      ...order,
      check(db, req, user, fix) {
        const { article, qty } = req.body as Doc;
        if (typeof qty !== 'number') throw refuse(400);
        if (db.get('articles', String(article)) === null) throw refuse(400);
        if (db.count('orders', { where: { article: String(article) } }) === 0 && qty > 9) throw refuse(403);
        return order.check(db, req, user as never, fix);
      },
    },
  },
};

let data: string;
let store: Store;
let isComplete: boolean;
let accept: Accept;

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'larder-accept-'));
  store = new Store(data, strict, 'S1', () => undefined);
  isComplete = false;
  accept = new Accept({
    store,
    credentials: new Credentials(store.db, new Uint8Array(32), null),
    limits: { admit: () => undefined },
    current: () => undefined,
    now: Date.now,
    complete: () => isComplete,
  });
  store.commitAs('feed', () => store.putBase('articles', 'here', 1, { id: 'here', name: 'one', version: 1 }, 1));
});

afterEach(() => {
  store.close();
  rmSync(data, { recursive: true });
});

const call = (body: Doc): Call => ({
  method: 'POST',
  path: '/orders',
  search: '',
  headers: { authorization: 'Bearer ann', 'idempotency-key': JSON.stringify(body) },
  body: JSON.stringify(body),
  claims: null,
  user: { id: 'ann', store: 'S1' },
});

const refused = (status: number) => [{ type: 'refused', answer: expect.objectContaining({ status }) }];
const notReady = [{ type: 'error', error: expect.objectContaining({ code: 'LARDER_NOT_READY' }) }];

test.each([
  ['of a document that is not there', 400, { article: 'elsewhere', qty: 1 }],
  ['of what was looked through', 403, { article: 'here', qty: 10 }],
])('I9: a refusal because %s is given once the replica is complete, and not before', (_why, status, body) => {
  expect(accept.all([call(body)])).toEqual(notReady);
  expect(store.entries.openCount()).toBe(0);
  isComplete = true;
  expect(accept.all([call(body)])).toEqual(refused(status));
});

test('I9: a refusal that rests on nothing that could be missing is given while the replica is being filled', () => {
  expect(accept.all([call({ article: 'elsewhere', qty: 'two' })])).toEqual(refused(400));
});

test('I9: a write of which nothing is missing is taken while the replica is being filled', () => {
  expect(accept.all([call({ article: 'here', qty: 1 })])).toMatchObject([{ type: 'kept' }]);
});
