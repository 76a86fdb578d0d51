/** The inbox as it crosses threads and goes out as JSON: what needs a person, what they may do about it, and who did. */
import type { Conflict, Doc, Json, User } from '../profile.ts';

/**
 * Why a person has to see to an entry.
 *
 * - `refused`: the cloud said no. `conflict`: somebody else's change excludes it.
 * - `orphaned`: what it builds on was refused. `key-mismatch`: the cloud knows its key for another request.
 * - `unknown`: it may have been applied, and nothing but a person can tell.
 */
export type InboxKind = 'refused' | 'conflict' | 'orphaned' | 'key-mismatch' | 'unknown';
export const INBOX_KINDS: readonly InboxKind[] = ['refused', 'conflict', 'orphaned', 'key-mismatch', 'unknown'];

/** Who looks or acts: the operator, or a user of the app, who sees their own unless the profile lets them manage. */
export type Actor =
  | { type: 'operator'; name: string }
  | { type: 'user'; user: User; manages: boolean; authorization: string | null; claims: Doc | null };

export interface InboxItem {
  seq: number;
  kind: InboxKind | null;
  fact: boolean;
  state: string;
  /** The write's name in the profile. */
  route: string;
  method: string;
  path: string;
  user: string;
  /** Accepted and settled, ISO 8601. */
  at: string;
  settledAt: string | null;
  /** One or two sentences. */
  reason: string;
  /** How many entries went to the inbox with it. */
  dependants: number;
}

export interface InboxAction {
  action: 'retry' | 'edit' | 'discard' | 'decide';
  who: string;
  at: string;
  detail: { [field: string]: Json };
}

/** One way to deal with an entry, and in words what it will do. */
export interface InboxChoice {
  action: InboxAction['action'];
  effect: string;
}

export interface InboxDetail extends InboxItem {
  /** How often it was sent. */
  attempts: number;
  key: string;
  search: string;
  body: Json;
  /** What the cloud said; null where it said nothing. */
  answer: { status: number; body: Json } | null;
  conflict: Conflict | null;
  /** Ids that stand for the cloud's until it has given them. */
  temporaryIds: string[];
  orphanOf: number | null;
  retriedAs: number | null;
  waiting: InboxItem[];
  choices: InboxChoice[];
  history: InboxAction[];
}

export interface InboxPage {
  data: InboxItem[];
  /** The `after` of the next page; null: this was the last. */
  next: number | null;
}

export interface ListOrder {
  type: 'list';
  kind?: InboxKind;
  user?: string;
  route?: string;
  /** Also what people have dealt with, as long as it is kept. */
  settled?: boolean;
  after?: number;
  limit: number;
}

export type ActOrder =
  /** `body`: another one than before. `dependants`: those that went with it are tried again, too. */
  | { type: 'retry'; seq: number; body?: Json; dependants: boolean }
  /** `dependants`: proposals that went with it are discarded, too; else they stay in the inbox. */
  | { type: 'discard'; seq: number; dependants: boolean }
  /**
   * `attempts`: as `show` said, for a decision is about the sendings so far: repeated after another one, it must not
   * count for that. `ids`: the cloud's for temporary ones, where it was applied.
   */
  | { type: 'decide'; seq: number; applied: boolean; attempts: number; ids: Record<string, string> };

export type InboxOrder = ListOrder | { type: 'show'; seq: number } | ActOrder;

/** What an action did; repeated, it says the same and does nothing. */
export interface InboxDone {
  seq: number;
  action: InboxAction['action'];
  /** Made by it: entries that are tried again. */
  retried: { seq: number; as: number }[];
  discarded: number[];
  /** Dependants that stay in the inbox, and why. */
  left: { seq: number; why: string }[];
}

export interface InboxAnswers {
  list: InboxPage;
  show: InboxDetail;
  retry: InboxDone;
  discard: InboxDone;
  decide: InboxDone;
}
