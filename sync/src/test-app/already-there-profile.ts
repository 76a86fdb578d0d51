/** The same app; an order that is there already takes nothing again, as where a device may have sent it by another way. */
import type { Doc } from '../profile.ts';
import profile from './profile.ts';

const write = profile.writes['POST /orders'];
if (write === undefined) throw new Error('the test app takes orders');

export default {
  ...profile,
  writes: {
    ...profile.writes,
    'POST /orders': {
      ...write,
      apply: ((db, req, entry) => {
        if (db.get('orders', String((req.body as Doc)['id'])) === null) write.apply(db, req, entry);
      }) satisfies typeof write.apply,
    },
  },
};
