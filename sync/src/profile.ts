/**
 * The contract between a business app and the edge.
 *
 * A profile is one module whose default export is `defineApp({...})`: data for what is, synchronous pure functions for
 * what happens. It is the only code of an edge that knows an app (I14). The same profile object is loaded three times:
 * by the front (routes, scopes, cache rules), by the writer thread (check, apply, classify, feed) and by the reader
 * thread (answers), so it must hold no state.
 */

export { temporaryId } from './temporary-id.ts';

export type Json = null | boolean | number | string | Json[] | { [field: string]: Json };
export type Doc = { [field: string]: Json };

/** A request as a profile sees it. Header names are lower-case. */
export interface Req {
  method: string;
  /** Path without query, as the client sent it: `/api/v1/products/42`. */
  path: string;
  /** What the route's `:names` matched, percent-decoded. */
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  headers: Readonly<Record<string, string>>;
  /** Parsed JSON; undefined where there is no body or it is not JSON. */
  body: Json | undefined;
  /** Claims of the bearer token, verified by the keys at `App.keys`; null where there is none or it does not verify. */
  claims: Doc | null;
}

/** An answer as a profile sees or makes it. Header names are lower-case. */
export interface Res {
  status: number;
  headers: Readonly<Record<string, string>>;
  /** Parsed JSON; undefined where there is no body or it is not JSON. */
  body: Json | undefined;
}

/** A request that the back makes of the cloud on its own account. `path` may carry a query. */
export interface Ask {
  method?: string;
  path: string;
  headers?: Readonly<Record<string, string>>;
  body?: Json;
}

/** Who acts. `id` names the person for ever; `store` is the store they work in, null for all of them. */
export interface User {
  id: string;
  store: string | null;
}

/**
 * What the cloud's answer to a write means.
 *
 * - `done`: it took effect. `already-done`: it had before, through this very entry.
 * - `refused`: it did not and will not, sent again as it is.
 * - `in-flight`: an earlier sending of it is still being worked on.
 * - `throttled`: not looked at, come back later. `identity`: not looked at, the credential is not accepted.
 * - `key-mismatch`: its key was used for another request, which must never happen.
 * - `unavailable`: nobody knows (a gateway's error, an app's own crash).
 */
export type Verdict =
  'done' | 'already-done' | 'refused' | 'in-flight' | 'throttled' | 'identity' | 'key-mismatch' | 'unavailable';

/** A write in the queue, as a profile sees it. All of it is fixed when the write is accepted. */
export interface Entry {
  /** Place in the order of acceptance, unique in this edge. */
  seq: number;
  /** The Idempotency-Key, from device to cloud. Unique per acting user. */
  key: string;
  /** The write's name in `App.writes`. */
  route: string;
  /** Release of the profile that accepted it. */
  release: number;
  user: User;
  /** When the edge accepted it: ISO 8601 UTC with milliseconds, from the edge's clock. */
  at: string;
}

/** The values an accepted write needs and that must never change again. */
export interface Fix {
  /** The edge's clock at acceptance, ISO 8601 UTC with milliseconds. */
  now: string;
  /** A new UUIDv7. */
  id(): string;
}

/** A comparison with an indexed field: equal to a value, or within bounds, or one of several. */
export type Match = Json | { gt?: Json; gte?: Json; lt?: Json; lte?: Json } | { in: Json[] };

export interface Query {
  /** Every field named must be listed in the resource's `index`. */
  where?: Record<string, Match>;
  /** Every term must occur, as a substring, in the resource's `search` text. */
  terms?: string[];
  /** Text compares by its UTF-8 bytes. The id field is appended, ascending, where it is not named. */
  order?: [field: string, direction: 'asc' | 'desc'][];
  /** The values of the `order` fields, id included, of the document after which to go on. */
  after?: Json[];
  limit?: number;
}

/** The replica: the base seen through the overlay. */
export interface Reader {
  /** The store whose subset of the cloud's documents this replica holds. */
  readonly store: string;
  get(resource: string, id: string): Doc | null;
  list(resource: string, query: Query): Doc[];
  count(resource: string, query: Query): number;
}

