/**
 * Accepting writes: key, check, entry and overlay in one transaction, whose fsync is shared by all writes that came in
 * while the last one was under way (I1).
 */
import { createHash } from 'node:crypto';
import type { Answer, Call } from './client.ts';
import type { Credentials } from './credentials.ts';
import { LarderError } from './errors.ts';
import type { Fix, Req, User, Write } from './profile.ts';
import { Refusal } from './profile.ts';
import { sizeOf, type NewEntry, type QueuedEntry } from './queue/entries.ts';
import type { Limits } from './queue/limits.ts';
import { Unfetched } from './replica/unfetched.ts';
import { answerOf, reqOf, wordsOf } from './request.ts';
import { compileRoutes, type Routes } from './route.ts';
import type { Noted, Store } from './store.ts';
import { uuidv7 } from './uuid.ts';

/** What came of one write; an error is for the caller, and nothing was kept. */
export type Outcome =
  | { type: 'kept'; entry: QueuedEntry }
  /** The key was seen before: this is what it stands for. */
  | { type: 'known'; entry: QueuedEntry }
  | { type: 'refused'; answer: Answer }
  | { type: 'error'; error: unknown };

export interface AcceptParts {
  store: Store;
  credentials: Credentials;
  limits: Pick<Limits, 'admit'>;
  /** Throws where this box takes no new writes. */
  current(): void;
  /** The edge's clock, ms since 1970. */
  now(): number;
  /** Whether the replica knows all that `check` may ask it (I9). */
  complete(): boolean;
}

/** Request headers that an app may depend on; others may be secrets, and are not kept. */
const KEPT_HEADERS = ['accept', 'accept-language', 'content-type', 'if-match', 'prefer'];
/** Refusals that depend on what the replica holds, even where the document they are about is there: it may be old. */
const BY_DATA = new Set([404, 409, 412]);

export class Accept {
  readonly #parts: AcceptParts;
  readonly #routes: Routes<Write<never>>;

  constructor(parts: AcceptParts) {
    this.#parts = parts;
    this.#routes = compileRoutes<Write<never>>(parts.store.app.writes);
  }

  /** Takes writes in the order they came, in one transaction. Throws only where the disk fails, and then kept none. */
  all(calls: readonly Call[]): Outcome[] {
    const { store } = this.#parts;
    return store.commitAs('accept', (noted) =>
      calls.map((call) => store.part<Outcome>(noted, (part) => this.#one(call, part), refusedOr)),
    );
  }

  /**
   * Takes a write within the transaction under way: one that a person sends again. Throws `LARDER_RETRY_REFUSED` where
   * the check refuses it.
   */
  again(call: Call, noted: Noted): QueuedEntry {
    try {
      return this.#one(call, noted).entry;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw new LarderError('LARDER_RETRY_REFUSED', wordsOf(error.res));
    }
  }

  #one(original: Call, noted: Noted): Extract<Outcome, { entry: QueuedEntry }> {
    const { store, now } = this.#parts;
    const call = this.#settled(original);
    const route = this.#routes.match(call.method, call.path);
    if (route === null || call.user === null) throw new LarderError('LARDER_UNAUTHENTICATED');
    const key = keyOf(call);
    const fingerprint = fingerprintOf(original);
    const known = store.entries.byKey(call.user.id, key);
    if (known !== null) {
      if (known.fingerprint !== fingerprint) throw new LarderError('LARDER_KEY_MISMATCH');
      this.#remember(call.user, call);
      return { type: 'known', entry: known };
    }
    // Before the check: what a copy knows is no reason to refuse anything for good.
    this.#parts.current();
    const req = reqOf(call, route.params);
    const at = new Date(now()).toISOString();
    const body = this.#check(route.value, req, call, { now: at, id: () => uuidv7(now()) });
    const entry: NewEntry = {
      key,
      user: call.user,
      route: route.name,
      kind: route.value.kind,
      release: store.app.release,
      method: call.method,
      path: call.path,
      search: call.search,
      headers: keptHeaders(call.headers),
      body: body === undefined ? null : JSON.stringify(body),
      fingerprint,
      at,
    };
    this.#parts.limits.admit(sizeOf(entry));
    const kept = store.rebase.first(store.entries.insert(entry));
    this.#remember(call.user, call);
    noted.tag(...kept.tags);
    noted.opened.push({ seq: kept.seq, tags: kept.tags });
    return { type: 'kept', entry: kept };
  }

  /** A client may still use ids that the cloud has replaced. */
  #settled(call: Call): Call {
    const { store } = this.#parts;
    const body = call.body === null ? null : store.settledIds(call.body);
    return { ...call, path: store.settledIds(call.path), search: store.settledIds(call.search), body };
  }

  /** A user with a new credential may be what waiting entries need, the repeat of a key included (I5). */
  #remember({ id }: User, call: Call): void {
    const { store, credentials } = this.#parts;
    if (credentials.remember(id, call.headers['authorization'], call.claims)) store.entries.hurryUser(id);
  }

  #check(write: Write<never>, req: Req, call: Call, fix: Fix) {
    const { store, complete } = this.#parts;
    const unfetched = new Unfetched(store.view);
    try {
      // The profile made this user, in the front; its type is the profile's own.
      return write.check(unfetched, req, call.user as never, fix);
    } catch (error) {
      const isByData = error instanceof Refusal && (BY_DATA.has(error.res.status) || unfetched.asked);
      // I9: what is still to be fetched may be what it was refused for. A malformed body is malformed without it.
      if (isByData && !complete()) throw new LarderError('LARDER_NOT_READY');
      throw error;
    }
  }
}

const refusedOr = (error: unknown): Outcome =>
  error instanceof Refusal ? { type: 'refused', answer: answerOf(error.res) } : { type: 'error', error };

const KEY = /^[\x21-\x7e]{1,255}$/;

function keyOf(call: Call): string {
  const key = call.headers['idempotency-key'] ?? '';
  if (!KEY.test(key)) throw new LarderError('LARDER_KEY_INVALID');
  return key;
}

function fingerprintOf(call: Call): string {
  const hash = createHash('sha256');
  hash.update(`${call.method} ${call.path}${call.search}\n`);
  return hash.update(call.body ?? '').digest('base64url');
}

function keptHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const name of KEPT_HEADERS) if (headers[name] !== undefined) kept[name] = headers[name];
  return kept;
}
