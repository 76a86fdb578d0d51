/** The test app without its feed: what changes is asked for again and again, and what is gone is missed among the keys. */
import { defineApp, type Doc } from '../profile.ts';
import profile from './profile.ts';

const { changes: _feed, ...rest } = profile;
const after = (page: string | null) => (page === null ? '' : `&after=${page}`);

export default defineApp({
  ...rest,
  writes: {
    ...rest.writes,
    'DELETE /articles/:id': {
      kind: 'proposal',
      check: (_db, req) => req.body,
      apply: (db, req) => db.remove('articles', String(req.params['id'])),
      answer: (_db, req) => ({ status: 200, headers: {}, body: { id: String(req.params['id']) } }),
    },
  },
  poll: {
    every: 0.05,
    keysEvery: 0.5,
    ask: (resource, mark, page) => ({ path: `/${resource}?since=${mark ?? ''}${after(page)}` }),
    read: (res) => {
      const { data, next, mark } = res.body as { data: Doc[]; next: string | null; mark: string };
      return { docs: data, next, mark };
    },
    keys: (resource, page) => ({ path: `/${resource}?keys=yes${after(page)}` }),
    readKeys: (res) => res.body as { ids: string[]; next: string | null },
  },
});
