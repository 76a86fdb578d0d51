/** The queue's rows. Nothing here decides; every function runs inside the writer's transaction. */
import type { DatabaseSync } from 'node:sqlite';
import type { Answer, EntryState, OpenState } from '../client.ts';
import type { InboxKind } from '../inbox/types.ts';
import type { Entry, User, Verdict } from '../profile.ts';
import { next, type EntryEvent } from './states.ts';

/** An entry with all that is needed to send it, run it and answer for it. */
export interface QueuedEntry extends Entry {
  kind: 'fact' | 'proposal';
  state: EntryState;
  method: string;
  path: string;
  search: string;
  headers: Record<string, string>;
  /** The bytes that are sent, the same at every attempt. */
  body: string | null;
  /** Of the request as the caller made it: another one under the same key is a mismatch. */
  fingerprint: string;
  overlaid: boolean;
  /** The base contains it, though its verdict has not come: the overlay lets go of it as it settles. */
  marked: boolean;
  attempts: number;
  /** It had been applied in a cloud that was restored since, and is offered again under its key. */
  again: boolean;
  tags: string[];
  /** The cloud's answer, once settled; null, too, where a person said that it was applied. */
  answer: Answer | null;
  settledAt: string | null;
  /** Why a person has to see to it; null: nobody has to. */
  inbox: InboxKind | null;
  /** The temporary ids that its apply made, in order. */
  temporary: string[];
  /** The refused entry that it went to the inbox with. */
  orphanOf: number | null;
  /** What was made of it when it was tried again. */
  retriedAs: number | null;
}

type Later = 'state' | 'tags' | 'overlaid' | 'marked' | 'attempts' | 'again' | 'answer' | 'settledAt';
type OfInbox = 'inbox' | 'temporary' | 'orphanOf' | 'retriedAs';
export type NewEntry = Omit<QueuedEntry, 'seq' | Later | OfInbox>;

/** What a new entry's row says besides. */
const NEW = {
  state: 'queued',
  overlaid: true,
  marked: false,
  attempts: 0,
  again: false,
  tags: [] as string[],
  answer: null,
  settledAt: null,
  inbox: null,
  temporary: [] as string[],
  orphanOf: null,
  retriedAs: null,
} satisfies Pick<QueuedEntry, Later | OfInbox>;

const OPEN_STATES: readonly OpenState[] = ['queued', 'sending', 'unknown'];
/** Unknown all the same, and not for a restored cloud: another copy of this box may have sent it, made the same of it. */
const NEVER_SENT = `attempts = 0 AND (state = 'queued' OR (state = 'unknown' AND again = 0))`;
const OPEN = `('${OPEN_STATES.join(`', '`)}')`;

const proofStatements = (db: DatabaseSync) => ({
  behind: db.prepare('UPDATE entry SET behind = 1 WHERE seq = ?'),
  inDoubt: db.prepare('UPDATE entry SET asked = 0 WHERE seq = ?'),
});

const inboxStatements = (db: DatabaseSync) => ({
  kind: db.prepare('UPDATE entry SET inbox = ? WHERE seq = ?'),
  orphanOf: db.prepare('UPDATE entry SET orphan_of = ? WHERE seq = ?'),
});

/** Only what it changes: after a start that would else be the whole queue, written once more. */
const RESTART = `UPDATE entry SET state = ?1, not_before = 0, asked = iif(?2 = 'sending', 0, asked)
  WHERE state = ?2 AND (state <> ?1 OR not_before <> 0)`;
/** That the cloud had it already proves something only where it was asked. */
const SETTLE = `UPDATE entry SET state = ?1, verdict = ?2, answer = ?3, settled_at = ?4, again = 0,
  asked = iif(?2 = 'already-done', asked, 0) WHERE seq = ?5`;

