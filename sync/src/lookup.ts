/**
 * What became of a write whose answer was lost, in an app that does not keep the results of keys: its profile knows how
 * to look for the marker that `send` planted. Never a second sending on a guess (I2).
 *
 * "Not there" counts only once the write's longest time in flight has passed since its sending ended. That is measured by
 * a clock that nobody sets: turned forward, a wall clock would make "not yet there" look like "never" and book twice.
 * What an earlier process sent is counted from the start of this one, which is later.
 */
import type { Answer } from './client.ts';
import type { Cloud } from './cloud.ts';
import type { App, Identity, Res, Write } from './profile.ts';
import type { QueuedEntry } from './queue/entries.ts';
import type { Rebase } from './replica/rebase.ts';
import { resOf } from './request.ts';

export interface LookupParts {
  app: App;
  cloud: Pick<Cloud, 'ask'>;
  rebase: Rebase;
  /** ms, of a clock that nobody sets. */
  uptime(): number;
}

export type Finding =
  /** It took effect, or was refused: this is its answer. */
  | { type: 'found'; res: Res }
  /** It is not there and will not come any more. */
  | { type: 'absent' }
  /** Not there: to be looked for again after so many ms. */
  | { type: 'early'; delay: number }
  /** There is more than one that it could be. */
  | { type: 'several' }
  /** The credential was not accepted. */
  | { type: 'identity' }
  /** No answer to the question. */
  | { type: 'silent' };

const NOT_FOUND = 404;
const UNAUTHENTICATED = 401;

export class Lookup {
  readonly #parts: LookupParts;
  readonly #started: number;
  /** When sendings of this process ended without a verdict, by entry; entries whose outcome is known are gone. */
  readonly #ended = new Map<number, number>();

  constructor(parts: LookupParts) {
    this.#parts = parts;
    this.#started = parts.uptime();
  }

  /** Whether there is a way to look for this entry. */
  knows(entry: QueuedEntry): boolean {
    return this.#findOf(entry) !== undefined;
  }

  /** A sending of this entry has ended without a verdict. */
  sendingEnded(seq: number): void {
    this.#ended.set(seq, this.#parts.uptime());
  }

  /** Nothing has to be remembered of this entry any more. */
  forget(seq: number): void {
    this.#ended.delete(seq);
  }

  /** Looks for it in the cloud. Throws what the cloud's silence or the profile throws. */
  async find(entry: QueuedEntry, identity: Identity): Promise<Finding> {
    const find = this.#findOf(entry);
    if (find === undefined) throw new Error(`the profile has no "find" for "${entry.route}"`);
    const req = this.#parts.rebase.reqOf(entry);
    const ended = this.#ended.get(entry.seq) ?? this.#started;
    const left = ended + find.longestInFlight * 1000 - this.#parts.uptime();
    const answer = await this.#parts.cloud.ask(find.ask(req, entry), identity.authorization);
    if (answer.status === UNAUTHENTICATED) return { type: 'identity' };
    if (!tells(answer)) return { type: 'silent' };
    const res = find.read(resOf(answer), req, entry);
    if (res === 'several') return { type: 'several' };
    if (res !== null) return { type: 'found', res };
    // Asked too early, the answer says nothing of what may still be on its way.
    return left > 0 ? { type: 'early', delay: left } : { type: 'absent' };
  }

  #findOf(entry: QueuedEntry): Write<never>['find'] {
    return this.#parts.app.writes[entry.route]?.find;
  }
}

/** Only an answer to the question says anything: "the app fails" must not be read as "not there". */
const tells = ({ status }: Answer) => (status >= 200 && status < 300) || status === NOT_FOUND;
