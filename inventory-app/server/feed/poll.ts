/** `GET /changes` and what it has in common with `GET /changes/live`: whose changes, from where. */
import type { Readable } from 'node:stream';
import { ProblemError } from '../../rules/problems.ts';
import { type Caller, authenticate, readerOf } from '../auth/caller.ts';
import { type Answer, type Call, jsonAnswer } from '../call.ts';
import type { Services } from '../services.ts';
import { liveFeed } from './live.ts';
import { endOfFeed, pageAfter } from './page.ts';

const DEFAULT_LIMIT = 500;
const MAX_LIMIT = 2000;
const NEVER_KEPT = { 'cache-control': 'no-store' };

export async function readChanges(services: Services, call: Call): Promise<Answer> {
  const caller = await authenticate(services, call.headers);
  const { store, after, limit } = parameters(call, caller, ['after', 'limit', 'store']);
  const page =
    after === null ? await endOfFeed(services.database) : await pageAfter(services.database, store, after, limit);
  return jsonAnswer(page, NEVER_KEPT);
}

/**
 * The stream of events; `end` aborts when the caller has gone or the server ends. A browser that comes back names its
 * last event itself.
 */
export async function followChanges(services: Services, call: Call, end: AbortSignal): Promise<Readable> {
  const caller = await authenticate(services, call.headers);
  const asked = parameters(call, caller, ['after', 'store']);
  const after = call.headers['last-event-id'] ?? asked.after;
  return liveFeed(services, {
    store: asked.store,
    after: after ?? (await endOfFeed(services.database)).page.next,
    stillAllowed: async () => void (await authenticate(services, call.headers)),
    end,
  });
}

function parameters({ query }: Call, caller: Caller, known: readonly string[]) {
  for (const name of query.keys()) {
    if (!known.includes(name)) throw invalid(name, 'is not a parameter of changes');
    if (query.getAll(name).length > 1) throw invalid(name, 'is given twice');
  }
  return {
    store: subsetFor(caller, query.get('store')),
    after: query.get('after'),
    limit: limitOf(query.get('limit')),
  };
}

/** A feed is always one store's: a document that moves between two leaves the one and enters the other. */
function subsetFor(caller: Caller, named: string | null): string {
  const reader = readerOf(caller);
  if (reader.role === 'admin') {
    if (named === null) throw invalid('store', 'must name the store, for those who work in none');
    return named;
  }
  if (reader.storeId === null) throw new ProblemError('forbidden');
  if (named !== null && named !== reader.storeId) throw new ProblemError('other-store');
  return reader.storeId;
}

function limitOf(value: string | null): number {
  if (value === null) return DEFAULT_LIMIT;
  const limit = /^[0-9]{1,4}$/.test(value) ? Number(value) : 0;
  if (limit < 1 || limit > MAX_LIMIT) throw invalid('limit', `must be a whole number from 1 to ${MAX_LIMIT}`);
  return limit;
}

function invalid(path: string, message: string): ProblemError {
  return new ProblemError('invalid-query', `\`${path}\` ${message}.`, { errors: [{ path, message }] });
}
