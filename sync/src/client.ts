/** The back as the front sees it: two threads behind one object. All that crosses the border is in these types. */
import type { Fate, LinkState } from './link.ts';
import type { Doc, User } from './profile.ts';

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
export type EntryState = 'queued' | 'sending' | 'applied' | 'refused' | 'unknown' | 'discarded';

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

export interface BackStatus {
  queue: {
    /** Entries that are not settled. */
    length: number;
    /** Acceptance of the oldest of them, ISO 8601. */
    oldest: string | null;
    states: Record<EntryState, number>;
    /** What needs a person: refused after a 202, or unknown for good. */
    inbox: number;
  };
  replica: {
    /** Every resource is complete. */
    complete: boolean;
    resources: Record<string, { complete: boolean; documents: number; asOf: string | null }>;
    feed: { live: boolean; asOf: string | null; epoch: string | null };
  };
}

export interface BackEvents {
  fate(fate: Fate): void;
  /** These tags were bumped; `Tags` already says so. */
  tags(tags: readonly string[]): void;
  status(status: BackStatus): void;
  /** A thread died; the process should end and be started anew (I12). */
  failed(error: Error): void;
}

export interface Back {
  /** Answers a covered route from the replica; null where it cannot. */
  read(call: Call): Promise<ReplicaAnswer | null>;
  /** Takes a write that the profile knows. Rejects with a `LarderError` where it cannot be kept. */
  accept(call: Call, options: AcceptOptions): Promise<Accepted>;
  /** Tells the back how the link is. `held`: the operator wants nothing sent. */
  link(state: LinkState, held: boolean): void;
  readonly tags: Tags;
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
  /** Timeouts of the back's own requests, ms. */
  connectTimeout: number;
  answerTimeout: number;
}