/** The overlay, while one entry is applied to it. Remembers what was read and written: the entry depends on it. */
export interface Writer extends Reader {
  put(resource: string, doc: Doc): void;
  remove(resource: string, id: string): void;
  /**
   * Adds to a number. Commutes with every other `add`, so it binds no entry to another. Where there is no such document
   * `missing` is put first; without that, no effect.
   */
  add(resource: string, id: string, field: string, by: number, missing?: Doc): void;
  /**
   * A temporary id, for apps that choose ids themselves: `temporaryId` of this entry, counted through all that it makes;
   * once the cloud's own is known, that one.
   */
  newId(resource: string): string;
}

/** A kind of document. */
export interface Resource {
  /** The field that holds the id; its value is a string. */
  id: string;
  /** Rises with every change of the document, and over its removal: what is made again under its id counts on. */
  version(doc: Doc): number;
  /** Fields that answers filter or sort by. */
  index: string[];
  /** The text that `Query.terms` looks into, normalised as the app does it. */
  search?(doc: Doc): string;
  /** Asks for a page of all the store's documents, in an order that survives changes; `page` null asks for the first. */
  list(page: string | null, store: string): Ask;
  /** Reads that page; `next` null says that it was the last. */
  page(res: Res): { docs: Doc[]; next: string | null };
  /** Asks for the documents with these ids, a hundred at most; read by `page`. Without it the audit mends nothing. */
  named?(ids: string[], store: string): Ask;
  /** What pages of `list` hold, in short, for the audit; without it, it fetches the pages. `list` is then in id order. */
  digest?: Digests;
}

/** Documents in the order of their ids' UTF-8 bytes. */
export interface Digests {
  /** Asks about the documents from a page of `list` on, as many as the app likes; `page` null: from the first. */
  ask(page: string | null, store: string): Ask;
  /** `through`: id of the last document, null where there is none; `next`: the page that follows, null: it was the end. */
  read(res: Res): { hash: string; through: string | null; next: string | null };
  /** The app's hash of documents. */
  hash(docs: Iterable<Doc>): string;
}

/** What the operator may say over the app's own caching headers. Seconds. */
export interface CacheRule {
  ttl: number;
  staleWhileRevalidate?: number;
  staleIfError?: number;
}

/** A covered or cached GET route. Keys of `App.reads` are `GET /path/:param`. */
export interface Read<U> {
  /** What the answer is made of: `resource` for a list, `resource/id` for a document. */
  tags(req: Req, user: U | null): string[];
  cache?: CacheRule;
  /**
   * Answer from the replica even while the link is up, as long as the feed is live, for credentials that the cloud has
   * lately accepted on this route. The app must judge each request to the route by its credential.
   */
  replicaFirst?: boolean;
  /** The cloud's answer, made from the replica; null where the replica cannot know it (another store's documents). */
  answer?(db: Reader, req: Req, user: U | null): Res | null;
}

/** A write that the edge can take while the cloud is away. Keys of `App.writes` are `POST /path/:param` and so on. */
export interface Write<U> {
  /** A fact has happened and is never refused afterwards; a proposal asks for something. */
  kind: 'fact' | 'proposal';
  /**
   * Run once, when the write comes in: throws `Refusal` where the cloud would refuse, else returns the body that will
   * be sent, with everything filled in that must not change again (ids, times, the values an edit saw).
   */
  check(db: Reader, req: Req, user: U, fix: Fix): Json | undefined;
  /** What the write does to the documents. Pure: run again whenever the base beneath it changes. */
  apply(db: Writer, req: Req, entry: Entry): void;
  /** What the caller is shown while the cloud has not answered; its status is the one the cloud would give. */
  answer(db: Reader, req: Req, entry: Entry): Res;
  /** Ids that the cloud gave, by the `temporaryId`s they replace. */
  result?(res: Res, req: Req, entry: Entry): Record<string, string>;
  /** For apps that do not honour keys: how to look for what an earlier sending did. */
  find?: {
    ask(req: Req, entry: Entry): Ask;
    /**
     * The answer the lost sending got or would have got; null: not there; several: only a person can tell which. Is
     * given answers of 2xx and 404 only.
     */
    read(res: Res, req: Req, entry: Entry): Res | 'several' | null;
    /** Seconds after the sending ended from which on "not there" counts. */
    longestInFlight: number;
  };
  /** The body for a new attempt: without the values its author saw, which `check` fills in anew. Left out: the same. */
  renew?(req: Req): Json | undefined;
}

