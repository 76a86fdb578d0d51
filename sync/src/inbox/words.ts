/** The inbox in words, for the person who works it off: why an entry is there, and what each choice will do. */
import type { Conflict, Json } from '../profile.ts';
import type { QueuedEntry } from '../queue/entries.ts';
import { resOf, wordsOf } from '../request.ts';
import type { InboxChoice } from './types.ts';

/** Why it is there. */
export function reasonOf(entry: QueuedEntry, conflict: Conflict | null): string {
  switch (entry.inbox) {
    case 'unknown':
      return 'It may have been applied: the answer was lost, and nothing but a look into the app can tell.';
    case 'key-mismatch':
      return 'The cloud knows its key for another request. That must not happen: tell whoever keeps this app.';
    case 'orphaned':
      return `It builds on ${entry.orphanOf === null ? 'a change' : `#${entry.orphanOf}`} that was refused. ${saidBy(entry)}`;
    case 'conflict':
      return conflict === null ? saidBy(entry) : conflictWords(conflict);
    case 'refused':
    case null:
      return saidBy(entry);
  }
}

function saidBy({ answer, state }: QueuedEntry): string {
  if (answer === null) return state === 'applied' ? 'It was applied.' : 'The cloud has not said anything about it.';
  return `The cloud said: ${wordsOf(resOf(answer))}`;
}

function conflictWords({ type, fields, by, at }: Conflict): string {
  const who = by === null ? 'Somebody else' : by;
  const when = at === null ? '' : ` (${at})`;
  if (type === 'edit-of-deleted') return `${who} has deleted it${when}.`;
  const each = fields.map(({ field, saw, current, wanted }) =>
    type === 'delete-of-edited'
      ? `${field} was ${show(saw)} and is ${show(current)}`
      : `${field} was ${show(saw)}, is ${show(current)}, and should become ${show(wanted)}`,
  );
  const what = type === 'delete-of-edited' ? 'has changed what should be deleted' : 'has changed the same';
  return `${who} ${what}${when}: ${each.join('; ')}.`;
}

const show = (value: Json) => (value === null ? 'nothing' : JSON.stringify(value));

/** What may be done with it, and what that will do. */
export function choicesOf(entry: QueuedEntry, conflict: Conflict | null, dependants: number): InboxChoice[] {
  if (entry.inbox === null) return [];
  if (entry.inbox === 'unknown')
    return [
      { action: 'decide', effect: 'Applied: it counts as done, and is not sent again. Say so if the app shows it.' },
      { action: 'decide', effect: 'Not applied: it is sent again. If it was applied after all, it is there twice.' },
    ];
  const others = dependants === 0 ? '' : ` The ${dependants} that went with it can be tried again with it.`;
  const retry: InboxChoice = { action: 'retry', effect: `${retryWords(conflict)}${others}` };
  // A fact has happened: it is countered by another document, never edited or discarded.
  if (entry.kind === 'fact') return [retry];
  const stay =
    dependants === 0 ? '' : ` The ${dependants} that went with it stay in the inbox, or are discarded with it.`;
  return [
    retry,
    { action: 'edit', effect: `Sends another version of it, as a new change.${others}` },
    { action: 'discard', effect: `Gives it up. Nothing of it shows any more.${stay}` },
  ];
}

function retryWords(conflict: Conflict | null): string {
  if (conflict === null) return 'Sends it again, as a new change.';
  if (conflict.type === 'edit-of-deleted') return 'Sends it again, which will be refused unless it is there again.';
  if (conflict.type === 'delete-of-edited') return 'Deletes it as it is now.';
  const each = conflict.fields.map(({ field, current, wanted }) => `${field} ${show(current)} becomes ${show(wanted)}`);
  return `Sends it again, knowing what is there now: ${each.join('; ')}.`;
}
