/** Vouching: while the cloud is away, a manager lets in somebody whom this edge has never seen, until midnight. */
import { randomInt, randomUUID } from 'node:crypto';
import type { StateStore } from '@larder/sync/client';
import { LarderError } from '@larder/sync/errors';
import type { Doc } from '@larder/sync/profile';
import type { Logger } from '../log.ts';
import { FACTS } from './grace.ts';
import { openSealedTable } from './sealed-table.ts';
import type { Verifier } from './verifier.ts';

export interface Vouching {
  id: string;
  /** Of the person vouched for; what they sign in with. */
  name: string;
  verifier: string;
  /** Who vouched: their rights are what it rests on, and their name is what it goes under. */
  by: string;
  claims: Doc;
  /** ms since 1970, by the edge's clock. */
  from: number;
  until: number;
  /** When and by whom it was ended before its time. */
  ended: { at: number; by: string } | null;
}

export interface Vouchings {
  /** Returns the code to sign in with, which is kept nowhere. Rejects with `LARDER_LOCKED_OUT` where there are too many. */
  begin(by: string, name: string, claims: Doc): Promise<{ vouching: Vouching; code: string }>;
  end(id: string, by: string): Promise<void>;
  /** Null: there is none, or it has ended. */
  get(id: string): Vouching | null;
  byName(name: string): Vouching | null;
  /** All of the last 90 days, newest first: who let in whom. */
  all(): Vouching[];
  /** Raised whenever one is ended. */
  readonly age: number;
}

export interface VouchingsOptions {
  state: StateStore;
  key: Uint8Array;
  verifier: Verifier;
  clock(): number;
  /** IANA name. */
  timeZone: string;
  log: Logger;
}

const MOST_AT_ONCE = 50;

export async function openVouchings(options: VouchingsOptions): Promise<Vouchings> {
  const { clock, log } = options;
  const table = await openSealedTable<Vouching>(options.state, 'vouching', options.key);
  let age = 0;
  const counts = ({ until, ended }: Vouching) => ended === null && clock() < until;
  const all = () => table.all().sort((one, other) => other.from - one.from);
  return {
    async begin(by, name, claims) {
      if (table.all().filter(counts).length >= MOST_AT_ONCE)
        throw new LarderError('LARDER_LOCKED_OUT', 'Too many people are vouched for. End a vouching first.');
      const code = String(randomInt(10 ** 8)).padStart(8, '0');
      const from = clock();
      const vouching: Vouching = {
        id: randomUUID(),
        name,
        by,
        claims,
        from,
        ended: null,
        verifier: await options.verifier.make(code),
        until: nextMidnight(from, options.timeZone),
      };
      await table.set(vouching.id, vouching, from + FACTS);
      log.warn({ vouching: vouching.id, by, until: vouching.until }, 'somebody was vouched for');
      return { vouching, code };
    },
    async end(id, by) {
      const vouching = table.get(id);
      if (vouching === undefined || !counts(vouching)) throw new LarderError('LARDER_NO_SUCH_PERSON');
      age++;
      await table.set(id, { ...vouching, ended: { at: clock(), by } }, vouching.from + FACTS);
      log.warn({ vouching: id, by }, 'a vouching was ended');
    },
    get(id) {
      const vouching = table.get(id);
      return vouching !== undefined && counts(vouching) ? vouching : null;
    },
    byName: (name) => all().find((vouching) => vouching.name === name && counts(vouching)) ?? null,
    all,
    get age() {
      return age;
    },
  };
}

const STEP = 15 * 60_000;

/** When the next day begins there, ms since 1970; every zone's offset is a multiple of a quarter of an hour. */
export function nextMidnight(now: number, timeZone: string): number {
  const days = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
  const today = days.format(now);
  let at = Math.ceil((now + 1) / STEP) * STEP;
  while (days.format(at) === today) at += STEP;
  return at;
}
