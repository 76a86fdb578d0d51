/** The inbox behind one door: what is asked of it, by whom, and what the status says of it. */
import { InboxActions, type ActionParts } from './actions.ts';
import { Inbox, type InboxParts } from './inbox.ts';
import type { InboxCounts } from './rows.ts';
import type { Actor, InboxAnswers, InboxOrder } from './types.ts';

export class InboxDesk {
  readonly #inbox: Inbox;
  readonly #actions: InboxActions;

  constructor(parts: InboxParts & Omit<ActionParts, 'inbox'>) {
    this.#inbox = new Inbox(parts);
    this.#actions = new InboxActions({ ...parts, inbox: this.#inbox });
  }

  /** Throws a `LarderError` where it cannot be; then nothing was done. */
  answer(order: InboxOrder, actor: Actor): InboxAnswers[InboxOrder['type']] {
    if (order.type === 'list') return this.#inbox.list(order, actor);
    if (order.type === 'show') return this.#inbox.show(order.seq, actor);
    return this.#actions.act(order, actor);
  }

  counts(): InboxCounts {
    return this.#inbox.rows.counts();
  }

  /** Forgets what was done with entries that are forgotten. */
  prune(): void {
    this.#inbox.rows.prune();
  }
}
