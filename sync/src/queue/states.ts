/**
 * The states of an entry, and what moves it.
 *
 *            ┌──── not-sent, throttled ────┐
 *            ▼                             │
 *   ────▶ queued ───────── send ───────▶ sending ── done ─────▶ applied
 *            │ ▲                           │ ├──── refused ──▶ refused ── discard ─▶ discarded
 *            │ └──── retry ──── unknown ◀──┘ │                    ▲
 *            │          (no-verdict, restart)│                    │
 *            └──────────── orphaned ─────────┴────────────────────┘
 *
 * and back: applied ── restored ─▶ unknown, where the cloud has lost what it had said; queued ── forked ─▶ unknown, where
 * another copy of this box may have sent it.
 *
 * `sending` is durable before the first byte leaves. Back to `queued` goes only a request of which no byte left or one
 * that was throttled; everything else without a verdict is `unknown`.
 */
import type { EntryState } from '../client.ts';

export type EntryEvent =
  /** The request is about to leave. */
  | 'send'
  /** The cloud says that it took effect. */
  | 'done'
  /** The cloud says that it will never take effect. */
  | 'refused'
  /** No byte of it left this box. */
  | 'not-sent'
  /** The cloud did not look at it: come back later, or with another credential. */
  | 'throttled'
  /** Some of it left, and no verdict came. */
  | 'no-verdict'
  /** An unknown one may be sent again: the app honours keys, or `find` says it is not there. */
  | 'retry'
  /** The process starts. */
  | 'restart'
  /** A proposal that it needs was refused. */
  | 'orphaned'
  /** A person gives it up. */
  | 'discard'
  /** The cloud was restored from a backup, or may have been: what it said may not be so any more. */
  | 'restored'
  /** Another copy of this box may have sent it: a person lets it go all the same. */
  | 'forked';

/** Null: cannot happen in this state, and is a fault of ours. */
export const TRANSITIONS: Record<EntryState, Record<EntryEvent, EntryState | null>> = {
  queued: {
    send: 'sending',
    done: null,
    refused: null,
    'not-sent': null,
    throttled: null,
    'no-verdict': null,
    retry: null,
    restart: 'queued',
    orphaned: 'refused',
    discard: null,
    restored: null,
    forked: 'unknown',
  },
  sending: {
    send: null,
    done: 'applied',
    refused: 'refused',
    'not-sent': 'queued',
    throttled: 'queued',
    'no-verdict': 'unknown',
    retry: null,
    restart: 'unknown',
    orphaned: null,
    discard: null,
    restored: null,
    // It is let go only when nothing is under way.
    forked: null,
  },
  unknown: {
    send: null,
    // `find` found what the lost sending did.
    done: 'applied',
    refused: 'refused',
    'not-sent': null,
    throttled: null,
    'no-verdict': 'unknown',
    retry: 'queued',
    restart: 'unknown',
    orphaned: null,
    discard: null,
    restored: null,
    forked: 'unknown',
  },
  // Offered again under its key, it is what the cloud says now.
  applied: { ...settled('applied'), restored: 'unknown' },
  refused: { ...settled('refused'), discard: 'discarded' },
  discarded: settled('discarded'),
};

function settled(state: EntryState): Record<EntryEvent, EntryState | null> {
  return {
    send: null,
    done: null,
    refused: null,
    'not-sent': null,
    throttled: null,
    'no-verdict': null,
    retry: null,
    restart: state,
    orphaned: null,
    discard: null,
    restored: null,
    forked: state,
  };
}

export const isSettled = (state: EntryState): boolean =>
  state === 'applied' || state === 'refused' || state === 'discarded';

/** The next state; throws where the table says that it cannot happen. */
export function next(state: EntryState, event: EntryEvent): EntryState {
  const to = TRANSITIONS[state][event];
  if (to === null) throw new Error(`an entry that is ${state} cannot meet "${event}"`);
  return to;
}
