/**
 * Replay: sends waiting entries to the cloud and settles them. The only place that sends writes. It looks for work after
 * every commit, at every change of the link, and once a second besides, so that nothing can be forgotten (I5).
 */
import type { Answer } from './client.ts';
import type { Cloud } from './cloud.ts';
import { crashPoint } from './crash-point.ts';
import type { Credentials } from './credentials.ts';
import { messageOf } from './database.ts';
import { CloudFault } from './fault.ts';
import type { LinkState } from './link.ts';
import { Lookup, type Finding } from './lookup.ts';
import type { Identity, Req, Verdict } from './profile.ts';
import type { QueuedEntry } from './queue/entries.ts';
import { Watchdog } from './queue/watchdog.ts';
import { answerOf, resOf } from './request.ts';
import { Settlement } from './settlement.ts';
import type { Noted, Store } from './store.ts';

export interface ReplayParts {
  store: Store;
  cloud: Pick<Cloud, 'ask' | 'send'>;
  credentials: Credentials;
  /** Requests under way at once. */
  concurrency: number;
  now(): number;
  /** Delays are measured by a clock that nobody sets, ms: one that was turned back would stretch them (I5). */
  uptime(): number;
  /** 0 to 1, for jitter. */
  random(): number;
  /** These entries have a final answer. */
  settled(entries: QueuedEntry[]): void;
  /** Why nothing may be sent, though the link is up; null: all may. */
  barrier(): string | null;
  /** A write that could be sent and has not settled for this long is stuck, ms. */
  stallAfter: number;
  /** Something is stuck, or no longer. */
  stalled(): void;
  /** Something that an operator should see. */
  alarm(message: string, detail: Record<string, unknown>): void;
}

/** How one sending ended. */
type Ending = { seq: number; identity: Identity | null } & (
  | { type: 'verdict'; verdict: Verdict; answer: Answer; ids: Record<string, string> }
  | { type: 'fault'; sent: boolean }
  /** What a look for its marker says, where the app keeps no results of keys. */
  | { type: 'looked'; finding: Finding }
  | { type: 'unreadable' }
  | { type: 'no-identity' }
);

interface Outgoing {
  identity: Identity | null;
  /** Null: there is nobody to send it as. */
  request: { req: Req; body: string | null } | null;
}

const WATCH = 1000;
const BACKOFF_FIRST = 250;
const BACKOFF_MOST = 30_000;
/** The cloud may ask for more patience than we have by ourselves, but not for ever (I5). */
const RETRY_AFTER_MOST = 15 * 60_000;
const MOST_ENDINGS = 1000;
const IN_FLIGHT_DELAY = 1000;
/** Put into the inbox in one commit. */
const MOST_LEFT = 100;
/** A user whose credential nobody accepts is asked about this often; a new sign-in ends the wait at once. */
const IDENTITY_DELAY = 15_000;

export class Replay {
  readonly #parts: ReplayParts;
  #sendable = false;
  /** The link is back: delays are to end. */
  #hurried = false;
  /** How entries end. */
  readonly settlement: Settlement;
  #underWay = 0;
  readonly #lookup: Lookup;
  /** Entries that are being looked for. */
  readonly #looking = new Set<number>();
  #endings: Ending[] = [];
  #timer: NodeJS.Timeout;
  #soon: NodeJS.Immediate | null = null;
  #stopped = false;
  readonly #watchdog: Watchdog;
  /** How the last sending of those not settled ended, for the watchdog to say. */
  readonly #lastEndings = new Map<number, string>();