/** Two people's changes that exclude each other, as a refusal tells it. */
export interface Conflict {
  /** Both set the same field; the document is gone that one would edit; it has changed that one would delete. */
  type: 'same-field' | 'edit-of-deleted' | 'delete-of-edited';
  /** `wanted` null where the whole document is to go; `current` null where it has gone. */
  fields: { field: string; saw: Json; current: Json; wanted: Json }[];
  /** Who made the change that is there now, and when (ISO 8601); null where the app does not say. */
  by: string | null;
  at: string | null;
}

/** What caused a change: one write under one key. */
export interface Cause {
  user: string;
  key: string;
}

/**
 * `tx`: which of the cloud's transactions it is of, whose changes are neighbours. A page is applied piece by piece, each
 * some whole transactions; where a change does not say, the page is one piece.
 */
export type Change = { tx?: string } & (
  | { type: 'put'; resource: string; id: string; version: number; doc: Doc; cause: Cause | null }
  | { type: 'remove'; resource: string; id: string; version: number; cause: Cause | null }
  /** The write under this key is contained in everything up to here. */
  | { type: 'marker'; cause: Cause }
);

export interface Batch {
  /** A new epoch says that the cloud's history was replaced: what was known is to be fetched anew. */
  epoch: string;
  changes: Change[];
  /** Where the next page starts; also given when there was no change. */
  cursor: string;
  more: boolean;
}

/**
 * The ordered stream of the cloud's changes, in the order of their commits: what is asked for after a write was answered
 * contains that write's marker, unless the marker lies before the cursor.
 */
export interface Changes {
  /** Asks for what follows a cursor; null asks only where the stream now ends. */
  ask(cursor: string | null, store: string): Ask;
  /** `restored`: the cloud does not know this cursor (any more). */
  read(res: Res): Batch | 'restored';
  /** The same pages as server-sent events, the `data` of each being one answer's body; idle positions included. */
  live?(cursor: string, store: string): Ask;
}

/**
 * For apps without a feed: what has changed since a mark, and which documents there still are. Deletions are found by
 * comparing keys.
 */
export interface Poll {
  /** Seconds between two polls, and between two comparisons of keys. */
  every: number;
  keysEvery: number;
  /** Asks for a page of the documents of a resource that changed since a mark; mark null asks only for the present one. */
  ask(resource: string, mark: string | null, page: string | null, store: string): Ask;
  /**
   * Reads that page. `mark`: where the next poll begins; counts on a first page only. Whatever is committed later must
   * be at or after it: for equal time stamps, and for clocks that differ, it lies back by an overlap.
   */
  read(res: Res): { docs: Doc[]; next: string | null; mark: string };
  /** Asks for a page of the ids of all the store's documents of a resource, and reads it. */
  keys(resource: string, page: string | null, store: string): Ask;
  readKeys(res: Res): { ids: string[]; next: string | null };
}

/** One start of an edge's process, and those of the same data directory before it, the newest first. */
export interface Start {
  id: string;
  /** What people call the box. */
  box: string;
  previous: string[];
  /** An authorised person makes this box the current one. */
  takeOver: boolean;
}

/** `fork`: it does not follow the current start. `superseded`: it was the current one, and another box has followed. */
export type Standing = 'current' | 'fork' | 'superseded';

/** The box that may take writes for its edge. */
export interface CurrentBox {
  /** Of its start. */
  id: string;
  box: string;
  /** Since when, ISO 8601. */
  at: string;
}

/**
 * The chain of an edge's starts, as the app keeps it: with it, a restored backup, a copied disk and a box that was
 * replaced are found out. Told with the edge's own credential; the same start may be told any number of times.
 */
