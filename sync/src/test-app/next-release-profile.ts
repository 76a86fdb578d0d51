/** The test app's profile, one release later: articles are listed by quantity, too. */
import { defineApp } from '../profile.ts';
import profile from './profile.ts';

const { articles, ...others } = profile.resources;
if (articles === undefined) throw new Error('the test app has articles');

export default defineApp({
  ...profile,
  release: 2,
  resources: { articles: { ...articles, index: ['name', 'qty', 'version'] }, ...others },
  reads: {
    ...profile.reads,
    'GET /articles/by/:field': {
      tags: () => ['articles'],
      answer: (db, req) => {
        const order: [string, 'desc'][] = [[String(req.params['field']), 'desc']];
        const data = db.list('articles', { where: { version: { gt: 0 } }, order });
        return { status: 200, headers: {}, body: { data: data.toReversed() } };
      },
    },
  },
});
