/** Sales, returns, receipts and adjustments: what has happened, taken whatever the link. */
import type { Doc, Entry, Fix, Reader, Req, Write, Writer } from '@larder/sync/profile';
import { createdAnswer } from '../rules/answers.ts';
import { canonical } from '../rules/etag.ts';
import { completeFact, FACT_BODIES, movementsOf, type PlannedMovement } from '../rules/facts.ts';
import { ProblemError } from '../rules/problems.ts';
import { API, FACT_KINDS, type FactKind, levelId } from '../rules/resources.ts';
import { assertMayWrite } from '../rules/rights.ts';
import { validate } from '../rules/validate.ts';
import { refusing } from './refusing.ts';
import { actorOf, assertServed, type StaffUser } from './user.ts';

/** The fact as it will stand in the cloud. `check` has fixed id, time and day, so nothing here can turn out otherwise. */
function factOf(kind: FactKind, req: Req, entry: Entry) {
  const body = validate(FACT_BODIES[kind], req.body);
  const store = { id: body.storeId, timeZone: 'UTC' };
  return completeFact(kind, body, { id: entry.key, now: entry.at, userId: entry.user.id, store });
}

/** The same fact again: a device offers what it may have sent before, to the cloud or through here. */
function isSame(known: Doc, { version: _version, ...fact }: Doc): boolean {
  return Object.entries(fact).every(([field, value]) => canonical(known[field] ?? null) === canonical(value));
}

function fixed(kind: FactKind, db: Reader, req: Req, user: StaffUser, fix: Fix): Doc {
  const body = validate(FACT_BODIES[kind], req.body);
  assertMayWrite(actorOf(user), `POST ${kind}`, body.storeId);
  assertServed(db, user, body.storeId);
  const store = db.get('stores', body.storeId);
  // This box's own store: it can only be missing while the replica is being filled, and then the edge says so.
  if (store === null) throw new ProblemError('not-found', `There is no store ${body.storeId}.`);
  const at = { id: body.storeId, timeZone: String(store.timeZone) };
  const id = body.id ?? fix.id();
  const fact = completeFact(kind, body, { id, now: fix.now, userId: user.id, store: at });
  const known = db.get(kind, id);
  if (known !== null && !isSame(known, fact)) throw new ProblemError('exists');
  // What the caller stated stays as it is, byte for byte where it stated all: its key stands for the same request
  // wherever it offers it.
  return { ...(req.body as Doc), id, occurredAt: fact.occurredAt, businessDate: fact.businessDate };
}

/**
 * Looks at the documents that a fact names, so that it waits for the waiting entries that create them (I3). Not at
 * stock levels: ten thousand sales of one product stay independent.
 */
function bind(db: Writer, fact: Doc & { lines: readonly { productId: string }[] }): void {
  for (const productId of new Set(fact.lines.map((line) => line.productId))) db.get('products', productId);
  if (typeof fact.customerId === 'string') db.get('customers', fact.customerId);
  if (typeof fact.saleId === 'string') db.get('sales', fact.saleId);
}

/** Moves the levels, as the cloud will: each once, by so much, from whatever it is; a missing one begins at nothing. */
function move(db: Writer, movements: readonly PlannedMovement[], at: string): void {
  for (const [productId, moved] of Map.groupBy(movements, (movement) => movement.productId)) {
    const id = levelId(db.store, productId);
    const by = moved.reduce((sum, { qty }) => sum + qty, 0);
    const missing = { id, storeId: db.store, productId, qty: 0, updatedAt: at, version: 0 };
    db.add('stock-levels', id, 'qty', by, missing);
    db.add('stock-levels', id, 'version', 1, missing);
  }
}

function factWrite(kind: FactKind): Write<StaffUser> {
  return {
    kind: 'fact',
    check: (db, req, user, fix) => refusing(() => fixed(kind, db, req, user, fix)),
    apply(db, req, entry) {
      const fact = factOf(kind, req, entry);
      // Already there, by another sending of the same fact: its stock has moved.
      if (db.get(kind, fact.id) !== null) return;
      bind(db, fact);
      db.put(kind, fact);
      move(db, movementsOf(kind, fact), entry.at);
    },
    answer: (_db, req, entry) => createdAnswer(kind, factOf(kind, req, entry)),
  };
}

export const factWrites: Record<string, Write<StaffUser>> = Object.fromEntries(
  FACT_KINDS.map((kind) => [`POST ${API}/${kind}`, factWrite(kind)]),
);
