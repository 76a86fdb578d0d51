/**
 * The inbox: entries that need a person. Whoever works it off sees why, and what each choice will do; what they do is one
 * transaction with the line that says who did it, so that a crash leaves either all of it or nothing, and saying it again
 * changes nothing.
 */
import { messageOf } from '../database.ts';
import { LarderError } from '../errors.ts';
import type { Conflict } from '../profile.ts';
import type { QueuedEntry } from '../queue/entries.ts';
import { parseJson, resOf } from '../request.ts';
import type { Store } from '../store.ts';
import { InboxRows } from './rows.ts';
import type { Actor, InboxDetail, InboxItem, InboxPage, ListOrder } from './types.ts';
import { choicesOf, reasonOf } from './words.ts';

export interface InboxParts {
  store: Store;
  alarm(message: string, detail: Record<string, unknown>): void;
}

export class Inbox {
  readonly rows: InboxRows;
  readonly #parts: InboxParts;

  constructor(parts: InboxParts) {
    this.#parts = parts;
    this.rows = new InboxRows(parts.store.db);
  }

  list(order: ListOrder, actor: Actor): InboxPage {
    const found = this.rows.list({ ...order, ...ownOf(actor) });
    const page = found.slice(0, order.limit);
    const next = found.length > page.length ? (page.at(-1)?.seq ?? null) : null;
    return { data: page.map((entry) => this.#item(entry, this.#conflictOf(entry))), next };
  }

  show(seq: number, actor: Actor): InboxDetail {
    const entry = this.entryFor(seq, actor);
    const conflict = this.#conflictOf(entry);
    const waiting = this.rows.dependants(seq).filter(({ inbox }) => inbox !== null);
    return {
      ...this.#item(entry, conflict),
      attempts: entry.attempts,
      key: entry.key,
      search: entry.search,
      body: parseJson(entry.body) ?? null,
      answer: entry.answer && { status: entry.answer.status, body: bodyOf(entry.answer.body) },
      conflict,
      temporaryIds: entry.temporary,
      orphanOf: entry.orphanOf,
      retriedAs: entry.retriedAs,
      waiting: waiting.map((each) => this.#item(each, this.#conflictOf(each))),
      choices: choicesOf(entry, conflict, waiting.length),
      history: this.rows.actions(seq),
    };
  }

  /** An entry that is, or was, in the inbox, and that this actor may see. To others it does not exist (I8). */
  entryFor(seq: number, actor: Actor): QueuedEntry {
    const entry = this.rows.get(seq);
    const { user } = ownOf(actor);
    const theirs = entry !== null && (user === undefined || entry.user.id === user);
    if (!theirs || (entry.inbox === null && this.rows.actions(seq).length === 0))
      throw new LarderError('LARDER_ENTRY_UNKNOWN', `There is no #${seq} there.`);
    return entry;
  }

  #item(entry: QueuedEntry, conflict: Conflict | null): InboxItem {
    const { seq, inbox, kind, state, route, method, path, user, at, settledAt } = entry;
    return {
      seq,
      kind: inbox,
      fact: kind === 'fact',
      state,
      route,
      method,
      path,
      user: user.id,
      at,
      settledAt,
      reason: reasonOf(entry, conflict),
      dependants: this.rows.dependants(seq).filter((each) => each.inbox !== null).length,
    };
  }

  #conflictOf(entry: QueuedEntry): Conflict | null {
    if (entry.inbox !== 'conflict' || entry.answer === null) return null;
    const { store, alarm } = this.#parts;
    try {
      return store.app.conflict?.(store.view, store.rebase.reqOf(entry), resOf(entry.answer)) ?? null;
    } catch (error) {
      alarm('the profile cannot read this refusal', { entry: entry.seq, error: messageOf(error) });
      return null;
    }
  }
}

/** Their own, for who may not manage. */
const ownOf = (actor: Actor): { user?: string } =>
  actor.type === 'operator' || actor.manages ? {} : { user: actor.user.id };

/** As JSON where it is that, else as text. */
const bodyOf = (text: string) => parseJson(text) ?? text;
