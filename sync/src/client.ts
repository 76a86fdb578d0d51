/** The back as the front sees it: two threads behind one object. All that crosses the border is in these types. */
import { LarderError } from './errors.ts';
import type { Actor, InboxAnswers, InboxKind, InboxOrder } from './inbox/types.ts';
import type { Fate, LinkState } from './link.ts';
import type { FromReader, FromWriter, ToReader, ToWriter, WorkerOptions } from './messages.ts';
import { startPool } from './priority.ts';
import type { CurrentBox, Doc, Standing, User } from './profile.ts';
import { TagTable } from './tag-table.ts';
import { Calls, errorOf, Thread } from './thread.ts';

/** A request on its way across the border; `search` starts with `?` or is empty. */
export interface Call {
  method: string;
  path: string;
  search: string;
  headers: Readonly<Record<string, string>>;
  body: string | null;
  claims: Doc | null;
  /** What `App.user` made of the request. */
  user: User | null;
}

/** A whole answer: body as text, headers lower-case, hop-by-hop headers already gone. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string;
}

export interface ReplicaAnswer {
  answer: Answer;
  /** When the base beneath this answer was last known to equal the cloud: ms since 1970. */
  asOf: number;
  /** The snapshot's sequence: older than `Tags.generation` of the route's tags means out of date. */
  sequence: number;
}

/** How an entry stands. See the table in queue/states.ts. */
export type OpenState = 'queued' | 'sending' | 'unknown';
export type EntryState = OpenState | 'applied' | 'refused' | 'discarded';

export type Accepted =
  /** The cloud's verdict came within patience: exactly its answer. */
  | { type: 'cloud'; entry: number; answer: Answer }
  /** Durable here, on its way. `answer` shows the document as it will look. */
  | { type: 'queued'; entry: number; state: EntryState; answer: Answer }
  /** Refused by `check`; nothing was kept. */
  | { type: 'refused'; answer: Answer };

export interface AcceptOptions {
  /** How long the caller is willing to wait for the cloud's verdict, ms; 0: not at all. */
  patience: number;
}

/** What the front knows at once, without asking, of what has changed. */
export interface Tags {
  /** Does an entry that the base does not contain yet touch one of these? */
  pending(tags: readonly string[]): boolean;
  /** The sequence of the latest bump of any of these; 0 if there was none. */
  generation(tags: readonly string[]): number;
}

/** Is this box the one that may take writes? See boxes.ts. */
export interface BoxStatus {
  /** `unasked`: the cloud has not said so since the start. `off`: the app keeps no chain of starts. */
  standing: Standing | 'unasked' | 'off';
  /** As the cloud last said. */
  current: CurrentBox | null;
  /** Since when this box is known not to be the current one, ISO 8601; null while it is. */
  since: string | null;
  /** Who let what it holds drain all the same, and when; null: nobody. */
  authorised: { by: string; at: string } | null;
}

export type BoxOrder = 'authorise' | 'take-over';

export interface BackStatus {
  box: BoxStatus;
  clock: {
    /** How far the box's own clock is ahead of the cloud's, ms; null: not known yet. */
    skew: number | null;
  };
  queue: {
    /** Entries that are not settled. */
    length: number;
    /** Acceptance of the oldest of them, ISO 8601. */
    oldest: string | null;
    states: Record<OpenState, number>;
    /** Why the oldest change that could be sent does not get through; null while all is well. */
    stalled: string | null;
    /** What needs a person: refused after a 202, or unknown for good. */
    inbox: number;
    /** The same by kind, and acceptance of the oldest of them, ISO 8601. */
    inboxKinds: Record<InboxKind, number>;
    inboxOldest: string | null;
  };
  replica: {
    /** Every resource is complete. */
    complete: boolean;
    /** `rebuilding`: for a new release of the profile, which may not have an index yet for all that it answers. */
    resources: Record<string, { complete: boolean; rebuilding: boolean; documents: number; asOf: string | null }>;
    feed: { live: boolean; asOf: string | null; epoch: string | null };
    audit: AuditStatus;
  };
}

/** What an audit found of one resource, in documents. */
export interface Found {
  checked: number;
  /** Other here than in the cloud; there and not here; here and not there. All of these were mended. */
  changed: number;
  missing: number;
  extra: number;
  /** They differ, and the profile has no item read (`named`) that could confirm it: left as they are. */
  unconfirmed: number;
}

