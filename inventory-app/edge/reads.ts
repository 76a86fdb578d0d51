/** Reads that the replica covers: exactly the cloud's answers, made by the cloud's own rules (I7). */
import type { CacheRule, Read, Reader, Req, Res } from '@larder/sync/profile';
import { itemAnswer, listAnswer, problemAnswer } from '../rules/answers.ts';
import { listBody, type ListSpec, pageQuery, parseList } from '../rules/list.ts';
import { ProblemError } from '../rules/problems.ts';
import { API } from '../rules/resources.ts';
import { assertMayRead, isGlobal, visible } from '../rules/rights.ts';
import { REPLICATED, type Replicated } from './resources.ts';
import { actorOf, isServed, type StaffUser } from './user.ts';

const DAY = 86_400;
/** Fresh for long, because the feed invalidates: these times only matter while it is silent. */
const CACHE: CacheRule = { ttl: 300, staleWhileRevalidate: 3600, staleIfError: 7 * DAY };

/** Null: the replica cannot know. A `ProblemError` is an answer like any other. */
function answering(make: () => Res | null): Res | null {
  try {
    return make();
  } catch (error) {
    if (error instanceof ProblemError) return problemAnswer(error);
    throw error;
  }
}

function listOf(db: Reader, req: Req, user: StaffUser, resource: Replicated): Res | null {
  assertMayRead(actorOf(user), resource);
  const spec = parseList(resource, req.query);
  if (!holdsAll(db, user, resource, spec)) return null;
  const { where, terms } = spec;
  // The replica is the subset that this user sees, so nothing is left to filter by rights.
  const body = listBody(spec, db.list(resource, pageQuery(spec)), db.count(resource, { where, terms }));
  return listAnswer(body, req.headers['if-none-match']);
}

/** Does the replica hold every document that this list could show? For an admin: only what is of one store, this one. */
function holdsAll(db: Reader, user: StaffUser, resource: Replicated, spec: ListSpec): boolean {
  return user.role !== 'admin' || isGlobal(resource) || spec.where.storeId === db.store;
}

function itemOf(db: Reader, req: Req, user: StaffUser, resource: Replicated): Res | null {
  assertMayRead(actorOf(user), resource);
  const doc = db.get(resource, req.params.id ?? '');
  if (doc !== null && visible(actorOf(user), resource, doc)) return itemAnswer(doc, req.headers['if-none-match']);
  // To an admin another store's documents are there too.
  if (user.role === 'admin' && !isGlobal(resource)) return null;
  throw new ProblemError('not-found');
}

function readsOf(resource: Replicated): Record<string, Read<StaffUser>> {
  const served = (db: Reader, user: StaffUser | null): user is StaffUser => user !== null && isServed(db, user);
  return {
    [`GET ${API}/${resource}`]: {
      tags: () => [resource],
      cache: CACHE,
      // Every search is another one: only the replica has them all before they are made.
      replicaFirst: true,
      answer: (db, req, user) => (served(db, user) ? answering(() => listOf(db, req, user, resource)) : null),
    },
    [`GET ${API}/${resource}/:id`]: {
      tags: (req) => [`${resource}/${req.params.id}`],
      cache: CACHE,
      replicaFirst: true,
      answer: (db, req, user) => (served(db, user) ? answering(() => itemOf(db, req, user, resource)) : null),
    },
  };
}

export const reads: Record<string, Read<StaffUser>> = Object.fromEntries(
  REPLICATED.flatMap((resource) => Object.entries(readsOf(resource))),
);
