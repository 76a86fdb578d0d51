/**
 * Who still reads by a temporary id gets what the cloud's own id names, whoever answers: cloud, cache or replica. Ids stand
 * in the path or in a list's filters; a write that the profile knows is put right when it is accepted.
 */
import type { Back } from '@larder/sync/client';
import { TEMPORARY_ID } from '@larder/sync/temporary-id';
import type { Establish } from './establish.ts';
import { parseTarget } from './target.ts';

const HAS_ONE = new RegExp(TEMPORARY_ID.source);

/** Establishes reads with their ids put right. Costs a look at the target where there is none. */
export function withSettledTarget(establish: Establish, back: Pick<Back, 'settledIds'>): Establish {
  return (request, response, target) => {
    const { path, search } = target;
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (!reads || !HAS_ONE.test(path + search)) return establish(request, response, target);
    return back
      .settledIds(path + search)
      .then((settled) => establish(request, response, parseTarget(settled) ?? target));
  };
}
