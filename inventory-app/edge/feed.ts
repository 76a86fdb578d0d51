/** The cloud's change feed as the edge reads it. */
import * as z from 'zod';
import type { Change, Changes } from '@larder/sync/profile';
import { API } from '../rules/resources.ts';
import { DocumentShape, isReplicated } from './resources.ts';

const LIMIT = 500;
const CURSOR_UNKNOWN = 410;

const Cause = z.object({ user: z.string(), key: z.string() });
const FeedPage = z.object({
  epoch: z.string(),
  data: z.array(
    z.discriminatedUnion('type', [
      z.object({
        type: z.literal('put'),
        resource: z.string(),
        id: z.string(),
        version: z.int(),
        doc: DocumentShape,
        cause: Cause.nullable(),
        tx: z.string(),
      }),
      z.object({
        type: z.literal('remove'),
        resource: z.string(),
        id: z.string(),
        version: z.int(),
        cause: Cause.nullable(),
        tx: z.string(),
      }),
      z.object({ type: z.literal('marker'), cause: Cause, tx: z.string() }),
    ]),
  ),
  page: z.object({ next: z.string(), more: z.boolean() }),
});
type WireChange = z.output<typeof FeedPage>['data'][number];

/** What a change means here: nothing, where it is of a resource that stays in the cloud. */
function changeOf(change: WireChange): Change[] {
  if (change.type === 'marker') return [change];
  const { type, resource, id, version, cause, tx } = change;
  if (!isReplicated(resource)) return [];
  const common = { resource, id, version, cause, tx };
  return [type === 'put' ? { type, ...common, doc: change.doc } : { type, ...common }];
}

const query = (cursor: string | null, more: Record<string, string>) =>
  `?${new URLSearchParams({ ...(cursor !== null && { after: cursor }), ...more })}`;

export const changes: Changes = {
  // An edge's credential is for one store. Naming the store has the cloud refuse a credential that is another's (I8).
  ask: (cursor, store) => ({ path: `${API}/changes${query(cursor, { store, limit: String(LIMIT) })}` }),
  read(res) {
    if (res.status === CURSOR_UNKNOWN) return 'restored';
    const { epoch, data, page } = FeedPage.parse(res.body);
    return { epoch, changes: data.flatMap(changeOf), cursor: page.next, more: page.more };
  },
  live: (cursor, store) => ({
    path: `${API}/changes/live${query(cursor, { store })}`,
    headers: { accept: 'text/event-stream' },
  }),
};