export interface AuditReport {
  /** When it began, ISO 8601 UTC. */
  at: string;
  ms: number;
  checked: number;
  drifted: number;
  unconfirmed: number;
  resources: Record<string, Found>;
}

export interface AuditStatus {
  /** Counts audits since the start. */
  run: number;
  /** What it is at; `checked` counts documents of all resources. */
  running: { resource: string; checked: number } | null;
  /** The last that came to its end, whenever that was. */
  last: AuditReport | null;
  /** Why the last one since the start did not. */
  failed: string | null;
}

export interface BackEvents {
  fate(fate: Fate): void;
  /** These tags were bumped; `Tags` already says so. */
  tags(tags: readonly string[]): void;
  status(status: BackStatus): void;
  /** The cloud was restored from a backup: nothing that is cached of it is trusted. */
  restored(): void;
  log(level: 'info' | 'warn' | 'error', message: string, detail: Record<string, unknown>): void;
  /** A thread died; the process should end and be started anew (I12). */
  failed(error: Error): void;
}

export interface Back {
  /** Answers a covered route from the replica; null where it cannot. */
  read(call: Call): Promise<ReplicaAnswer | null>;
  /** Takes a write that the profile knows. Rejects with a `LarderError` where it cannot be kept. */
  accept(call: Call, options: AcceptOptions): Promise<Accepted>;
  /**
   * This entry's refusal has gone out on a connection still open. Until the front says so, a refusal is for the inbox as
   * after a 202, so that none is lost with a crash or a caller (I2).
   */
  delivered(entry: number): void;
  /** This user has just signed in at the cloud: what waits for their credential need wait no longer (I5). */
  signedIn(user: string, authorization: string, claims: Doc): void;
  /** A text with every temporary id in it that the cloud has replaced by its own. */
  settledIds(text: string): Promise<string>;
  /** Lists, shows, or deals with what needs a person. Rejects with a `LarderError` where that cannot be. */
  inbox<O extends InboxOrder>(order: O, actor: Actor): Promise<InboxAnswers[O['type']]>;
  /**
   * Lets a box that is not the current one send what it holds (`authorise`), or makes it the current one (`take-over`).
   * Rejects with `LARDER_BOX_*`, or with `LARDER_OFFLINE_WRITE` where the cloud has to know and cannot be told.
   */
  box(order: BoxOrder, by: string): Promise<BoxStatus>;
  /** Tells the back how the link is. `held`: the operator wants nothing sent. */
  link(state: LinkState, held: boolean): void;
  /** Begins an audit of the replica, unless one is under way; its number in `BackStatus.replica.audit.run`. */
  audit(): Promise<number>;
  readonly tags: Tags;
  /**
   * False from when the link comes back until the cloud has shown that it is the one it was. One that was restored from a
   * backup does not show what was acknowledged (I6).
   */
  readonly checked: boolean;
  /** The latest snapshot. */
  readonly status: BackStatus;
  /** Small state with an expiry, for keyv. */
  readonly state: StateStore;
  on<E extends keyof BackEvents>(event: E, listener: BackEvents[E]): void;
  /** Ends both threads; what is under way is left to recovery, as after a crash. */
  stop(): Promise<void>;
}

export interface StateStore {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, expiresAt: number | null): Promise<void>;
  delete(key: string): Promise<boolean>;
  /** Whose keys begin so: for a start, not for a request. */
  list(prefix: string): Promise<[key: string, value: string][]>;
}

export interface BackOptions {
  /** Directory of `edge.db`. */
  data: string;
  /** Absolute path of the profile module; null: a plain proxy. */
  profile: string | null;
  cloud: URL;
  /** The store whose subset is kept; empty without a profile. */
  store: string;
  /** The edge's own credential: the value of an Authorization header; null if it has none. */
  credential: string | null;
  /** Seals stored credentials: 32 bytes. */
  sealKey: Uint8Array;
  /** Entries not settled at the most, before writes are refused. */
  maxQueue: number;
  /** Bytes of their requests at the most. */
  maxQueueBytes: number;
  /** Free bytes on the disk of `data` that no write may take. */
  minFreeBytes: number;
  /** A write that could be sent and has not settled for this long is stuck, ms. */
  stallAfter: number;
  /**
   * How long what has settled is kept, ms: a cloud that was restored is offered again what was applied since. Shorter
   * than the cloud keeps its keys, or what it does still have would be done twice (I2).
   */
  keepSettled: number;
  /** Timeouts of the back's own requests, ms. */
  connectTimeout: number;
  answerTimeout: number;
  /** When the replica is audited, as a cron expression in local time; null: never by itself. */
  auditSchedule: string | null;
}

