/**
 * The profile of the test app as it is without idempotency keys: a sending whose answer was lost is looked for by the
 * reference that was planted in its body, where the app lets one look. Edits leave no trace that could be looked for.
 */
import { defineApp, temporaryId, type Doc, type Json, type Req } from '../profile.ts';
import base from './profile.ts';

const bodyOf = (req: Req) => req.body as Doc;
const edit = base.writes['PATCH /articles/:id'];
if (edit === undefined) throw new Error('the test app lets articles be edited');

/** Seconds. Short: what depends on a request that arrives within it has `keyless-slow.ts`. */
export const LONGEST_IN_FLIGHT = 0.3;

export default defineApp({
  ...base,
  honoursKeys: false,
  manages: (user) => user.id === 'max',
  send: (req, entry, { authorization }) => ({
    ...req,
    headers: { ...req.headers, authorization },
    body: { ...bodyOf(req), ref: entry.key },
  }),
  writes: {
    'POST /orders': {
      kind: 'fact',
      check: (_db, req, _user, fix) => ({ at: fix.now, ...bodyOf(req) }),
      apply(db, req) {
        const { article, qty } = bodyOf(req);
        db.put('orders', { ...bodyOf(req), id: db.newId('orders'), version: 1 });
        db.add('articles', String(article), 'qty', -Number(qty));
      },
      answer: (db, req, entry) => ({
        status: 201,
        headers: {},
        body: db.get('orders', temporaryId('orders', entry)) ?? (req.body as Json),
      }),
      result: (res, _req, entry) => ({ [temporaryId('orders', entry)]: String((res.body as Doc)['id']) }),
      find: {
        ask: (_req, entry) => ({ path: `/orders?ref=${encodeURIComponent(entry.key)}` }),
        read(res) {
          const [found, other] = (res.body as { data: Doc[] }).data;
          if (found === undefined) return null;
          return other === undefined ? { status: 201, headers: {}, body: found } : 'several';
        },
        longestInFlight: LONGEST_IN_FLIGHT,
      },
    },
    'PATCH /articles/:id': edit,
  },
});
