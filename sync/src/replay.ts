/**
 * Replay: sends waiting entries to the cloud and settles them. The only place that sends writes. It looks for work after
 * every commit, at every change of the link, and once a second besides, so that nothing can be forgotten (I5).
 */
import type { Answer } from './client.ts';
import type { Cloud } from './cloud.ts';
import type { Credentials } from './credentials.ts';
import { CloudFault } from './fault.ts';
import type { LinkState } from './link.ts';
import type { Identity, Req, Verdict } from './profile.ts';
import type { QueuedEntry } from './queue/entries.ts';
import { resOf } from './request.ts';
import type { Noted, Store } from './store.ts';

export interface ReplayParts {
  store: Store;
  cloud: Cloud;
  credentials: Credentials;
  /** Requests under way at once. */
  concurrency: number;
  now(): number;
  /** 0 to 1, for jitter. */
  random(): number;
  /** These entries have a final answer. */
  settled(entries: QueuedEntry[]): void;
  /** Something that an operator should see. */
  alarm(message: string, entry: QueuedEntry): void;
}

/** How one sending ended. */
type Ending = { seq: number; identity: Identity | null } & (
  | { type: 'verdict'; verdict: Verdict; answer: Answer; ids: Record<string, string> }
  | { type: 'fault'; sent: boolean }
  | { type: 'no-identity' }
);

const WATCH = 1000;
const BACKOFF_FIRST = 250;
const BACKOFF_MOST = 30_000;
const IN_FLIGHT_DELAY = 1000;
/** A user whose credential nobody accepts is asked about this often; a new sign-in ends the wait at once. */
const IDENTITY_DELAY = 15_000;

export class Replay {
  readonly #parts: ReplayParts;
  #sendable = false;
  #underWay = 0;
  #endings: Ending[] = [];
  #timer: NodeJS.Timeout;
  #soon: NodeJS.Immediate | null = null;
  #stopped = false;

  constructor(parts: ReplayParts) {
    this.#parts = parts;
    this.#timer = setInterval(() => this.kick(), WATCH);
  }

  /** Whether a write that comes in now would be sent at once. */
  get sendable(): boolean {
    return this.#sendable;
  }

