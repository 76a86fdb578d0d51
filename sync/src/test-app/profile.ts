/** The profile of the small app that the back is tested against: articles with a quantity, and orders that take some. */
import {
  defineApp,
  Refusal,
  temporaryId,
  type Batch,
  type Conflict,
  type Doc,
  type Req,
  type Res,
} from '../profile.ts';
import { UNREADABLE, UNSENDABLE } from './cloud.ts';

const text = (value: unknown) => (typeof value === 'string' ? value : '');
const bodyOf = (req: Req) => req.body as Doc;

export default defineApp({
  name: 'test-app',
  release: 1,
  probe: '/health',
  genuine: (res) => res.headers['test-app'] === 'yes',
  user: (req) => (req.claims === null ? null : { id: text(req.claims['sub']), store: 'S1' }),
  scope: (user) => user?.id ?? '',
  classify(_req, res) {
    if ((res.body as Doc)['code'] === UNREADABLE) throw new Error('this profile cannot read it');
    if (res.status < 300) return res.headers['replayed'] === 'yes' ? 'already-done' : 'done';
    if (res.status === 401) return 'identity';
    if (res.status === 409 && (res.body as Doc)['code'] === 'in-flight') return 'in-flight';
    if (res.status === 422) return 'key-mismatch';
    if (res.status === 429) return 'throttled';
    return res.status < 500 ? 'refused' : 'unavailable';
  },
  conflict(db, req, res) {
    const { code, conflicts } = (res.body ?? {}) as { code?: string; conflicts?: Conflict['fields'] };
    const current = db.get('articles', text(req.params['id']));
    if (code === 'not-found') return { type: 'edit-of-deleted', fields: [], by: null, at: null };
    if (code !== 'conflict' || conflicts === undefined) return null;
    const fields = conflicts.map((each) => ({ ...each, current: current?.[each.field] ?? each.current }));
    return { type: 'same-field', fields, by: 'somebody', at: null };
  },
  manages: (user) => user.id === 'max',
  honoursKeys: true,
  send(req, entry, identity) {
    if (bodyOf(req)['name'] === UNSENDABLE) throw new Error('this profile cannot send it');
    const actingFor = identity.type === 'edge' ? { 'acting-for': entry.user.id } : {};
    const headers = {
      ...req.headers,
      ...actingFor,
      authorization: identity.authorization,
      'idempotency-key': entry.key,
    };
    return { ...req, headers };
  },
  resources: {
    articles: {
      id: 'id',
      version: (doc) => Number(doc['version']),
      index: ['name', 'qty'],
      search: (doc) => text(doc['name']).toLowerCase(),
      list: (page) => ({ path: `/articles?limit=3${page === null ? '' : `&after=${page}`}` }),
      page: pageOf,
      named: (ids) => ({ path: `/articles?ids=${ids.join(',')}` }),
    },
    orders: {
      id: 'id',
      version: (doc) => Number(doc['version']),
      index: ['at', 'article'],
      list: (page) => ({ path: `/orders?limit=3${page === null ? '' : `&after=${page}`}` }),
      page: pageOf,
      named: (ids) => ({ path: `/orders?ids=${ids.join(',')}` }),
    },
  },
  reads: {
    'GET /articles': {
      tags: () => ['articles'],
      answer: (db) => ({ status: 200, headers: {}, body: { data: db.list('articles', { order: [['name', 'asc']] }) } }),
    },
    'GET /articles/:id': {
      tags: (req) => [`articles/${req.params['id']}`],
      answer: (db, req) => item(db.get('articles', text(req.params['id']))),
    },
    'GET /orders': {
      tags: () => ['orders'],
      answer: (db, req) => ({
        status: 200,
        headers: {},
        body: { data: db.list('orders', { where: { article: req.query.get('article') } }) },
      }),
    },
    'GET /orders/:id': {
      tags: (req) => [`orders/${req.params['id']}`],
      answer: (db, req) => item(db.get('orders', text(req.params['id']))),
    },
  },
  writes: {
    'POST /orders': {
      kind: 'fact',
      check: (_db, req, _user, fix) => ({ id: fix.id(), at: fix.now, ...bodyOf(req) }),
      apply(db, req) {
        const { id, article, qty } = bodyOf(req);
        db.get('articles', text(article));
        db.put('orders', { ...bodyOf(req), id: text(id), version: 1 });
        db.add('articles', text(article), 'qty', -Number(qty));
      },
      answer: (db, req) => ({ status: 201, headers: {}, body: db.get('orders', text(bodyOf(req)['id'])) }),
    },
    // The app chooses the ids of new articles.
    'POST /articles': {
      kind: 'proposal',
      check: (_db, req) => req.body,
      apply: (db, req) => db.put('articles', { qty: 0, ...bodyOf(req), id: db.newId('articles'), version: 1 }),
      answer: (db, req) => ({
        status: 201,
        headers: {},
        body: db.list('articles', { where: { name: bodyOf(req)['name'] ?? null } })[0] ?? null,
      }),
      result: (res, _req, entry) => ({ [temporaryId('articles', entry)]: text((res.body as Doc)['id']) }),
    },
    'PATCH /articles/:id': {
      kind: 'proposal',
      check(db, req) {
        const article = db.get('articles', text(req.params['id']));
        if (article === null) throw new Refusal({ status: 404, headers: {}, body: { code: 'not-found' } });
        const { saw, ...fields } = bodyOf(req);
        const seen = Object.fromEntries(Object.keys(fields).map((field) => [field, article[field] ?? null]));
        return { ...fields, saw: saw ?? seen };
      },
      renew(req) {
        const { saw: _, ...fields } = bodyOf(req);
        return fields;
      },
      apply(db, req) {
        const article = db.get('articles', text(req.params['id']));
        if (article === null) throw new Error('the article is gone');
        const { saw: _, ...fields } = bodyOf(req);
        db.put('articles', { ...article, ...fields, version: Number(article['version']) + 1 });
      },
      answer: (db, req) => item(db.get('articles', text(req.params['id']))),
    },
  },
  changes: {
    ask: (cursor) => ({ path: cursor === null ? '/changes' : `/changes?after=${cursor}` }),
    read: (res) => (res.status === 410 ? 'restored' : (res.body as unknown as Batch)),
    live: (cursor) => ({ path: `/changes/live?after=${cursor}` }),
  },
});

function item(doc: Doc | null): Res {
  if (doc === null) return { status: 404, headers: {}, body: { code: 'not-found' } };
  return { status: 200, headers: { etag: `"${doc['version']}"` }, body: doc };
}

function pageOf(res: Res): { docs: Doc[]; next: string | null } {
  const { data, next } = res.body as { data: Doc[]; next: string | null };
  return { docs: data, next };
}