  constructor(parts: ReplayParts) {
    this.#parts = parts;
    const { store, cloud, uptime } = parts;
    this.settlement = new Settlement(parts);
    this.#lookup = new Lookup({ app: store.app, rebase: store.rebase, cloud, uptime });
    this.#watchdog = new Watchdog({
      oldest: () => parts.store.entries.oldestFree(),
      reason: (seq) => this.#reasonFor(seq),
      limit: parts.stallAfter,
      uptime: parts.uptime,
      alarm: parts.alarm,
      kick: () => {
        this.#hurried = true;
        this.kick();
      },
    });
    this.#timer = setInterval(() => this.#watch(), WATCH);
  }

  /** Why the oldest write that could be sent does not get through; null while all is well. */
  get stalled(): string | null {
    return this.#watchdog.stalled;
  }

  #watch(): void {
    const before = this.#watchdog.stalled;
    this.#watchdog.look();
    if (before !== this.#watchdog.stalled) this.#parts.stalled();
    this.kick();
  }

  #reasonFor(seq: number): string | null {
    if (!this.#sendable) return null;
    return this.#parts.barrier() ?? this.#lastEndings.get(seq) ?? 'it was never sent';
  }

  /** Whether a write that comes in now would be sent at once. */
  get sendable(): boolean {
    return this.#sendable;
  }

  /** The link's state as the front knows it. When it is back, nothing waits for its delay. */
  link(state: LinkState, held: boolean): void {
    const sendable = state === 'online' && !held;
    if (sendable && !this.#sendable) this.#hurried = true;
    this.#sendable = sendable;
    this.kick();
  }

  /** Looks for work, once for all that asks in this turn of the event loop. */
  kick(): void {
    if (this.#soon !== null || this.#stopped) return;
    this.#soon = setImmediate(() => {
      this.#soon = null;
      this.#turn();
    });
  }

  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
    if (this.#soon !== null) clearImmediate(this.#soon);
  }

  /** What a failing disk keeps from being written down is kept for the next turn; the watch sees to it that there is one. */
  #turn(): void {
    try {
      if (this.#hurried) this.#parts.store.commitAs('hurry', () => this.#parts.store.entries.hurry());
      this.#hurried = false;
      this.#finish();
      if (!this.#parts.store.app.honoursKeys) this.#leaveToPeople();
      this.#start();
    } catch (error) {
      this.#parts.alarm('the queue stands still', { error: messageOf(error) });
    }
  }

  /** Sends what is ready; `sending` is durable before the first byte leaves (I2). */
  #start(): void {
    const free = this.#parts.concurrency - this.#underWay;
    if (!this.#sendable || this.#stopped || free <= 0 || this.#parts.barrier() !== null) return;
    const { store, uptime } = this.#parts;
    if (store.app.honoursKeys) this.#retryUnknown();
    else this.#look(free);
    const ready = store.entries.ready(uptime(), free);
    if (ready.length === 0) return;
    const sending = store.commitAs('send', () => ready.map(({ seq }) => store.entries.move(seq, 'send')));
    for (const entry of sending) {
      this.#lastEnding(entry.seq, 'its answer has not come');
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
    const { store, uptime, concurrency } = this.#parts;
    const unknown = store.entries.unknown(uptime(), concurrency);
    if (unknown.length === 0) return;
    store.commitAs('retry', () => {
      for (const { seq } of unknown) store.entries.move(seq, 'retry');
    });
  }

  /** Neither keys nor a way to look: only a person can tell, and the inbox says so (I2). */
  #leaveToPeople(): void {
    const { store } = this.#parts;
    const hopeless = store.entries.unknown(Infinity, MOST_LEFT).filter((entry) => !this.#lookup.knows(entry));
    if (hopeless.length === 0) return;
    store.commitAs('left', () => {
      for (const { seq } of hopeless) store.entries.setInbox(seq, 'unknown');
    });
    this.#parts.settled([]);
    this.kick();
  }

  /** Looks for what the lost sendings did. */
  #look(free: number): void {
    const { store, uptime, concurrency } = this.#parts;
    const due = store.entries.unknown(uptime(), concurrency).filter(({ seq }) => !this.#looking.has(seq));
    for (const entry of due.slice(0, free)) {
      this.#underWay += 1;
      this.#looking.add(entry.seq);
      void this.#find(entry).then((ending) => {
        this.#underWay -= 1;
        this.#looking.delete(entry.seq);
        this.#endings.push(ending);
        this.kick();
      });
    }
  }

  /** Never rejects. */
  async #find(entry: QueuedEntry): Promise<Ending> {
    const { seq } = entry;
    const identity = this.#parts.credentials.identity(entry, this.#parts.now());
    if (identity === null) return { seq, identity, type: 'looked', finding: { type: 'early', delay: IDENTITY_DELAY } };
    try {
      return { seq, identity, type: 'looked', finding: await this.#lookup.find(entry, identity) };
    } catch (error) {
      if (error instanceof CloudFault) return { seq, identity, type: 'looked', finding: { type: 'silent' } };
      this.#alarm('the profile cannot look for this entry', entry, error);
      return { seq, identity, type: 'unreadable' };
    }
  }

  /** Never rejects: what throws here is a profile's fault or the link's, and stops this entry alone (I4). */
  async #send(entry: QueuedEntry): Promise<Ending> {
    const { seq } = entry;
    const outgoing = this.#outgoing(entry);
    if (outgoing === null) return { seq, identity: null, type: 'fault', sent: false };
    const { identity, request } = outgoing;
    if (request === null) return { seq, identity, type: 'no-identity' };
    try {
      const answer = await this.#parts.cloud.send(request.req, request.body);
      crashPoint?.('answered');
      return this.#read(entry, identity, answer);
    } catch (error) {
      return { seq, identity, type: 'fault', sent: !(error instanceof CloudFault) || error.sent };
    }
  }

  /** The request as it goes out; null where the profile cannot make it. */
  #outgoing(entry: QueuedEntry): Outgoing | null {
    const { store, credentials, now } = this.#parts;
    try {
      const identity = credentials.identity(entry, now());
      if (identity === null) return { identity, request: null };
      const req = store.rebase.reqOf(entry);
      const outgoing = store.app.send(req, entry, identity);
      return { identity, request: { req: outgoing, body: bodyOf(entry, req, outgoing) } };
    } catch (error) {
      this.#alarm('the profile cannot send this entry', entry, error);
      return null;
    }
  }

  #read(entry: QueuedEntry, identity: Identity | null, answer: Answer): Ending {
    const { store } = this.#parts;
    const { seq } = entry;
    try {
      const req = store.rebase.reqOf(entry);
      const res = resOf(answer);
      const verdict = store.app.classify(req, res);
      const tookEffect = verdict === 'done' || verdict === 'already-done';
      const ids = (tookEffect && store.app.writes[entry.route]?.result?.(res, req, entry)) || {};
      return { seq, identity, type: 'verdict', verdict, answer, ids };
    } catch (error) {
      this.#alarm("the profile cannot read the cloud's answer to this entry", entry, error);
      return { seq, identity, type: 'fault', sent: true };
    }
  }

  /** Settles what has ended, all in one commit. */
  #finish(): void {
    if (this.#endings.length === 0) return;
    const { store } = this.#parts;
    const settled = store.commitAs('settle', (noted) =>
      this.#endings.flatMap((ending) => this.#endAlone(ending, noted)),
    );
    this.#endings = [];
    if (settled.length > 0) this.#parts.settled(settled.map((seq) => store.entries.get(seq)));
  }

  /** One that cannot be settled, for a fault of ours or of the profile, keeps none of the others from it (I4). */
  #endAlone(ending: Ending, noted: Noted): number[] {
    const { store } = this.#parts;
    return store.part(
      noted,
      (part) => this.#end(ending, part),
      (error) => {
        this.#alarm('this entry cannot be settled', store.entries.get(ending.seq), error);
        return this.#later(ending.seq, 'no-verdict', null);
      },
    );
  }

  /** Moves one entry on; returns the entries that settled by it. */
  #end(ending: Ending, noted: Noted): number[] {
    const { seq } = ending;
    this.#lastEnding(seq, reasonOf(ending));
    if (ending.type === 'no-identity') return this.#later(seq, 'throttled', IDENTITY_DELAY);
    if (ending.type === 'fault') return this.#later(seq, ending.sent ? 'no-verdict' : 'not-sent', null);
    if (ending.type === 'unreadable') return this.#leave(seq);
    if (ending.type === 'looked') return this.#looked(seq, ending.identity, ending.finding, noted);
    const entry = this.#parts.store.entries.get(seq);
    const { settlement } = this;
    switch (ending.verdict) {
      case 'done':
      case 'already-done':
        this.#lookup.forget(seq);
        return settlement.applied(entry, ending.verdict, ending.answer, ending.ids, noted);
      case 'key-mismatch':
        this.#alarm('the cloud knows this key for another request', entry, null);
        return settlement.refused(entry, ending.verdict, ending.answer, noted);
      case 'refused':
        return settlement.refused(entry, ending.verdict, ending.answer, noted);
      case 'in-flight':
        return this.#later(seq, 'no-verdict', retryAfter(ending.answer, this.#parts.now()) ?? IN_FLIGHT_DELAY);
      case 'throttled':
        return this.#later(seq, 'throttled', retryAfter(ending.answer, this.#parts.now()));
      case 'identity': {
        const again =
          ending.identity !== null && this.#parts.credentials.reject(entry, ending.identity, this.#parts.now());
        return this.#later(seq, 'throttled', again ? 0 : IDENTITY_DELAY);
      }
      case 'unavailable':
        return this.#later(seq, 'no-verdict', retryAfter(ending.answer, this.#parts.now()));
    }
  }

  /** What a look for its marker says: settled as its own answer would have settled it, sent again, or looked for again. */
  #looked(seq: number, identity: Identity | null, finding: Finding, noted: Noted): number[] {
    const { store, credentials } = this.#parts;
    const { settlement } = this;
    const entry = store.entries.get(seq);
    switch (finding.type) {
      case 'found': {
        const answer = answerOf(finding.res);
        const ending = this.#read(entry, identity, answer);
        if (ending.type !== 'verdict') return this.#leave(seq);
        this.#lookup.forget(seq);
        if (ending.verdict === 'refused') return settlement.refused(entry, 'refused', answer, noted);
        const tookEffect = ending.verdict === 'done' || ending.verdict === 'already-done';
        return tookEffect ? settlement.applied(entry, 'already-done', answer, ending.ids, noted) : this.#leave(seq);
      }
      case 'absent':
        store.entries.move(seq, 'retry');
        return [];
      case 'several':
        return this.#leave(seq);
      case 'early':
        return this.#later(seq, 'no-verdict', finding.delay);
      case 'identity': {
        const again = identity !== null && credentials.reject(entry, identity, this.#parts.now());
        return this.#later(seq, 'no-verdict', again ? 0 : IDENTITY_DELAY);
      }
      case 'silent':
        return this.#later(seq, 'no-verdict', null);
    }
  }

  /** Only a person can tell what became of it. */
  #leave(seq: number): number[] {
    this.#lookup.forget(seq);
    this.#parts.store.entries.setInbox(seq, 'unknown');
    return [];
  }

  #lastEnding(seq: number, reason: string): void {
    this.#lastEndings.delete(seq);
    this.#lastEndings.set(seq, reason);
    const [first] = this.#lastEndings.keys();
    if (first !== undefined && this.#lastEndings.size > MOST_ENDINGS) this.#lastEndings.delete(first);
  }

  /** Back into the queue or into doubt, to be looked at again after a delay: given, or with full jitter. */
  #later(seq: number, event: 'not-sent' | 'throttled' | 'no-verdict', delay: number | null): number[] {
    const { store, uptime, random } = this.#parts;
    if (event === 'no-verdict' && store.entries.get(seq).state === 'sending') this.#lookup.sendingEnded(seq);
    const { attempts } = store.entries.move(seq, event);
    const ceiling = Math.min(BACKOFF_MOST, BACKOFF_FIRST * 2 ** Math.min(attempts, 20));
    store.entries.setNotBefore(seq, Math.ceil(uptime() + (delay ?? random() * ceiling)));
    return [];
  }

  #alarm(message: string, { seq, route }: QueuedEntry, error: unknown): void {
    const reason = error === null ? {} : { error: messageOf(error) };
    this.#parts.alarm(message, { entry: seq, route, ...reason });
  }
}

/** The stored bytes, unless the profile planted a marker in the body. */
function bodyOf(entry: QueuedEntry, req: Req, outgoing: Req): string | null {
  return outgoing.body === req.body || outgoing.body === undefined ? entry.body : JSON.stringify(outgoing.body);
}

/** Why it has not settled, in words for an operator. */
function reasonOf(ending: Ending): string {
  if (ending.type === 'no-identity') return 'nobody is there to send it as: its user has to sign in';
  if (ending.type === 'verdict') return `the cloud answered ${ending.answer.status} (${ending.verdict})`;
  if (ending.type === 'looked') return `it was looked for in the cloud (${ending.finding.type})`;
  if (ending.type === 'unreadable') return "the profile cannot read the cloud's answer";
  return ending.sent ? 'it was sent, and no answer of the cloud came' : 'it could not be sent';
}

/** Retry-After in seconds or as a date (RFC 9110 §10.2.3), as ms; null where there is none. */
function retryAfter(answer: Answer, now: number): number | null {
  const value = answer.headers['retry-after'];
  if (value === undefined) return null;
  const seconds = /^\d{1,6}$/.test(value) ? Number(value) : (Date.parse(value) - now) / 1000;
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0) * 1000, RETRY_AFTER_MOST) : null;
}