  /** The link's state as the front knows it. When it is back, nothing waits for its delay. */
  link(state: LinkState, held: boolean): void {
    const sendable = state === 'online' && !held;
    if (sendable && !this.#sendable) this.#parts.store.commit(() => this.#parts.store.entries.hurry());
    this.#sendable = sendable;
    this.kick();
  }

  /** A user signed in again: what waited for that goes on. */
  hurry(): void {
    this.#parts.store.commit(() => this.#parts.store.entries.hurry());
    this.kick();
  }

  /** Looks for work, once for all that asks in this turn of the event loop. */
  kick(): void {
    if (this.#soon !== null || this.#stopped) return;
    this.#soon = setImmediate(() => {
      this.#soon = null;
      this.#finish();
      this.#start();
    });
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    if (this.#soon !== null) clearImmediate(this.#soon);
  }

  /** Sends what is ready; `sending` is durable before the first byte leaves (I2). */
  #start(): void {
    const free = this.#parts.concurrency - this.#underWay;
    if (!this.#sendable || this.#stopped || free <= 0) return;
    const { store, now } = this.#parts;
    if (store.app.honoursKeys) this.#retryUnknown();
    const ready = store.entries.ready(now(), free);
    if (ready.length === 0) return;
    const sending = store.commit(() => ready.map(({ seq }) => store.entries.move(seq, 'send')));
    for (const entry of sending) {
      this.#underWay += 1;
      void this.#send(entry).then((ending) => {
        this.#underWay -= 1;
        this.#endings.push(ending);
        this.kick();
      });
    }
  }

  /** The app keeps each key's result, so sending again asks "what became of it" and can do no harm. */
  #retryUnknown(): void {
    const { store, now, concurrency } = this.#parts;
    const unknown = store.entries.unknown(now(), concurrency);
    if (unknown.length === 0) return;
    store.commit(() => {
      for (const { seq } of unknown) store.entries.move(seq, 'retry');
    });
  }

  async #send(entry: QueuedEntry): Promise<Ending> {
    const { store, cloud, credentials, now } = this.#parts;
    const { seq } = entry;
    const identity = credentials.identity(entry.user.id, now());
    if (identity === null) return { seq, identity, type: 'no-identity' };
    const req = store.rebase.reqOf(entry);
    const outgoing = store.app.send(req, entry, identity);
    try {
      const answer = await cloud.send(outgoing, bodyOf(entry, req, outgoing));
      const res = resOf(answer);
      const verdict = store.app.classify(req, res);
      const ids = verdict === 'done' ? (store.app.writes[entry.route]?.result?.(res, req, entry) ?? {}) : {};
      return { seq, identity, type: 'verdict', verdict, answer, ids };
    } catch (error) {
      return { seq, identity, type: 'fault', sent: !(error instanceof CloudFault) || error.sent };
    }
  }

  /** Settles what has ended, all in one commit. */
  #finish(): void {
    if (this.#endings.length === 0) return;
    const endings = this.#endings;
    this.#endings = [];
    const { store } = this.#parts;
    const settled = store.commit((noted) => endings.flatMap((ending) => this.#end(ending, noted)));
    if (settled.length > 0) this.#parts.settled(settled.map((seq) => store.entries.get(seq)));
  }

  /** Moves one entry on; returns the entries that settled by it. */
  #end(ending: Ending, noted: Noted): number[] {
    const { seq } = ending;
    if (ending.type === 'no-identity') return this.#later(seq, 'throttled', IDENTITY_DELAY);
    if (ending.type === 'fault') return this.#later(seq, ending.sent ? 'no-verdict' : 'not-sent', null);
    const entry = this.#parts.store.entries.get(seq);
    switch (ending.verdict) {
      case 'done':
      case 'already-done':
        return this.#applied(entry, ending.verdict, ending.answer, ending.ids, noted);
      case 'key-mismatch':
        this.#parts.alarm('the cloud knows this key for another request', entry);
        return this.#refused(entry, ending.verdict, ending.answer, noted);
      case 'refused':
        return this.#refused(entry, ending.verdict, ending.answer, noted);
      case 'in-flight':
        return this.#later(seq, 'no-verdict', retryAfter(ending.answer) ?? IN_FLIGHT_DELAY);
      case 'throttled':
        return this.#later(seq, 'throttled', retryAfter(ending.answer));
      case 'identity': {
        const again = ending.identity !== null && this.#parts.credentials.reject(entry.user.id, ending.identity);
        return this.#later(seq, 'throttled', again ? 0 : IDENTITY_DELAY);
      }
      case 'unavailable':
        return this.#later(seq, 'no-verdict', null);
    }
  }

  /** Back into the queue or into doubt, to be looked at again after a delay: given, or with full jitter. */
  #later(seq: number, event: 'not-sent' | 'throttled' | 'no-verdict', delay: number | null): number[] {
    const { store, now, random } = this.#parts;
    const { attempts } = store.entries.move(seq, event);
    const ceiling = Math.min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** Math.min(attempts, 20));
    store.entries.setNotBefore(seq, now() + (delay ?? Math.ceil(random() * ceiling)));
    return [];
  }

  /** It took effect. The overlay shows it until the base contains it: the feed's marker says when (I6). */
  #applied(entry: QueuedEntry, verdict: Verdict, answer: Answer, ids: Record<string, string>, noted: Noted): number[] {
    const { store } = this.#parts;
    store.entries.settle(entry.seq, 'done', verdict, answer, this.#time());
    store.replaceIds(ids, entry.seq);
    noted.tag(...entry.tags);
    return [entry.seq];
  }

  /** It will never take effect: the overlay lets go, and proposals that build on it go to the inbox with it. */
  #refused(entry: QueuedEntry, verdict: Verdict, answer: Answer, noted: Noted): number[] {
    const { store } = this.#parts;
    store.entries.settle(entry.seq, 'refused', verdict, answer, this.#time());
    if (entry.overlaid) store.release(entry.seq, noted);
    return [entry.seq, ...this.#orphan(entry.seq, answer, noted)];
  }

  #orphan(seq: number, answer: Answer, noted: Noted): number[] {
    const { store } = this.#parts;
    const orphans = store.entries.needing(seq).filter((entry) => entry.kind === 'proposal');
    // A fact has happened whatever became of the proposal beneath it: it is sent (DESIGN: facts are not refused).
    store.entries.forgetNeed(seq);
    return orphans.flatMap((orphan) => {
      store.entries.settle(orphan.seq, 'orphaned', 'orphaned', answer, this.#time());
      if (orphan.overlaid) store.release(orphan.seq, noted);
      return [orphan.seq, ...this.#orphan(orphan.seq, answer, noted)];
    });
  }

  #time(): string {
    return new Date(this.#parts.now()).toISOString();
  }
}

/** The stored bytes, unless the profile planted a marker in the body. */
function bodyOf(entry: QueuedEntry, req: Req, outgoing: Req): string | null {
  return outgoing.body === req.body || outgoing.body === undefined ? entry.body : JSON.stringify(outgoing.body);
}

/** Retry-After in seconds or as a date (RFC 9110 §10.2.3), as ms; null where there is none. */
function retryAfter(answer: Answer): number | null {
  const value = answer.headers['retry-after'];
  if (value === undefined) return null;
  const seconds = /^\d{1,6}$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0) * 1000, BACKOFF_MOST) : null;
}
