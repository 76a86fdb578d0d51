/** Whom this edge knows, and by what it would know them again: all that identity keeps, opened together. */
import { hkdfSync } from 'node:crypto';
import type { StateStore } from '@larder/sync/client';
import type { Logger } from '../log.ts';
import { GRACE, WARNING } from './grace.ts';
import { createLockout } from './lockout.ts';
import type { Lockout } from './lockout.ts';
import { openPeople } from './people.ts';
import type { People } from './people.ts';
import { createSessions } from './sessions.ts';
import type { Sessions } from './sessions.ts';
import { createVerifier } from './verifier.ts';
import type { Verifier } from './verifier.ts';
import { openVouchings } from './vouchings.ts';
import type { Vouchings } from './vouchings.ts';

export interface Known {
  people: People;
  sessions: Sessions;
  vouchings: Vouchings;
  lockout: Lockout;
  verifier: Verifier;
}

export interface KnownOptions {
  state: StateStore;
  /** The edge's sealing key: what is used here is derived from it. */
  sealKey: Uint8Array;
  clock(): number;
  /** The store's: IANA name. */
  timeZone: string;
  log: Logger;
  /** log2 of scrypt's N; left out: as dear as it should be. */
  cost?: number;
}

export async function openKnown({ state, sealKey, clock, timeZone, log, cost }: KnownOptions): Promise<Known> {
  const keyFor = (use: string) => new Uint8Array(hkdfSync('sha256', sealKey, '', `larder ${use}`, 32));
  const verifier = createVerifier(cost);
  return {
    people: await openPeople(state, keyFor('people'), clock),
    vouchings: await openVouchings({ state, key: keyFor('vouchings'), verifier, clock, timeZone, log }),
    sessions: createSessions(keyFor('sessions')),
    lockout: createLockout(state, keyFor('lockout'), clock),
    verifier,
  };
}

/** In numbers, for the status: nobody's name. */
export interface PeopleFigures {
  /** Whom the cloud has accepted here within the grace period. */
  confirmed: number;
  /** Of these, whose grace ends within two days should the cloud stay away. */
  warned: number;
  /** Whom the cloud has not confirmed for longer: they can only record facts. */
  factsOnly: number;
  /** Who is vouched for now. */
  vouchings: number;
}

/** `now`: ms since 1970, by the edge's clock. */
export function figuresOf({ people, vouchings }: Known, now: number): PeopleFigures {
  const ages = people
    .all()
    .filter(({ accepted }) => accepted > 0)
    .map(({ accepted }) => now - accepted);
  return {
    confirmed: ages.filter((age) => age < GRACE).length,
    warned: ages.filter((age) => age >= WARNING && age < GRACE).length,
    factsOnly: ages.filter((age) => age >= GRACE).length,
    vouchings: vouchings.all().filter(({ id }) => vouchings.get(id) !== null).length,
  };
}