export interface Boxes {
  tell(start: Start): Ask;
  /** Is given answers of 200 only. */
  read(res: Res): { standing: Standing; current: CurrentBox };
}

/** The credential a write is sent with: the user's own while it lasts, else the edge's, which names the user. */
export type Identity = { type: 'user'; authorization: string } | { type: 'edge'; authorization: string };

/** How the app signs people in: with it, those the edge knows can sign in while the cloud is away. */
export interface SignIn {
  /** `POST /path`. Asked of the cloud whenever it is there. */
  route: string;
  /** Name and password in the request; null: it holds none. Equal names are the same person. */
  read(req: Req): { name: string; password: string } | null;
  /** The bearer token in the cloud's answer; null: it is not that of a success. */
  token(res: Res): string | null;
  /** That answer for somebody with these claims, with another token, which ends at `until` (ISO 8601). */
  answer(res: Res, token: string, until: string, claims: Doc): Res;
}

/** The cloud's word on people, asked for with the edge's own credential. */
export interface Standings {
  /** Asks about users by id, 200 at the most. */
  ask(users: readonly string[]): Ask;
  /**
   * Claims by user, as a token issued now would carry them; who is missing may do nothing in this store. `at`: the
   * cloud's time, ms since 1970.
   */
  read(res: Res): { at: number; claims: Record<string, Doc> };
}

/** Who may vouch, while the cloud is away, for someone whom this edge has never seen. */
export interface Vouching<U> {
  may(user: U): boolean;
  /** Claims of the person vouched for: no more than a part of that user's own rights (I8). */
  claims(user: U, name: string): Doc;
}

/** What the edge needs to know of people beyond their tokens. */
export interface People<U> {
  signIn?: SignIn;
  standings?: Standings;
  vouching?: Vouching<U>;
}

export interface App<U extends User = User> {
  name: string;
  /** Rises when `apply` or a document's shape changes; stands on every entry. */
  release: number;
  /** A path that answers quickly, without credentials, and by which the app proves itself. */
  probe: string;
  /** Is this answer the app's own, and not a portal's or a gateway's? */
  genuine(res: Res): boolean;
  /** Path of the app's public signing keys (a JWK Set), if it signs its tokens. */
  keys?: string;
  user(req: Req): U | null;
  people?: People<U>;
  /** Equal scopes may share answers. */
  scope(user: U | null, req: Req): string;
  classify(req: Req, res: Res): Verdict;
  /**
   * What a refusal says of someone else's change; null: it is refused for another reason. `db` is for what is there now,
   * and may lag behind the refusal.
   */
  conflict?(db: Reader, req: Req, res: Res): Conflict | null;
  /** May this user work off what others have in this store's inbox? Left out: only the operator. Their own, everybody may. */
  manages?(user: U, store: string): boolean;
  /** The app keeps each key's result: a write whose outcome is unknown may be sent again under the same key. */
  honoursKeys: boolean;
  /** The request as it goes to the cloud: plants the key or marker, and the credential. */
  send(req: Req, entry: Entry, identity: Identity): Req;
  resources: Record<string, Resource>;
  reads: Record<string, Read<U>>;
  writes: Record<string, Write<U>>;
  changes?: Changes;
  /** Left out: a copy of a box is not told from the box. */
  boxes?: Boxes;
  /** Where there is no `changes`. With neither, all documents are fetched again and again. */
  poll?: Poll;
  /** Pages and scripts without which the app cannot start: fetched ahead, and kept for when the link is down. */
  shell?: string[];
  /** Path of a JSON array of more of them, for an app whose file names change with what is in them. */
  shellList?: string;
}

/** What a check throws: the answer the cloud would have given. */
export class Refusal extends Error {
  readonly res: Res;
  constructor(res: Res) {
    super(`refused with ${res.status}`);
    this.name = 'Refusal';
    this.res = res;
  }
}

/**
 * Declares an app. Returns it as it is; the type ties the reads' and writes' user to the one that `user` makes.
 * Shape errors are found when an edge loads the profile (`LARDER_PROFILE_INVALID`).
 */
export function defineApp<U extends User>(app: App<U>): App<U> {
  return app;
}
