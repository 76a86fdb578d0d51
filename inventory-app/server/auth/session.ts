/** `POST /session`: a username and a password for a token. */
import { randomUUID } from 'node:crypto';
import { problemAnswer } from '../../rules/answers.ts';
import { SessionCreate } from '../../rules/documents.ts';
import { ProblemError } from '../../rules/problems.ts';
import type { Role } from '../../rules/rights.ts';
import { validate } from '../../rules/validate.ts';
import { type Answer, type Call, answerOf, jsonAnswer, jsonOf } from '../call.ts';
import { hashPassword, verifyPassword } from '../password.ts';
import { userDocument } from '../resources/documents.ts';
import type { Services } from '../services.ts';

/** What an unknown user's password is compared with, so that the answer takes as long as for a known one. */
const decoy = hashPassword(randomUUID());

/** Throws `wrong-credentials`, whether it was the name or the password, and takes as long for both. */
export async function openSession(services: Services, call: Call): Promise<Answer> {
  const { username, password } = validate(SessionCreate, jsonOf(call));
  const wait = services.throttle.attempt(username);
  if (wait > 0) return throttled(wait);
  const row = await services.database.prisma.user.findUnique({ where: { username } });
  const right = await verifyPassword(password, row?.passwordHash ?? (await decoy));
  if (row === null || !right || !row.active) throw new ProblemError('wrong-credentials');
  services.throttle.succeed(username);
  const issued = await services.tokens.issue({ ...row, role: row.role as Role });
  return jsonAnswer({ ...issued, user: userDocument(row) });
}

function throttled(seconds: number): Answer {
  const answer = answerOf(problemAnswer(new ProblemError('throttled')));
  return { ...answer, headers: { ...answer.headers, 'retry-after': String(seconds) } };
}
