/** What crosses between the threads. Everything here survives a structured clone. */
import type {
  AcceptOptions,
  Accepted,
  BackOptions,
  BackStatus,
  BoxOrder,
  BoxStatus,
  Call,
  ReplicaAnswer,
} from './client.ts';
import { LarderError, type ErrorCode } from './errors.ts';
import type { Actor, InboxAnswers, InboxOrder } from './inbox/types.ts';
import type { Fate, LinkState } from './link.ts';
import type { Doc } from './profile.ts';
import type { Bump } from './store.ts';

/** An error on its way to another thread. */
export interface SentError {
  code: ErrorCode | null;
  detail: string;
}

export const sentErrorOf = (error: unknown): SentError =>
  error instanceof LarderError
    ? { code: error.code, detail: error.detail }
    : { code: null, detail: error instanceof Error ? (error.stack ?? error.message) : String(error) };

export type ToWriter =
  | { type: 'accept'; id: number; call: Call; options: AcceptOptions }
  /** `contact` counts how often the link has come back. */
  | { type: 'link'; state: LinkState; held: boolean; contact: number }
  /** This entry's refusal has reached its caller. */
  | { type: 'delivered'; entry: number }
  | { type: 'inbox'; id: number; order: InboxOrder; actor: Actor }
  | { type: 'state-get'; id: number; key: string }
  | { type: 'state-set'; id: number; key: string; value: string; expiresAt: number | null }
  | { type: 'state-delete'; id: number; key: string }
  | { type: 'state-list'; id: number; prefix: string }
  /** The cloud has accepted this user's credential. */
  | { type: 'signed-in'; user: string; authorization: string; claims: Doc }
  | { type: 'audit'; id: number }
  | { type: 'box'; id: number; order: BoxOrder; by: string }
  | { type: 'stop' };

export type FromWriter =
  | { type: 'ready'; tags: [string, number][]; opened: Bump['opened']; status: BackStatus }
  | { type: 'bump'; bump: Bump }
  | { type: 'status'; status: BackStatus }
  /** Since the link came back that often: whether the cloud is known to be the one it was. */
  | { type: 'checked'; contact: number; checked: boolean }
  /** The cloud was restored: nothing cached of it is trusted. */
  | { type: 'restored' }
  | { type: 'fate'; fate: Fate }
  | { type: 'log'; level: 'info' | 'warn' | 'error'; message: string; detail: Record<string, unknown> }
  | { type: 'accepted'; id: number; accepted: Accepted }
  | { type: 'inbox'; id: number; answer: InboxAnswers[InboxOrder['type']] }
  | { type: 'inbox-failed'; id: number; error: SentError }
  | { type: 'state'; id: number; value: string | undefined }
  | { type: 'state-failed'; id: number; error: SentError }
  | { type: 'auditing'; id: number; run: number }
  | { type: 'box'; id: number; box: BoxStatus }
  | { type: 'box-failed'; id: number; error: SentError }
  | { type: 'failed'; id: number; error: SentError }
  /** It cannot start: a profile that cannot be used, a disk that cannot be written. */
  | { type: 'unusable'; error: SentError }
  | { type: 'stopped' };

export type ToReader =
  /** The database is there and up to date. */
  | { type: 'open' }
  | { type: 'read'; id: number; call: Call }
  | { type: 'settled-ids'; id: number; text: string }
  | { type: 'stop' };

export type FromReader =
  | { type: 'ready' }
  | { type: 'answer'; id: number; answer: ReplicaAnswer | null }
  | { type: 'settled-ids'; id: number; text: string }
  | { type: 'settled-ids-failed'; id: number; error: SentError }
  | { type: 'failed'; id: number; error: SentError }
  | { type: 'unusable'; error: SentError }
  | { type: 'stopped' };

/** What both threads are started with. */
export type WorkerOptions = Omit<BackOptions, 'cloud'> & { cloud: string };