/** Starts both threads; resolves when they are ready. Rejects with a `LarderError` where they cannot be. */
export async function startBack(options: BackOptions): Promise<Back> {
  const client = new BackClient();
  await startPool();
  try {
    await client.start(options);
  } catch (error) {
    await client.stop();
    throw error;
  }
  return client;
}

class BackClient implements Back {
  readonly tags = new TagTable();
  readonly #writes = new Calls<Accepted>();
  readonly #reads = new Calls<ReplicaAnswer | null>();
  readonly #states = new Calls<string | undefined>();
  readonly #texts = new Calls<string>();
  readonly #inboxes = new Calls<InboxAnswers[InboxOrder['type']]>();
  readonly #audits = new Calls<number>();
  readonly #boxes = new Calls<BoxStatus>();
  readonly #listeners: { [E in keyof BackEvents]: BackEvents[E][] } = {
    fate: [],
    tags: [],
    status: [],
    restored: [],
    log: [],
    failed: [],
  };
  #writer: Thread<ToWriter, FromWriter> | null = null;
  #reader: Thread<ToReader, FromReader> | null = null;
  #status: BackStatus | null = null;
  #reachable = false;
  #contact = 0;
  #checked = true;

  async start(options: BackOptions): Promise<void> {
    const workerData: WorkerOptions = { ...options, cloud: options.cloud.href };
    // Side by side: most of a start is loading code.
    this.#writer = new Thread('writer.ts', workerData, (message) => this.#fromWriter(message));
    this.#reader = new Thread('reader.ts', workerData, (message) => this.#fromReader(message));
    const [writing, reading] = [this.#watched(this.#writer), this.#watched(this.#reader)];
    void writing.then(
      () => this.#reader?.tell({ type: 'open' }),
      () => undefined,
    );
    await Promise.all([writing, reading]);
  }

  get checked(): boolean {
    return this.#checked || !this.#reachable;
  }

  get status(): BackStatus {
    if (this.#status === null) throw new Error('the back has not started');
    return this.#status;
  }

  readonly state: StateStore = {
    get: (key) => this.#states.call((id) => this.#tellWriter({ type: 'state-get', id, key })),
    set: async (key, value, expiresAt) => {
      await this.#states.call((id) => this.#tellWriter({ type: 'state-set', id, key, value, expiresAt }));
    },
    delete: async (key) =>
      (await this.#states.call((id) => this.#tellWriter({ type: 'state-delete', id, key }))) !== undefined,
    list: async (prefix) => {
      const listed = await this.#states.call((id) => this.#tellWriter({ type: 'state-list', id, prefix }));
      return JSON.parse(listed ?? '[]') as [string, string][];
    },
  };

  read(call: Call): Promise<ReplicaAnswer | null> {
    return this.#reads.call((id) => this.#reader?.tell({ type: 'read', id, call }));
  }

  accept(call: Call, options: AcceptOptions): Promise<Accepted> {
    return this.#writes.call((id) => this.#tellWriter({ type: 'accept', id, call, options }));
  }

  settledIds(text: string): Promise<string> {
    return this.#texts.call((id) => this.#reader?.tell({ type: 'settled-ids', id, text }));
  }

  inbox<O extends InboxOrder>(order: O, actor: Actor): Promise<InboxAnswers[O['type']]> {
    const answer = this.#inboxes.call((id) => this.#tellWriter({ type: 'inbox', id, order, actor }));
    // The writer answers an order with what belongs to its type.
    return answer as Promise<InboxAnswers[O['type']]>;
  }

  audit(): Promise<number> {
    return this.#audits.call((id) => this.#tellWriter({ type: 'audit', id }));
  }

  box(order: BoxOrder, by: string): Promise<BoxStatus> {
    return this.#boxes.call((id) => this.#tellWriter({ type: 'box', id, order, by }));
  }

  delivered(entry: number): void {
    this.#tellWriter({ type: 'delivered', entry });
  }

  signedIn(user: string, authorization: string, claims: Doc): void {
    this.#tellWriter({ type: 'signed-in', user, authorization, claims });
  }

  link(state: LinkState, held: boolean): void {
    const reachable = state !== 'offline' && !held;
    if (reachable && !this.#reachable) [this.#contact, this.#checked] = [this.#contact + 1, false];
    this.#reachable = reachable;
    this.#tellWriter({ type: 'link', state, held, contact: this.#contact });
  }

  on<E extends keyof BackEvents>(event: E, listener: BackEvents[E]): void {
    this.#listeners[event].push(listener);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#reader?.stop({ type: 'stop' }), this.#writer?.stop({ type: 'stop' })]);
    this.#failCalls(new LarderError('LARDER_INTERNAL', 'The edge is stopping.'));
  }

  #tellWriter(message: ToWriter): void {
    this.#writer?.tell(message);
  }

  /** A thread that dies takes the process with it, in time: nothing may hang on it until then. */
  #watched(thread: { readonly ready: Promise<void>; readonly died: Promise<Error> }): Promise<void> {
    void thread.died.then((error) => {
      this.#failCalls(error);
      for (const listener of this.#listeners.failed) listener(error);
    });
    return thread.ready;
  }

  #failCalls(error: Error): void {
    const all = [this.#writes, this.#reads, this.#states, this.#inboxes, this.#audits, this.#texts, this.#boxes];
    for (const calls of all) calls.failAll(error);
  }

  #fromWriter(message: FromWriter): void {
    switch (message.type) {
      case 'ready':
        this.tags.load(message.tags, message.opened);
        this.#status = message.status;
        return;
      case 'bump':
        this.tags.apply(message.bump);
        for (const listener of this.#listeners.tags) listener(message.bump.tags);
        return;
      case 'status':
        this.#status = message.status;
        for (const listener of this.#listeners.status) listener(message.status);
        return;
      case 'checked':
        if (message.contact === this.#contact) this.#checked = message.checked;
        return;
      case 'restored':
        for (const listener of this.#listeners.restored) listener();
        return;
      case 'fate':
        for (const listener of this.#listeners.fate) listener(message.fate);
        return;
      case 'log':
        for (const listener of this.#listeners.log) listener(message.level, message.message, message.detail);
        return;
      case 'accepted':
        return this.#writes.resolve(message.id, message.accepted);
      case 'inbox':
        return this.#inboxes.resolve(message.id, message.answer);
      case 'inbox-failed':
        return this.#inboxes.reject(message.id, errorOf(message.error));
      case 'state':
        return this.#states.resolve(message.id, message.value);
      case 'auditing':
        return this.#audits.resolve(message.id, message.run);
      case 'box':
        return this.#boxes.resolve(message.id, message.box);
      case 'box-failed':
        return this.#boxes.reject(message.id, errorOf(message.error));
      case 'failed':
        return this.#writes.reject(message.id, errorOf(message.error));
      case 'state-failed':
        return this.#states.reject(message.id, errorOf(message.error));
      case 'unusable':
      case 'stopped':
        return;
    }
  }

  #fromReader(message: FromReader): void {
    if (message.type === 'answer') return this.#reads.resolve(message.id, this.#aged(message.answer));
    if (message.type === 'settled-ids') return this.#texts.resolve(message.id, message.text);
    if (message.type === 'settled-ids-failed') return this.#texts.reject(message.id, errorOf(message.error));
    if (message.type === 'failed') this.#reads.reject(message.id, errorOf(message.error));
  }

  /** An idle feed's position is not written down each time: the status knows it better than the database. */
  #aged(answer: ReplicaAnswer | null): ReplicaAnswer | null {
    const asOf = this.#status?.replica.feed.asOf;
    if (answer === null || typeof asOf !== 'string') return answer;
    return { ...answer, asOf: Math.max(answer.asOf, Date.parse(asOf)) };
  }
}

export { loadProfile } from './load-profile.ts';
