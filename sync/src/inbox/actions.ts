/** What a person does with an entry of the inbox. Each is one transaction, recorded in it, and done once. */
import type { Accept } from '../accept.ts';
import { messageOf } from '../database.ts';
import { LarderError } from '../errors.ts';
import type { Doc, Json, User } from '../profile.ts';
import type { QueuedEntry } from '../queue/entries.ts';
import { next } from '../queue/states.ts';
import type { Settlement } from '../settlement.ts';
import type { Noted, Store } from '../store.ts';
import { uuidv7 } from '../uuid.ts';
import type { Inbox } from './inbox.ts';
import type { ActOrder, Actor, InboxAction, InboxDone } from './types.ts';

export interface ActionParts {
  store: Store;
  inbox: Inbox;
  accept: Accept;
  settlement: Settlement;
  /** The edge's clock, ms since 1970. */
  now(): number;
}

type Order<T extends ActOrder['type']> = Extract<ActOrder, { type: T }>;

export class InboxActions {
  readonly #parts: ActionParts;

  constructor(parts: ActionParts) {
    this.#parts = parts;
  }

  /** Does what is ordered, or says what it did when it was ordered before. Throws a `LarderError` where it cannot be. */
  act(order: ActOrder, actor: Actor): InboxDone {
    const { store, inbox } = this.#parts;
    const said = JSON.stringify(order);
    return store.commitAs('inbox', (noted) => {
      const entry = inbox.entryFor(order.seq, actor);
      const before = inbox.rows.actions(order.seq).find(({ detail }) => detail['order'] === said);
      if (before !== undefined) return before.detail['done'] as unknown as InboxDone;
      assertOpen(entry, inbox.rows.actions(order.seq).at(-1));
      const done = this.#do(entry, order, actor, noted);
      this.#record(entry.seq, done.action, actor, { order: said, done: done as unknown as Json });
      return done;
    });
  }

  #do(entry: QueuedEntry, order: ActOrder, actor: Actor, noted: Noted): InboxDone {
    switch (order.type) {
      case 'retry':
        return this.#retry(entry, order, actor, noted);
      case 'discard':
        return this.#discard(entry, order, actor);
      case 'decide':
        return this.#decide(entry, order, noted);
    }
  }

  /** A new entry with a new key; those that went with it follow it, each as far as its own check lets it. */
  #retry(entry: QueuedEntry, { body, dependants }: Order<'retry'>, actor: Actor, noted: Noted): InboxDone {
    if (entry.inbox === 'unknown') throw notNow('Whether it was applied has to be decided first.');
    if (body !== undefined && entry.kind === 'fact') throw notNow(FACT);
    const done = doneOf(entry, body === undefined ? 'retry' : 'edit');
    this.#again(entry, body, actor, noted, done);
    for (const each of dependants ? this.#open(entry.seq, actor) : [])
      this.#parts.store.part(
        noted,
        (part) => {
          this.#again(each, undefined, actor, part, done);
          this.#record(each.seq, 'retry', actor, { with: entry.seq });
        },
        (error) => void done.left.push({ seq: each.seq, why: messageOf(error) }),
      );
    return done;
  }

  #again(entry: QueuedEntry, body: Json | undefined, actor: Actor, noted: Noted, done: InboxDone): void {
    const { store, inbox, accept, now } = this.#parts;
    const by = actorFor(entry, actor);
    const made = accept.again(
      {
        method: entry.method,
        path: entry.path,
        search: entry.search,
        headers: { ...entry.headers, ...by.headers, 'idempotency-key': uuidv7(now()) },
        body: body === undefined ? this.#renewed(entry) : JSON.stringify(body),
        claims: by.claims,
        user: by.user,
      },
      noted,
    );
    // Who still uses the old temporary ids means the new ones.
    store.supersedeIds(entry.temporary, made.temporary, made.seq);
    store.entries.setInbox(entry.seq, null);
    inbox.rows.setRetriedAs(entry.seq, made.seq);
    done.retried.push({ seq: entry.seq, as: made.seq });
  }

  /** The body of a new attempt. Where the profile has nothing to say, the very bytes of the last. */
  #renewed(entry: QueuedEntry): string | null {
    const { store } = this.#parts;
    const renew = store.app.writes[entry.route]?.renew;
    if (renew === undefined) return entry.body;
    const body = renew(store.rebase.reqOf(entry));
    return body === undefined ? null : JSON.stringify(body);
  }

  /** Its overlay went with the refusal, and that of what built on it: discarding says that nobody wants it any more. */
  #discard(entry: QueuedEntry, { dependants }: Order<'discard'>, actor: Actor): InboxDone {
    if (entry.inbox === 'unknown') throw notNow('Whether it was applied has to be decided first.');
    if (entry.kind === 'fact') throw notNow(FACT);
    const done = doneOf(entry, 'discard');
    this.#giveUp(entry, done);
    for (const each of this.#open(entry.seq, actor)) {
      if (!dependants) {
        done.left.push({ seq: each.seq, why: 'It stays in the inbox.' });
        continue;
      }
      this.#giveUp(each, done);
      this.#record(each.seq, 'discard', actor, { with: entry.seq });
    }
    return done;
  }

  #giveUp(entry: QueuedEntry, done: InboxDone): void {
    next(entry.state, 'discard');
    this.#parts.inbox.rows.setDiscarded(entry.seq);
    done.discarded.push(entry.seq);
  }

  #decide(entry: QueuedEntry, { applied, attempts, ids }: Order<'decide'>, noted: Noted): InboxDone {
    const { store, settlement } = this.#parts;
    if (entry.inbox !== 'unknown') throw notNow('What became of it is known.');
    if (attempts !== entry.attempts) throw notNow('It has been sent again since you looked.');
    const done = doneOf(entry, 'decide');
    store.entries.setInbox(entry.seq, null);
    if (applied) settlement.applied(entry, 'done', null, idsOf(entry, ids), noted);
    else store.entries.move(entry.seq, 'retry');
    return done;
  }

  /** What went to the inbox with it, is still there, and may be dealt with by this actor. */
  #open(seq: number, actor: Actor): QueuedEntry[] {
    const own = (entry: QueuedEntry) => actor.type === 'operator' || actor.manages || entry.user.id === actor.user.id;
    return this.#parts.inbox.rows.dependants(seq).filter((entry) => entry.inbox !== null && own(entry));
  }

  #record(seq: number, action: InboxAction['action'], actor: Actor, detail: InboxAction['detail']): void {
    const who = actor.type === 'operator' ? actor.name : `user ${actor.user.id}`;
    this.#parts.inbox.rows.record(seq, { action, who, at: new Date(this.#parts.now()).toISOString(), detail });
  }
}

