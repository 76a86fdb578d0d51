/**
 * All that a reader may see of a resource, in the order of ids: for an edge that fills its replica, which wants neither
 * totals nor filters, and for one that only compares (`digest=true`).
 */
import type { Doc } from '@larder/sync/profile';
import { digestOf } from '../rules/digest.ts';
import { ProblemError } from '../rules/problems.ts';
import type { ListedResource } from '../rules/resources.ts';
import { assertMayRead, subsetOf } from '../rules/rights.ts';
import { authenticate, readerOf } from './auth/caller.ts';
import { type Answer, type Call, jsonAnswer } from './call.ts';
import { rowsAfter } from './resources/rows.ts';
import type { Services } from './services.ts';

const MAX_LIMIT = 5000;

/** The body of an answer: `data`, or in its stead `digest` and `through`, the id of the last document. */
export interface SnapshotPage {
  data?: Doc[];
  digest?: string;
  through?: string | null;
  page: { next: string | null };
}

export async function readSnapshot(services: Services, call: Call, resource: ListedResource): Promise<Answer> {
  const reader = readerOf(await authenticate(services, call.headers));
  assertMayRead(reader, resource);
  const { after, limit, digest } = parameters(call);
  const found = await rowsAfter(services.database, resource, subsetOf(reader, resource), after, limit + 1);
  const data = found.slice(0, limit);
  const through = data.length === 0 ? null : String(data.at(-1)?.id);
  const page = { next: found.length > limit ? through : null };
  const body: SnapshotPage = digest ? { digest: digestOf(data), through, page } : { data, page };
  return jsonAnswer(body, { 'cache-control': 'no-store' });
}

function parameters({ query }: Call): { after: string | null; limit: number; digest: boolean } {
  for (const name of query.keys()) {
    if (!['after', 'limit', 'digest'].includes(name)) throw invalid(name, 'is not a parameter of snapshots');
    if (query.getAll(name).length > 1) throw invalid(name, 'is given twice');
  }
  const after = query.get('after');
  if (after !== null && (after.includes('\0') || !after.isWellFormed()))
    throw invalid('after', 'is not well-formed text');
  const limit = query.get('limit') ?? String(MAX_LIMIT);
  if (!/^[1-9][0-9]{0,3}$/.test(limit) || Number(limit) > MAX_LIMIT)
    throw invalid('limit', `must be a whole number from 1 to ${MAX_LIMIT}`);
  const digest = query.get('digest') ?? 'false';
  if (digest !== 'true' && digest !== 'false') throw invalid('digest', 'must be true or false');
  return { after, limit: Number(limit), digest: digest === 'true' };
}

function invalid(path: string, message: string): ProblemError {
  return new ProblemError('invalid-query', `\`${path}\` ${message}.`, { errors: [{ path, message }] });
}
