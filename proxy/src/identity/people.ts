/**
 * Everybody whom the cloud has accepted through this edge: its last word on them, and when that was. What a person may
 * do while the cloud is away follows from nothing else (I8).
 */
import type { StateStore } from '@larder/sync/client';
import type { Doc, Res } from '@larder/sync/profile';
import { FACTS } from './grace.ts';
import { openSealedTable } from './sealed-table.ts';
import type { SealedTable } from './sealed-table.ts';

export interface Pin {
  /** A hash of the device's secret: on another device this PIN is no PIN. */
  device: string;
  verifier: string;
  /** The bearer token of the session in which it was set. */
  token: string;
  /** Guesses since the last right one. */
  wrong: number;
}

export interface Person {
  id: string;
  /** What the cloud last said of them, and when: ms since 1970 by the cloud's clock. */
  claims: Doc;
  saidAt: number;
  /** When the cloud last accepted their credential, by the edge's clock; 0: not that we know. */
  accepted: number;
  /** What was issued up to then counts no more: tokens by the cloud's clock, the edge's own sessions by the edge's. */
  revokedAt: number;
  sessionsFrom: number;
  /** How they sign in; `answer` is the cloud's, without its token. */
  signIn: { name: string; verifier: string; answer: Res } | null;
  pins: Pin[];
}

/** What the cloud says of a person. */
export interface Word {
  id: string;
  claims: Doc;
  /** ms since 1970, by the cloud's clock. */
  saidAt: number;
}

export interface People {
  get(id: string): Person | undefined;
  byName(name: string): Person | undefined;
  all(): Person[];
  /** Sessions of this edge from before are over: the cloud has been there long enough to sign in again. ms since 1970. */
  readonly settledAt: number;
  settle(): Promise<void>;
  /** Raised whenever somebody may do less, or something else, than before. */
  readonly age: number;
  /** The cloud has accepted a credential of theirs. Durable within minutes: a crash costs grace, and gives none. */
  accept(word: Word): Promise<void>;
  /** The cloud has let them in by name and password. */
  signedIn(word: Word, signIn: NonNullable<Person['signIn']>): Promise<void>;
  /** Asked about them, the cloud said this. It confirms no credential. */
  say(word: Word): Promise<void>;
  /**
   * The cloud accepts them no longer: whatever was issued up to `saidAt` is void, and so is what lets them in here.
   */
  revoke(word: Word): Promise<void>;
  /** Their password is another one than the one kept here. */
  forgetSignIn(id: string): Promise<void>;
  setPins(id: string, pins: Pin[]): Promise<void>;
  /** The clock went back, by the cloud's word: no acceptance lies in the future. */
  clampTo(now: number): Promise<void>;
}

const MOST_PEOPLE = 1000;
/** An acceptance is made durable this often, ms. */
const KEEP_EVERY = 5 * 60_000;

export async function openPeople(state: StateStore, key: Uint8Array, clock: () => number): Promise<People> {
  const table = await openSealedTable<Person>(state, 'person', key);
  return new Directory(state, table, clock, Number((await state.get(SETTLED)) ?? 0));
}

const SETTLED = 'identity-settled';

class Directory implements People {
  age = 0;
  settledAt: number;
  readonly #state: StateStore;
  readonly #table: SealedTable<Person>;
  readonly #clock: () => number;
  readonly #byName = new Map<string, string>();
  /** Acceptances as they are on disk. */
  readonly #kept = new Map<string, number>();

  constructor(state: StateStore, table: SealedTable<Person>, clock: () => number, settledAt: number) {
    this.#state = state;
    this.#table = table;
    this.#clock = clock;
    this.settledAt = settledAt;
    for (const person of table.all()) this.#index(person);
  }

  get(id: string): Person | undefined {
    return this.#table.get(id);
  }

  byName(name: string): Person | undefined {
    const id = this.#byName.get(name);
    return id === undefined ? undefined : this.get(id);
  }

  all(): Person[] {
    return this.#table.all();
  }

