/**
 * The one way of every write, top to bottom: authenticate → key → rights → validate → effect → record → answer.
 * Effect, feed and the key's result are one transaction. What an effect refuses is as final as what it does, and is
 * recorded with a marker of its own; a fault records nothing, and gives the key back.
 */
import type { Res } from '@larder/sync/profile';
import { uuidv7 } from 'uuidv7';
import { problemAnswer } from '../rules/answers.ts';
import { ProblemError } from '../rules/problems.ts';
import { authenticate } from './auth/caller.ts';
import { type Writer, markerStore, writerOf } from './auth/writer.ts';
import { type Answer, type Call, answerOf } from './call.ts';
import type { Transaction } from './db/open.ts';
import { ChangeList, type PlannedChange } from './feed/change-list.ts';
import { recordChanges } from './feed/record.ts';
import {
  type Lease,
  LeaseLost,
  claimKey,
  completeKey,
  fingerprintOf,
  isUniqueViolation,
  keyOf,
  releaseKey,
} from './idempotency.ts';
import type { Services } from './services.ts';

/** What an effect works with. It may run more than once, so it has no effects outside `tx` and `changes`. */
export interface Work {
  tx: Transaction;
  writer: Writer;
  call: Call;
  changes: ChangeList;
  /** ISO 8601 UTC with milliseconds: when this write is recorded. */
  now: string;
  /** An id for what is created, where the caller chose none; the same however often the effect runs. */
  newId: string;
}

/** Checks rights, validates, does the work, and says what is answered. Throws `ProblemError` to refuse. */
export type Effect = (work: Work) => Promise<Res>;

/** Someone else changed the row between its reading and its writing: the effect is to run again on what is there now. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

export async function write(services: Services, call: Call, effect: Effect): Promise<Answer> {
  const caller = await authenticate(services, call.headers);
  const writer = await writerOf(services, caller, call.headers);
  const key = keyOf(call.headers);
  if (key === null) return perform(services, call, writer, null, effect);

  const scope = { userId: writer.user.id, key };
  for (;;) {
    const claim = await claimKey(services, scope, fingerprintOf(call));
    if (claim.type === 'done') return repeated(claim.answer);
    if (claim.type === 'in-flight') return inFlight();
    try {
      return await performUnderLease(services, call, writer, claim.lease, effect);
    } catch (error) {
      // Somebody took over from this request, which stalled: their result is its result.
      if (!(error instanceof LeaseLost)) throw error;
    }
  }
}

async function performUnderLease(
  services: Services,
  call: Call,
  writer: Writer,
  lease: Lease,
  effect: Effect,
): Promise<Answer> {
  try {
    return await perform(services, call, writer, lease, effect);
  } catch (error) {
    if (isFinal(error)) return refuse(services, writer, lease, error);
    // A commit whose outcome is in doubt is safe: if it happened, the lease is gone and this gives back nothing.
    if (!(error instanceof LeaseLost)) await releaseKey(services, lease).catch((err) => services.log.warn({ err }));
    throw error;
  }
}

/** The effect's transaction. */
async function perform(
  services: Services,
  call: Call,
  writer: Writer,
  lease: Lease | null,
  effect: Effect,
): Promise<Answer> {
  const newId = uuidv7();
  return untilNotOvertaken(async () => {
    const changes = new ChangeList();
    return commit(services, writer, lease, changes.planned, async (tx) => {
      changes.planned.length = 0;
      const now = services.now().toISOString();
      return answerOf(await effect({ tx, writer, call, changes, now, newId }));
    });
  });
}

/** A refusal's transaction: nothing changed, but the key has its answer, and the feed says that the write is settled. */
async function refuse(services: Services, writer: Writer, lease: Lease, error: ProblemError): Promise<Answer> {
  const answer = answerOf(problemAnswer(error));
  return commit(services, writer, lease, [], async () => answer);
}

/** Runs the work, and records what it planned and what it answers in the same transaction. */
async function commit(
  services: Services,
  writer: Writer,
  lease: Lease | null,
  planned: readonly PlannedChange[],
  work: (tx: Transaction) => Promise<Answer>,
): Promise<Answer> {
  const { database, feed } = services;
  const cause = lease && { userId: lease.userId, key: lease.key, markerStore: markerStore(writer) };
  const answer = await database.transaction(async (tx) => {
    const made = await work(tx);
    await recordChanges(database, tx, planned, cause, services.now());
    if (lease !== null) await completeKey(tx, lease, made);
    return made;
  });
  feed.wake([...planned.map(({ storeId }) => storeId), ...(cause === null ? [] : [cause.markerStore])]);
  return answer;
}

const ATTEMPTS = 10;

async function untilNotOvertaken<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run();
    } catch (error) {
      // A unique value that another transaction took first: the next run sees it and refuses in its own words.
      const again = error instanceof Overtaken || isUniqueViolation(error);
      if (!again) throw error;
      if (attempt === ATTEMPTS) throw new ProblemError('unavailable', '', { cause: error });
    }
  }
}

/** Refusals are final; what says "sign in" or "come back later", and every fault, is not. */
function isFinal(error: unknown): error is ProblemError {
  if (!(error instanceof ProblemError)) return false;
  const { status } = problemAnswer(error);
  return status >= 400 && status < 500 && status !== 401 && status !== 429;
}

function repeated(answer: Answer): Answer {
  return { ...answer, headers: { ...answer.headers, 'idempotent-replayed': 'true' } };
}

/** A write takes milliseconds; only one whose process died keeps its lease to the end. */
function inFlight(): Answer {
  const answer = answerOf(problemAnswer(new ProblemError('in-flight')));
  return { ...answer, headers: { ...answer.headers, 'retry-after': '1' } };
}
