/** Wrong guesses, counted over restarts: past a few, each one costs twice the wait of the one before. */
import type { StateStore } from '@larder/sync/client';
import { LarderError } from '@larder/sync/errors';
import { hideBy } from './hide.ts';
import { createKeyv } from './keyv-store.ts';

/** Who guesses, or who is guessed: hidden, for what is typed as a name may be a password. */
export interface Subject {
  key: string;
  /** Wrong guesses that cost no wait. */
  free: number;
}

export interface Lockout {
  /**
   * Counts an attempt before it is made, so that many at once count as many. Rejects with `LARDER_LOCKED_OUT`.
   * Resolves with what takes it back, for an attempt that was right: the first subject is cleared, the others get only
   * this one back, so that nobody clears them by signing in themselves.
   */
  attempt(...subjects: Subject[]): Promise<() => Promise<void>>;
  /** The cloud has let them in: nothing is held against the name. */
  clear(key: string): Promise<void>;
}

interface Count {
  failures: number;
  /** ms since 1970. */
  until: number;
}

const FIRST_WAIT = 60_000;
const LONGEST_WAIT = 3_600_000;
/** Without a guess for so long, all is forgotten, ms. */
const KEEP = 24 * 3_600_000;

/** `secret`: hides who is counted. */
export function createLockout(state: StateStore, secret: Uint8Array, clock: () => number): Lockout {
  const hide = hideBy(secret);
  const counts = createKeyv<Count>(state, 'lockout');
  let turn: Promise<unknown> = Promise.resolve();
  /** One after the other: between reading a count and writing it, nobody else does. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  };
  const countOf = async ({ key }: Subject) => (await counts.get(key)) ?? { failures: 0, until: 0 };
  const keep = async ({ key, free }: Subject, failures: number) => {
    const wait = failures < free ? 0 : Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(failures - free, 20));
    await counts.set(key, { failures, until: clock() + wait }, KEEP);
  };

  const hidden = (subjects: Subject[]) => subjects.map(({ key: name, free }) => ({ key: hide(name), free }));

  async function begin(subjects: Subject[]): Promise<void> {
    const known = await Promise.all(subjects.map(countOf));
    const wait = Math.max(...known.map(({ until }) => until)) - clock();
    if (wait > 0) throw new LarderError('LARDER_LOCKED_OUT', `Try again in ${Math.ceil(wait / 60_000)} min.`);
    for (const [at, subject] of subjects.entries()) await keep(subject, (known[at]?.failures ?? 0) + 1);
  }

  async function takeBack([guessed, ...guessing]: Subject[]): Promise<void> {
    if (guessed !== undefined) await counts.delete(guessed.key);
    for (const subject of guessing) {
      const { failures, until } = await countOf(subject);
      await counts.set(
        subject.key,
        { failures: Math.max(0, failures - 1), until: failures <= subject.free ? 0 : until },
        KEEP,
      );
    }
  }

  return {
    async attempt(...subjects) {
      const counted = hidden(subjects);
      await inTurn(() => begin(counted));
      return () => inTurn(() => takeBack(counted));
    },
    clear: (key) => inTurn(async () => void (await counts.delete(hide(key)))),
  };
}