  async accept(word: Word): Promise<void> {
    const known = this.get(word.id);
    // An old token says nothing of what was revoked after it.
    if (known !== undefined && word.saidAt <= known.revokedAt) return;
    const person = { ...this.#told(word), accepted: this.#clock() };
    const isNews = known === undefined || known.saidAt !== person.saidAt;
    if (isNews || person.accepted - (this.#kept.get(word.id) ?? 0) >= KEEP_EVERY) return this.#keep(person);
    known.accepted = person.accepted;
  }

  async signedIn(word: Word, signIn: NonNullable<Person['signIn']>): Promise<void> {
    await this.#keep({ ...this.#told(word), accepted: this.#clock(), signIn });
  }

  async say(word: Word): Promise<void> {
    const known = this.get(word.id);
    if (known === undefined || word.saidAt < known.saidAt) return;
    if (isSame(known.claims, word.claims)) known.saidAt = word.saidAt;
    // What the edge gave under other rights is over with them.
    else await this.#keep({ ...this.#told(word), sessionsFrom: this.#clock() });
  }

  async revoke({ id, claims, saidAt }: Word): Promise<void> {
    const known = this.get(id);
    if (known !== undefined && known.revokedAt >= saidAt) return;
    const nothing = { accepted: 0, revokedAt: saidAt, sessionsFrom: this.#clock(), signIn: null, pins: [] };
    await this.#keep({ id, claims, saidAt, ...known, ...nothing });
  }

  async forgetSignIn(id: string): Promise<void> {
    const known = this.get(id);
    if (known === undefined) return;
    await this.#keep({ ...known, sessionsFrom: this.#clock(), signIn: null, pins: [] });
  }

  async setPins(id: string, pins: Pin[]): Promise<void> {
    const known = this.get(id);
    if (known !== undefined) await this.#keep({ ...known, pins });
  }

  async settle(): Promise<void> {
    this.settledAt = this.#clock();
    await this.#state.set(SETTLED, String(this.settledAt), null);
  }

  async clampTo(now: number): Promise<void> {
    if (this.settledAt > now) await this.settle();
    for (const person of this.all())
      if (person.accepted > now || person.sessionsFrom > now)
        await this.#keep({
          ...person,
          accepted: Math.min(person.accepted, now),
          sessionsFrom: Math.min(person.sessionsFrom, now),
        });
  }

  /** A person as this word makes them; an older word than the known one changes nothing. */
  #told(word: Word): Person {
    const known = this.get(word.id);
    const fresh = { accepted: 0, revokedAt: 0, sessionsFrom: 0, signIn: null, pins: [] };
    if (known === undefined) return { ...fresh, ...word };
    return word.saidAt < known.saidAt ? known : { ...known, ...word };
  }

  /** In memory at once: what comes next in this turn already sees it. */
  async #keep(person: Person): Promise<void> {
    const known = this.get(person.id);
    if (known?.signIn != null && known.signIn.name !== person.signIn?.name) this.#byName.delete(known.signIn.name);
    if (known === undefined ? person.revokedAt > 0 : standingOf(known) !== standingOf(person)) this.age++;
    const oldest = known === undefined ? this.#oneTooMany() : null;
    this.#index(person);
    const kept = this.#table.set(person.id, person, this.#clock() + FACTS);
    if (oldest !== null) await this.#forget(oldest);
    await kept;
  }

  #index(person: Person): void {
    this.#kept.set(person.id, person.accepted);
    if (person.signIn !== null) this.#byName.set(person.signIn.name, person.id);
  }

  /** I11: the longest unseen goes. Not those revoked lately, with whom the revocation would be forgotten. */
  #oneTooMany(): Person | null {
    const people = this.all();
    if (people.length < MOST_PEOPLE) return null;
    return people.sort((one, other) => lastSeen(one) - lastSeen(other))[0] ?? null;
  }

  async #forget({ id, signIn }: Person): Promise<void> {
    if (signIn !== null) this.#byName.delete(signIn.name);
    this.#kept.delete(id);
    await this.#table.delete(id);
  }
}

/** Does this say what was known already? A token has claims of its own besides. */
const isSame = (known: Doc, said: Doc) =>
  Object.entries(said).every(([name, value]) => JSON.stringify(known[name]) === JSON.stringify(value));

const lastSeen = ({ accepted, sessionsFrom }: Person) => Math.max(accepted, sessionsFrom);

/** What a person's rights depend on, but for the time that passes. */
const standingOf = ({ claims, revokedAt, sessionsFrom }: Person) => JSON.stringify([claims, revokedAt, sessionsFrom]);
