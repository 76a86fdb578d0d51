/** The writer thread's parts put together: what comes in is a message, what goes out is a post. */
import { hostname } from 'node:os';
import { setTimeout as later } from 'node:timers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Audit } from './audit.ts';
import { Accept, type Outcome } from './accept.ts';
import { Boxes } from './boxes.ts';
import type { Accepted, Answer, BackStatus, BoxOrder } from './client.ts';
import { Census } from './census.ts';
import { Clock } from './clock.ts';
import { messageOf } from './database.ts';
import { LarderError } from './errors.ts';
import { InboxDesk } from './inbox/desk.ts';
import type { Actor, InboxOrder } from './inbox/types.ts';
import type { Cloud } from './cloud.ts';
import { Credentials } from './credentials.ts';
import { Feed } from './feed.ts';
import { sentErrorOf, type FromWriter, type SentError, type ToWriter, type WorkerOptions } from './messages.ts';
import type { App } from './profile.ts';
import type { QueuedEntry } from './queue/entries.ts';
import { isSettled } from './queue/states.ts';
import { Replay } from './replay.ts';
import { Rebuild } from './replica/rebuild.ts';
import { answerOf } from './request.ts';
import { startSchedule } from './schedule.ts';
import { Slices } from './slices.ts';
import { StateTable } from './state-table.ts';
import { Store } from './store.ts';
import { cloudOf, CONCURRENCY, limitsOf } from './wiring.ts';

type AcceptMessage = Extract<ToWriter, { type: 'accept' }>;
interface Waiter {
  id: number;
  timer: NodeJS.Timeout;
}

/** Status goes to the front at most this often, ms. */
const STATUS_EVERY = 100;
/** RFC 9110 §15.3.3. */
const ACCEPTED = 202;
const UNPROVED = 'the cloud has not shown that it is the one it was: its feed does not answer';
const MOST_DELIVERABLE = 10_000;

/** Asking for it costs as much as storing a small document: no more often than this, ms. */
const ASK_EVERY = 0.2;

/** Processor time of a thread, ms: this little out of date at the most, as no thread has more of it than time passes. */
function threadTime(): () => number {
  let asked = -Infinity;
  let known = 0;
  return () => {
    const now = performance.now();
    if (now - asked < ASK_EVERY) return known;
    asked = now;
    const { user, system } = process.threadCpuUsage();
    known = (user + system) / 1000;
    return known;
  };
}

export class Back {
  readonly #post: (message: FromWriter) => void;
  readonly #store: Store;
  readonly #state: StateTable;
  readonly #credentials: Credentials;
  readonly #accept: Accept;
  readonly #inbox: InboxDesk;
  readonly #replay: Replay;
  readonly #feed: Feed;
  readonly #audit: Audit;
  readonly #rebuild: Rebuild;
  readonly #census: Census;
  readonly #cloud: Cloud;
  readonly #clock: Clock;
  readonly #boxes: Boxes;
  readonly #schedule: { stop(): void };
  /** Writes that came in since the last commit. */
  #incoming: AcceptMessage[] = [];
  /** Callers who still hope for the cloud's verdict, by entry. */
  readonly #waiters = new Map<number, Waiter[]>();
  /** Entries that are not settled and of which somebody was told 202. */
  readonly #promised = new Set<number>();
  /** Refusals on their way to a caller who waited, and nobody was told 202 before. */
  readonly #deliverable = new Set<number>();
  #statusTimer: NodeJS.Timeout | null = null;
  /** How often the link has come back, as the front counts it. */
  #contact = 0;
  #stopped = false;