const FACT = 'It has happened: it can be tried again, but not changed or discarded. Counter it with another document.';

const notNow = (why: string) => new LarderError('LARDER_CHOICE_INVALID', why);

const doneOf = (entry: QueuedEntry, action: InboxDone['action']): InboxDone => ({
  seq: entry.seq,
  action,
  retried: [],
  discarded: [],
  left: [],
});

function assertOpen(entry: QueuedEntry, last: InboxAction | undefined): void {
  if (entry.inbox !== null) return;
  const by = last === undefined ? '' : `${last.who} did at ${last.at}: ${last.action}.`;
  throw new LarderError('LARDER_ENTRY_DONE', by);
}

interface Acting {
  user: User;
  headers: Record<string, string>;
  claims: Doc | null;
}

/**
 * As whom it is sent again. A fact stays its author's, who held the rights when it happened; a proposal that a manager
 * sends again is the manager's, and judged by their rights. The operator is nobody in the app.
 */
function actorFor(entry: QueuedEntry, actor: Actor): Acting {
  if (actor.type === 'operator' || (entry.kind === 'fact' && actor.user.id !== entry.user.id))
    return { user: entry.user, headers: {}, claims: null };
  const headers = actor.authorization === null ? {} : { authorization: actor.authorization };
  return { user: actor.user, headers, claims: actor.claims };
}

/** The cloud's ids for the temporary ones of an entry that was applied: all of them, or what names them could never be sent. */
function idsOf(entry: QueuedEntry, ids: Record<string, string>): Record<string, string> {
  const missing = entry.temporary.filter((id) => !/^(?!tmp-)./.test(ids[id] ?? ''));
  if (missing.length > 0) throw notNow(`Say which id the cloud gave for ${missing.join(' and ')}.`);
  const foreign = Object.keys(ids).filter((id) => !entry.temporary.includes(id));
  if (foreign.length > 0) throw notNow(`It made no ${foreign.join(' and ')}.`);
  return ids;
}
