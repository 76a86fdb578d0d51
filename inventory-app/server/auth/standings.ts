/** `GET /standings`: what an edge has to know of people it has met, to let nobody do more than they may. */
import { ProblemError } from '../../rules/problems.ts';
import type { Role } from '../../rules/rights.ts';
import { type Answer, type Call, jsonAnswer } from '../call.ts';
import type { Services } from '../services.ts';
import { authenticate } from './caller.ts';
import { claimsOf } from './tokens.ts';

const MOST = 200;
const ID = /^[\x21-\x7e]{1,200}$/;

/**
 * Of the users named, those who may act in the edge's store now, with the claims that a token issued now would carry;
 * of others, not even that they are there. For edges only.
 */
export async function readStandings(services: Services, call: Call): Promise<Answer> {
  const caller = await authenticate(services, call.headers);
  if (caller.type !== 'edge') throw new ProblemError('forbidden', 'Only an edge may ask.');
  const ids = (call.query.get('users') ?? '').split(',').filter((id) => id !== '');
  if (ids.length > MOST || !ids.every((id) => ID.test(id)))
    throw new ProblemError('invalid-query', `\`users\` must be at most ${MOST} ids, separated by commas.`);
  // Before the look: what changes meanwhile is told the next time.
  const at = services.now().toISOString();
  const here = { OR: [{ storeId: caller.edge.storeId }, { role: 'admin' }] };
  const rows = await services.database.prisma.user.findMany({ where: { id: { in: ids }, active: true, ...here } });
  const data = rows.map((row) => ({ sub: row.id, ...claimsOf({ ...row, role: row.role as Role }) }));
  return jsonAnswer({ at, data }, { 'cache-control': 'no-store' });
}