/** Few are being sent, and of the others the index has the first: nothing here looks at all that waits. */
const SENDING = `state IN ${OPEN} AND state = 'sending'`;
const OLDEST = `SELECT at FROM entry WHERE seq = (SELECT min(seq) FROM (
  SELECT min(seq) AS seq FROM entry WHERE state = 'queued'
  UNION ALL SELECT min(seq) FROM entry WHERE state = 'unknown'
  UNION ALL SELECT min(+seq) FROM entry WHERE ${SENDING}))`;
const firstFree = (
  where: string,
  order: string,
) => `SELECT * FROM (SELECT * FROM entry e WHERE ${where} AND inbox IS NULL
  AND NOT EXISTS (SELECT 1 FROM entry_need n JOIN entry d ON d.seq = n.need WHERE n.seq = e.seq AND d.state IN ${OPEN})
  ORDER BY ${order} LIMIT 1)`;
const FREE = `${firstFree("state = 'queued'", 'seq')} UNION ALL ${firstFree("state = 'unknown'", 'seq')}
  UNION ALL ${firstFree(SENDING, '+seq')} ORDER BY seq LIMIT 1`;

export class Entries {
  readonly #statements;
  readonly #inbox;
  readonly #proof;

  constructor(db: DatabaseSync) {
    this.#inbox = inboxStatements(db);
    this.#proof = proofStatements(db);
    this.#statements = {
      insert: db.prepare(`INSERT INTO entry
        (key, user, user_json, route, kind, release, method, path, search, headers, body, fingerprint, at, size, state, tags)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued', '[]')`),
      byKey: db.prepare('SELECT * FROM entry WHERE user = ? AND key = ?'),
      bySeq: db.prepare('SELECT * FROM entry WHERE seq = ?'),
      effect: db.prepare('UPDATE entry SET tags = ?, made = ?, looked = ?, temporary = ? WHERE seq = ?'),
      tags: db.prepare('UPDATE entry SET tags = ? WHERE seq = ?'),
      documents: db.prepare('UPDATE entry SET made = ?, looked = ? WHERE seq = ?'),
      fault: db.prepare('UPDATE entry SET fault = ? WHERE seq = ?'),
      state: db.prepare('UPDATE entry SET state = ? WHERE seq = ?'),
      attempt: db.prepare('UPDATE entry SET attempts = attempts + 1 WHERE seq = ?'),
      notBefore: db.prepare('UPDATE entry SET not_before = ? WHERE seq = ?'),
      settle: db.prepare(SETTLE),
      rewrite: db.prepare('UPDATE entry SET path = ?, search = ?, body = ? WHERE seq = ?'),
      marked: db.prepare('UPDATE entry SET marked = 1 WHERE seq = ?'),
      landed: db.prepare('UPDATE entry SET overlaid = 0, behind = 0 WHERE seq = ?'),
      need: db.prepare('INSERT OR IGNORE INTO entry_need (seq, need) VALUES (?, ?)'),
      dropNeeds: db.prepare('DELETE FROM entry_need WHERE seq = ?'),
      dropNeed: db.prepare('DELETE FROM entry_need WHERE need = ?'),
      needing: db.prepare(
        `SELECT e.* FROM entry_need n JOIN entry e ON e.seq = n.seq WHERE n.need = ? AND e.state = 'queued'`,
      ),
      // Oldest first, but nothing waits for what it does not need (I3, I4).
      ready: db.prepare(`SELECT e.* FROM entry e WHERE e.state = 'queued' AND e.not_before <= ?
        AND NOT EXISTS (SELECT 1 FROM entry_need n JOIN entry d ON d.seq = n.need WHERE n.seq = e.seq AND d.state IN ${OPEN})
        ORDER BY e.seq LIMIT ?`),
      unknown: db.prepare(
        `SELECT * FROM entry WHERE state = 'unknown' AND inbox IS NULL AND not_before <= ? ORDER BY seq LIMIT ?`,
      ),
      hurry: db.prepare(`UPDATE entry SET not_before = 0 WHERE state IN ${OPEN} AND not_before > 0`),
      hurryUser: db.prepare(
        `UPDATE entry SET not_before = 0 WHERE state IN ('queued', 'unknown') AND not_before > 0 AND user = ?`,
      ),
      applied: db.prepare(`SELECT seq FROM entry WHERE overlaid = 1 AND state = 'applied'`),
      neverSent: db.prepare(`SELECT * FROM entry WHERE ${NEVER_SENT} AND seq > ? ORDER BY seq`),
      notSettled: db.prepare(`SELECT * FROM entry WHERE state IN ('queued', 'unknown') AND seq > ? ORDER BY seq`),
      newestAt: db.prepare('SELECT at FROM entry ORDER BY seq DESC LIMIT 1'),
      overlaid: db.prepare('SELECT seq, tags FROM entry WHERE overlaid = 1'),
      restart: db.prepare(RESTART),
      // What is offered again to a restored cloud is no reason to refuse what comes in.
      openSize: db.prepare(
        `SELECT count(*) AS count, total(size) AS bytes FROM entry WHERE state IN ${OPEN} AND again = 0`,
      ),
      free: db.prepare(FREE),
      openCount: db.prepare(`SELECT count(*) AS n FROM entry WHERE state IN ${OPEN}`),
      openStates: db.prepare(`SELECT state, count(*) AS n FROM entry WHERE state IN ${OPEN} GROUP BY state`),
      oldest: db.prepare(OLDEST),
      waitingRoutes: db.prepare(`SELECT DISTINCT route FROM entry WHERE state IN ${OPEN} ORDER BY route`),
      newest: db.prepare(`SELECT max(release) AS release FROM entry WHERE state IN ${OPEN}`),
      pruneIds: db.prepare('DELETE FROM temporary_id WHERE maker NOT IN (SELECT seq FROM entry)'),
      prune: db.prepare(
        `DELETE FROM entry WHERE overlaid = 0 AND settled_at < ? AND inbox IS NULL AND state NOT IN ${OPEN}`,
      ),
    };
  }

  /** Adds an entry, and returns it as its row says. */
  insert(entry: NewEntry): QueuedEntry {
    const { changes: _, lastInsertRowid } = this.#statements.insert.run(
      entry.key,
      entry.user.id,
      JSON.stringify(entry.user),
      entry.route,
      entry.kind,
      entry.release,
      entry.method,
      entry.path,
      entry.search,
      JSON.stringify(entry.headers),
      entry.body,
      entry.fingerprint,
      entry.at,
      sizeOf(entry),
    );
    return { ...entry, ...NEW, seq: Number(lastInsertRowid) };
  }

  byKey(user: string, key: string): QueuedEntry | null {
    return entryOf(this.#statements.byKey.get(user, key));
  }

  get(seq: number): QueuedEntry {
    const entry = entryOf(this.#statements.bySeq.get(seq));
    if (entry === null) throw new Error(`there is no entry ${seq}`);
    return entry;
  }

  /** Moves an entry along the table of states, and returns it as it then is. */
  move(seq: number, event: EntryEvent): QueuedEntry {
    const entry = this.get(seq);
    const state = next(entry.state, event);
    this.#statements.state.run(state, seq);
    if (event === 'send') this.#statements.attempt.run(seq);
    // It may have had its effect just now: that the cloud has it says no longer since when.
    if (event === 'no-verdict' && entry.state === 'sending') this.#proof.inDoubt.run(seq);
    return { ...entry, state };
  }

  /** `answer` null: nobody but a person says so. */
  settle(
    seq: number,
    event: 'done' | 'refused' | 'orphaned',
    verdict: Verdict | 'orphaned',
    answer: Answer | null,
    at: string,
  ) {
    const state = next(this.get(seq).state, event);
    this.#statements.settle.run(state, verdict, answer === null ? null : JSON.stringify(answer), at, seq);
    this.#statements.dropNeeds.run(seq);
  }

  /** Puts an entry into the inbox, or takes it out. */
  setInbox(seq: number, kind: InboxKind | null): void {
    this.#inbox.kind.run(kind, seq);
  }

  setOrphanOf(seq: number, refused: number): void {
    this.#inbox.orphanOf.run(refused, seq);
  }

  /** What its first run came to: `made` and `looked` as of `setDocuments`. */
  setEffect(seq: number, effect: { tags: string[]; made: string[]; looked: string[]; temporary: string[] }): void {
    const { tags, made, looked, temporary } = effect;
    const values = [tags, made, looked, temporary].map((value) => JSON.stringify(value));
    this.#statements.effect.run(...values, seq);
  }

  setTags(seq: number, tags: string[]): void {
    this.#statements.tags.run(JSON.stringify(tags), seq);
  }

  /** What it made or edited, and all that it looked at or touched: `resource/id`. */
  setDocuments(seq: number, made: string[], looked: string[]): void {
    this.#statements.documents.run(JSON.stringify(made), JSON.stringify(looked), seq);
  }

  /** Flags an entry whose apply threw: it is sent all the same, but not shown. */
  setFault(seq: number, message: string | null): void {
    this.#statements.fault.run(message, seq);
  }

  /** It may be sent again from then on: ms of this process's monotonic clock, for a start ends all delays. */
  setNotBefore(seq: number, at: number): void {
    this.#statements.notBefore.run(at, seq);
  }

  rewrite(seq: number, path: string, search: string, body: string | null): void {
    this.#statements.rewrite.run(path, search, body, seq);
  }

  setMarked(seq: number): void {
    this.#statements.marked.run(seq);
  }

  /** The base contains it: the overlay shows it no longer. */
  setLanded(seq: number): void {
    this.#statements.landed.run(seq);
  }

  /** A need once found stays until it settles: what it had made may have come into the base before its verdict (I3). */
  addNeeds(seq: number, needs: Iterable<number>): void {
    for (const need of needs) this.#statements.need.run(seq, need);
  }

  /** Waiting entries that need this one. */
  needing(seq: number): QueuedEntry[] {
    return entriesOf(this.#statements.needing.all(seq));
  }

  /** Nothing waits for this one any more. */
  forgetNeed(seq: number): void {
    this.#statements.dropNeed.run(seq);
  }

  /** Whatever the cloud says from now on contains it. */
  setBehind(seq: number): void {
    this.#proof.behind.run(seq);
  }

  /** What may be sent now. */
  ready(now: number, limit: number): QueuedEntry[] {
    return entriesOf(this.#statements.ready.all(now, limit));
  }

  /** Those of unknown outcome whose time has come. */
  unknown(now: number, limit: number): QueuedEntry[] {
    return entriesOf(this.#statements.unknown.all(now, limit));
  }

  /** Those after a place in the order of which no byte can have left this box. */
  neverSent(after: number): QueuedEntry[] {
    return entriesOf(this.#statements.neverSent.all(after));
  }

  /** Those after a place in the order that wait or are of unknown outcome. */
  unsettledAfter(after: number): QueuedEntry[] {
    return entriesOf(this.#statements.notSettled.all(after));
  }

  /** Ends all delays: the link is back. */
  hurry(): void {
    this.#statements.hurry.run();
  }

  /** Ends the delays of one user's entries: there is a new credential to send them with. */
  hurryUser(user: string): void {
    this.#statements.hurryUser.run(user);
  }

  /** Those that took effect and that the overlay still shows. */
  applied(): number[] {
    return this.#statements.applied.all().map((row) => Number(row['seq']));
  }

  /** When the newest was accepted, ms since 1970; 0 if there is none. */
  newestAt(): number {
    return Date.parse(String(this.#statements.newestAt.get()?.['at'])) || 0;
  }

  overlaid(): { seq: number; tags: string[] }[] {
    return this.#statements.overlaid
      .all()
      .map((row) => ({ seq: Number(row['seq']), tags: JSON.parse(String(row['tags'])) as string[] }));
  }

  /** How much waits. */
  openSize(): { count: number; bytes: number } {
    const row = this.#statements.openSize.get();
    return { count: Number(row?.['count']), bytes: Number(row?.['bytes']) };
  }

  /** The oldest that is not settled and waits for no other. */
  oldestFree(): QueuedEntry | null {
    return entryOf(this.#statements.free.get());
  }

  openCount(): number {
    return Number(this.#statements.openCount.get()?.['n']);
  }

  counts(): { states: Record<OpenState, number>; oldest: string | null } {
    const states = { queued: 0, sending: 0, unknown: 0 };
    for (const row of this.#statements.openStates.all()) states[row['state'] as OpenState] = Number(row['n']);
    const oldest = this.#statements.oldest.get()?.['at'];
    return {
      states,
      oldest: typeof oldest === 'string' ? oldest : null,
    };
  }

  /** The writes, by the profile's names, that unsettled entries are of. */
  waitingRoutes(): string[] {
    return this.#statements.waitingRoutes.all().map((row) => String(row['route']));
  }

  /** The newest release of the profile that accepted something that still waits; 0 if nothing waits. */
  newestRelease(): number {
    return Number(this.#statements.newest.get()?.['release'] ?? 0);
  }

  /** Forgets what settled before a time and needs nobody any more, and the ids of documents that it had made. */
  prune(before: string): number {
    const forgotten = Number(this.#statements.prune.run(before).changes);
    if (forgotten > 0) this.#statements.pruneIds.run();
    return forgotten;
  }

  /** Nobody knows what of all that has not settled another copy of this box has sent. */
  doubt(): void {
    for (const state of ['queued', 'unknown'] as const) this.#statements.restart.run(next(state, 'forked'), state);
  }

  /** After a start: what was being sent is of unknown outcome, and nobody is waiting on a connection any more. */
  restart(): void {
    for (const state of OPEN_STATES) this.#statements.restart.run(next(state, 'restart'), state);
  }
}

/** About what an entry takes on the disk by itself, bytes. */
export function sizeOf({
  path,
  search,
  headers,
  body,
}: Pick<NewEntry, 'path' | 'search' | 'headers' | 'body'>): number {
  return ROW + path.length + search.length + JSON.stringify(headers).length + Buffer.byteLength(body ?? '');
}

/** Keys, times, tags and indexes of a row. */
const ROW = 500;

type Raw = Record<string, unknown>;

const textOf = (value: unknown) => (typeof value === 'string' ? value : null);
const numberOf = (value: unknown) => (typeof value === 'number' ? value : null);

const entriesOf = (rows: Raw[]): QueuedEntry[] => rows.map((row) => entryOf(row)).filter((entry) => entry !== null);

/** An entry as its row says. */
export function entryOf(row: Raw | undefined): QueuedEntry | null {
  if (row === undefined) return null;
  const answer = row['answer'];
  return {
    seq: Number(row['seq']),
    key: String(row['key']),
    user: JSON.parse(String(row['user_json'])) as User,
    route: String(row['route']),
    kind: row['kind'] as 'fact' | 'proposal',
    release: Number(row['release']),
    method: String(row['method']),
    path: String(row['path']),
    search: String(row['search']),
    headers: JSON.parse(String(row['headers'])) as Record<string, string>,
    body: typeof row['body'] === 'string' ? row['body'] : null,
    fingerprint: String(row['fingerprint']),
    at: String(row['at']),
    state: row['state'] as EntryState,
    overlaid: row['overlaid'] === 1,
    marked: row['marked'] === 1,
    attempts: Number(row['attempts']),
    again: row['again'] === 1,
    tags: JSON.parse(String(row['tags'])) as string[],
    answer: typeof answer === 'string' ? (JSON.parse(answer) as Answer) : null,
    settledAt: textOf(row['settled_at']),
    inbox: textOf(row['inbox']) as InboxKind | null,
    temporary: JSON.parse(String(row['temporary'])) as string[],
    orphanOf: numberOf(row['orphan_of']),
    retriedAs: numberOf(row['retried_as']),
  };
}