  constructor(options: WorkerOptions, app: App, post: (message: FromWriter) => void) {
    this.#post = post;
    this.#store = new Store(options.data, app, options.store, (bump) => {
      post({ type: 'bump', bump });
      this.#statusChanged();
    });
    this.#clock = new Clock({
      durable: Math.max(Number(this.#store.meta('as-of') ?? 0), this.#store.entries.newestAt()),
      offset: Number(this.#store.meta('clock-offset') ?? 0),
    });
    const now = () => this.#clock.now();
    this.#credentials = new Credentials(this.#store.db, options.sealKey, options.credential);
    this.#state = new StateTable(this.#store.db, now);
    this.#cloud = cloudOf(options, app, post, (date, ms) => this.#learnTime(date, ms));
    const alarm = (message: string, detail: Record<string, unknown>) => this.#log('error', message, detail);
    this.#boxes = this.#boxesOf(options.credential);
    this.#replay = new Replay({
      store: this.#store,
      cloud: this.#cloud,
      credentials: this.#credentials,
      concurrency: CONCURRENCY,
      now,
      uptime: () => performance.now(),
      random: Math.random,
      settled: (entries) => this.#settled(entries),
      barrier: () => this.#boxes.barrier ?? (this.#feed.proved ? null : UNPROVED),
      alarm,
      stallAfter: options.stallAfter,
      stalled: () => this.#statusChanged(),
    });
    this.#feed = this.#feedOf(options);
    this.#audit = new Audit({
      store: this.#store,
      storeId: options.store,
      now,
      feed: this.#feed,
      moved: () => this.#statusChanged(),
      log: (level, message, detail) => this.#log(level, message, detail),
    });
    this.#accept = new Accept({
      store: this.#store,
      credentials: this.#credentials,
      limits: limitsOf(options, this.#store),
      current: () => this.#boxes.admit(),
      now,
      complete: () => this.#feed.complete,
    });
    const { settlement } = this.#replay;
    this.#inbox = new InboxDesk({ store: this.#store, accept: this.#accept, settlement, now, alarm });
    this.#schedule = this.#beginSchedule(options, now);
    this.#rebuild = this.#rebuildOf();
    const [turn, moved] = [() => this.#turn(), () => this.#statusChanged()];
    this.#census = new Census({ store: this.#store, turn, moved }, this.#feed.complete);
    post({ type: 'ready', ...this.#store.snapshot(), status: this.#status() });
    this.#replay.kick();
    this.#rebuild.begin();
  }

  #slices(): Slices {
    return new Slices({ store: this.#store, turn: () => this.#turn(), spent: threadTime() });
  }

  #beginSchedule(options: WorkerOptions, now: () => number): { stop(): void } {
    return startSchedule({
      store: this.#store,
      inbox: this.#inbox,
      state: this.#state,
      keepSettled: options.keepSettled,
      now,
      auditSchedule: options.auditSchedule,
      audit: this.#audit,
      failed: (error) => this.#log('error', 'the database could not be tidied', { error: messageOf(error) }),
    });
  }

  /** The offset is kept, so that a start without the cloud has it too; a disk that does not take it costs no more than that. */
  #learnTime(date: string | undefined, ms: number): void {
    if (!this.#clock.learn(date, ms)) return;
    this.#statusChanged();
    try {
      this.#store.commitAs('clock', () => this.#store.setMeta('clock-offset', String(this.#clock.offset)));
      this.#log('info', "the clock's offset from the cloud", { ms: this.#clock.offset });
    } catch (error) {
      this.#log('warn', "the clock's offset could not be kept", { error: messageOf(error) });
    }
  }

  #rebuildOf(): Rebuild {
    return new Rebuild({
      store: this.#store,
      slices: this.#slices(),
      turn: () => this.#turn(),
      moved: () => this.#statusChanged(),
      log: (level, message, detail) => this.#log(level, message, detail),
    });
  }

  #boxesOf(credential: string | null): Boxes {
    return new Boxes({
      store: this.#store,
      cloud: this.#cloud,
      credential,
      name: hostname(),
      now: () => this.#clock.now(),
      random: Math.random,
      moved: () => this.#statusChanged(),
      opened: () => this.#replay.kick(),
      log: (level, message, detail) => this.#log(level, message, detail),
    });
  }

  #feedOf(options: WorkerOptions): Feed {
    return new Feed({
      store: this.#store,
      slices: this.#slices(),
      cloud: this.#cloud,
      storeId: options.store,
      credential: options.credential,
      now: () => this.#clock.now(),
      random: Math.random,
      keepSettled: options.keepSettled,
      moved: () => this.#statusChanged(),
      proved: () => this.#replay.kick(),
      checked: (checked) => this.#post({ type: 'checked', contact: this.#contact, checked }),
      restored: () => this.#post({ type: 'restored' }),
      log: (level, message, detail) => this.#log(level, message, detail),
    });
  }

  receive(message: ToWriter): void {
    switch (message.type) {
      case 'accept':
        if (this.#incoming.push(message) === 1) setImmediate(() => this.#acceptAll());
        return;
      case 'link':
        this.#contact = message.contact;
        this.#boxes.link(message.state, message.held);
        this.#replay.link(message.state, message.held);
        this.#feed.link(message.state, message.held);
        return;
      case 'delivered':
        return this.#delivered(message.entry);
      case 'inbox':
        return this.#answerInbox(message.id, message.order, message.actor);
      case 'box':
        return void this.#orderBox(message.id, message.order, message.by);
      case 'audit': {
        const run = this.#audit.begin();
        // Whoever knows the number finds it in the status.
        this.#post({ type: 'status', status: this.#status() });
        return this.#post({ type: 'auditing', id: message.id, run });
      }
      case 'state-get':
        return this.#answerState(message.id, () => this.#state.get(message.key));
      case 'state-set':
        return this.#changeState(message.id, () => this.#state.set(message.key, message.value, message.expiresAt));
      case 'state-delete':
        return this.#changeState(message.id, () => (this.#state.delete(message.key) ? 'yes' : undefined));
      case 'state-list':
        return this.#answerState(message.id, () => JSON.stringify(this.#state.list(message.prefix)));
      case 'signed-in':
        return this.#signedIn(message);
      case 'stop':
        return this.#stop();
    }
  }

  /** A refusal leaves the inbox when its caller has it, unless somebody was told 202 before; a full disk keeps it there. */
  #delivered(seq: number): void {
    if (!this.#deliverable.delete(seq)) return;
    try {
      this.#store.commitAs('heard', () => this.#store.entries.setInbox(seq, null));
      this.#statusChanged();
    } catch (error) {
      this.#log('warn', 'a refusal stays in the inbox', { entry: seq, error: messageOf(error) });
    }
  }

  /** A full disk loses nothing here: the credential comes again with the user's next write. */
  #signedIn({ user, authorization, claims }: Extract<ToWriter, { type: 'signed-in' }>): void {
    try {
      this.#store.commitAs('signed-in', () => {
        if (this.#credentials.remember(user, authorization, claims)) this.#store.entries.hurryUser(user);
      });
      this.#replay.kick();
    } catch (error) {
      this.#log('warn', 'a credential was not kept', { error: messageOf(error) });
    }
  }

  #stop(): void {
    this.#stopped = true;
    for (const { timer } of [...this.#waiters.values()].flat()) clearTimeout(timer);
    this.#schedule.stop();
    this.#replay.stop();
    this.#feed.stop();
    this.#rebuild.stop();
    this.#census.stop();
    this.#boxes.stop();
    if (this.#statusTimer !== null) clearTimeout(this.#statusTimer);
    void this.#cloud.close().then(() => {
      this.#store.close();
      this.#post({ type: 'stopped' });
    });
  }

  /** Between two slices of bulk work: what has come in meanwhile goes first, writes before all else. */
  async #turn(): Promise<void> {
    await nextTurn();
    if (this.#stopped) throw new LarderError('LARDER_INTERNAL', 'The edge is stopping.');
    this.#acceptAll();
  }

  /** One commit for all that came in while the last one was under way (I1). */
  #acceptAll(): void {
    if (this.#incoming.length === 0) return;
    const calls = this.#incoming;
    this.#incoming = [];
    try {
      const outcomes = this.#accept.all(calls.map(({ call }) => call));
      for (const [at, outcome] of outcomes.entries()) {
        const call = calls[at];
        if (call !== undefined) this.#respond(call, outcome);
      }
    } catch (error) {
      for (const { id } of calls) this.#fail(id, error);
    }
    // A user who signed in again may be what waiting entries need.
    this.#replay.kick();
  }

  #respond({ id, options }: AcceptMessage, outcome: Outcome): void {
    if (outcome.type === 'error') return this.#fail(id, outcome.error);
    if (outcome.type === 'refused')
      return this.#post({ type: 'accepted', id, accepted: { type: 'refused', answer: outcome.answer } });
    const { entry } = outcome;
    if (isSettled(entry.state) || options.patience <= 0 || !this.#replay.sendable) return this.#tell(id, entry);
    const timer = later(() => this.#outOfPatience(id, entry.seq), options.patience);
    this.#waiters.set(entry.seq, [...(this.#waiters.get(entry.seq) ?? []), { id, timer }]);
  }

  #outOfPatience(id: number, seq: number): void {
    const others = (this.#waiters.get(seq) ?? []).filter((waiter) => waiter.id !== id);
    if (others.length === 0) this.#waiters.delete(seq);
    else this.#waiters.set(seq, others);
    this.#tell(id, this.#store.entries.get(seq));
  }

  #settled(entries: QueuedEntry[]): void {
    for (const entry of entries) {
      const waiters = this.#waiters.get(entry.seq) ?? [];
      this.#waiters.delete(entry.seq);
      const promised = this.#promised.delete(entry.seq);
      if (entry.state === 'refused' && waiters.length > 0 && !promised) this.#deliverable.add(entry.seq);
      for (const { id, timer } of waiters) {
        clearTimeout(timer);
        this.#tell(id, entry);
      }
    }
    // Callers who never were heard of again: their refusals stay in the inbox.
    if (this.#deliverable.size > MOST_DELIVERABLE) this.#deliverable.clear();
    this.#statusChanged();
  }

  /** Tells a caller how their write stands: the cloud's own answer, or the document as it will look. */
  #tell(id: number, entry: QueuedEntry): void {
    const { seq, state, answer } = entry;
    if (answer !== null) return this.#post({ type: 'accepted', id, accepted: { type: 'cloud', entry: seq, answer } });
    try {
      this.#promised.add(seq);
      const accepted: Accepted = { type: 'queued', entry: seq, state, answer: this.#preview(entry) };
      this.#post({ type: 'accepted', id, accepted });
    } catch (error) {
      this.#fail(id, error);
    }
  }

  /** The document as it will look. A profile that cannot show it takes nothing from the write, which is durable. */
  #preview(entry: QueuedEntry): Answer {
    const { seq, route } = entry;
    try {
      const write = this.#store.app.writes[route];
      if (write === undefined) throw new Error(`the profile no longer has the write "${route}"`);
      return answerOf(write.answer(this.#store.view, this.#store.rebase.reqOf(entry), entry));
    } catch (error) {
      this.#log('error', 'the profile cannot show this entry', { entry: seq, route, error: messageOf(error) });
      return { status: ACCEPTED, headers: {}, body: '' };
    }
  }

  #answerInbox(id: number, order: InboxOrder, actor: Actor): void {
    try {
      const answer = this.#inbox.answer(order, actor);
      if ('action' in answer) this.#dealtWith(answer.seq, answer.action, actor);
      this.#post({ type: 'inbox', id, answer });
    } catch (error) {
      this.#post({ type: 'inbox-failed', id, error: this.#sentError(error) });
    }
  }

  /** Never rejects. */
  async #orderBox(id: number, order: BoxOrder, by: string): Promise<void> {
    try {
      const box = order === 'authorise' ? this.#boxes.authorise(by) : await this.#boxes.takeOver(by);
      // Whoever has the answer finds it in the status.
      this.#post({ type: 'status', status: this.#status() });
      this.#post({ type: 'box', id, box });
    } catch (error) {
      this.#post({ type: 'box-failed', id, error: this.#sentError(error) });
    }
  }

  #dealtWith(seq: number, action: string, actor: Actor): void {
    const who = actor.type === 'operator' ? actor.name : `user ${actor.user.id}`;
    this.#log('info', 'a person dealt with the inbox', { entry: seq, action, who });
    this.#statusChanged();
    this.#replay.kick();
  }

  #changeState(id: number, work: () => string | undefined | void): void {
    this.#answerState(id, () => this.#store.commitAs('state', work));
  }

  #answerState(id: number, work: () => string | undefined | void): void {
    try {
      this.#post({ type: 'state', id, value: work() ?? undefined });
    } catch (error) {
      this.#post({ type: 'state-failed', id, error: this.#sentError(error) });
    }
  }

  #fail(id: number, error: unknown): void {
    this.#post({ type: 'failed', id, error: this.#sentError(error) });
  }

  #sentError(error: unknown): SentError {
    const sent = sentErrorOf(error);
    if (sent.code === null) this.#log('error', 'a request failed in the back', { error: sent.detail });
    return sent;
  }

  #log(level: 'info' | 'warn' | 'error', message: string, detail: Record<string, unknown> = {}): void {
    this.#post({ type: 'log', level, message, detail });
  }

  #statusChanged(): void {
    if (this.#stopped) return;
    this.#statusTimer ??= later(() => {
      this.#statusTimer = null;
      this.#post({ type: 'status', status: this.#status() });
    }, STATUS_EVERY);
  }

  #status(): BackStatus {
    const { states, oldest } = this.#store.entries.counts();
    const { kinds, oldest: inboxOldest } = this.#inbox.counts();
    const iso = (at: number | null) => (at === null ? null : new Date(at).toISOString());
    const asOf = iso(this.#feed.asOf);
    this.#census.changed(this.#feed.complete);
    const resources: BackStatus['replica']['resources'] = {};
    for (const row of this.#store.db.prepare('SELECT name, complete, next FROM resource').all()) {
      const table = this.#store.tables.get(String(row['name']));
      if (table === undefined) continue;
      const documents = this.#census.of(table.name);
      resources[table.name] = { complete: row['complete'] === 1, rebuilding: row['next'] !== null, documents, asOf };
    }
    const inbox = Object.values(kinds).reduce((sum, count) => sum + count, 0);
    const length = states.queued + states.sending + states.unknown;
    return {
      box: this.#boxes.status,
      clock: { skew: this.#clock.skew },
      queue: { length, oldest, stalled: this.#replay.stalled, states, inbox, inboxKinds: kinds, inboxOldest },
      replica: {
        complete: this.#feed.complete,
        resources,
        feed: { live: this.#feed.live, asOf, epoch: this.#store.meta('epoch') },
        audit: this.#audit.status,
      },
    };
  }
}
