/**
 * One box at a time: the chain of this edge's starts, which the cloud keeps. Each start has a random id; before anything
 * is sent, at each contact, the cloud is told of it and of those before it in this directory. Where the cloud's current
 * start is not among them, this is a fork (a restored backup, a copied disk, another box); where another has followed
 * it, it is superseded. Both take no new writes. What they hold stays here until an authorised person lets it drain, or
 * makes this box the current one: then nobody can say what of it another copy has sent, so all of it is of unknown
 * outcome (I2).
 *
 *   unasked ──▶ current ◀── take over ── fork, superseded ── authorise ──▶ the same, draining
 */
import { randomUUID } from 'node:crypto';
import type { BoxStatus } from './client.ts';
import { UnexpectedAnswer, type Cloud } from './cloud.ts';
import { messageOf } from './database.ts';
import { LarderError } from './errors.ts';
import { CloudFault } from './fault.ts';
import type { LinkState } from './link.ts';
import { Pause, retryDelay } from './pause.ts';
import type { CurrentBox, Standing } from './profile.ts';
import { resOf } from './request.ts';
import type { Store } from './store.ts';

export interface BoxesParts {
  store: Store;
  cloud: Pick<Cloud, 'ask'>;
  /** The edge's own credential; without one the cloud cannot tell whose start it is. */
  credential: string | null;
  /** What people call this machine. */
  name: string;
  /** The edge's clock, ms since 1970. */
  now(): number;
  /** 0 to 1, for jitter. */
  random(): number;
  /** How this box stands has changed. */
  moved(): void;
  /** It may send. */
  opened(): void;
  log(level: 'info' | 'warn' | 'error', message: string, detail?: Record<string, unknown>): void;
}

/** What lasts over a restart; in `meta`. */
interface Kept {
  /** Starts that the cloud may know, the newest first. */
  starts: string[];
  /** Null: not asked yet. */
  standing: Standing | null;
  current: CurrentBox | null;
  /** Since when this box is not the current one, ISO 8601. */
  since: string | null;
  authorised: { by: string; at: string } | null;
}

const META = 'box';
const MOST_STARTS = 100;
/** A box that has been superseded while the link is up finds out within this, ms. */
const ASK_AGAIN = 60_000;
/** A person waits for it, ms. */
const TAKE_OVER_PATIENCE = 4000;
/** The cloud knows no such edge any more, or nothing of starts. */
const UNKNOWN_THERE = new Set([401, 403, 404, 405]);

export class Boxes {
  readonly #parts: BoxesParts;
  readonly #id = randomUUID();
  #kept: Kept;
  /** The cloud has said how this start stands since the link came back. */
  #confirmed = false;
  /** The app has no such chain, or not for this edge. */
  #off: boolean;
  #reachable = false;
  #failures = 0;
  readonly #pause = new Pause();
  #attempt = new AbortController();
  /** One question at a time. */
  #telling: Promise<unknown> = Promise.resolve();

  constructor(parts: BoxesParts) {
    this.#parts = parts;
    this.#kept = keptOf(parts.store.meta(META));
    this.#off = parts.store.app.boxes === undefined || parts.credential === null;
    // Another copy of this directory may be draining as well.
    if (this.#kept.authorised !== null) this.#keep(this.#kept, () => this.#doubt());
    if (!this.#off) void this.#run();
  }

  /** Why nothing may be sent from here; null: all may. */
  get barrier(): string | null {
    if (this.#isOther && this.#kept.authorised === null) return `this box is not the current one: ${this.#whichOne}`;
    if (this.#off || this.#confirmed) return null;
    return 'the cloud has not said that this box is the current one';
  }

  /** Throws where this box takes no new writes: `LARDER_BOX_NOT_CURRENT`. */
  admit(): void {
    if (this.#isOther) throw new LarderError('LARDER_BOX_NOT_CURRENT', this.#whichOne);
  }

  get status(): BoxStatus {
    const { standing, current, since, authorised } = this.#kept;
    if (this.#off && !this.#isOther) return { standing: 'off', current: null, since: null, authorised: null };
    return { standing: standing ?? 'unasked', current, since, authorised };
  }

  link(state: LinkState, held: boolean): void {
    const reachable = state !== 'offline' && !held;
    if (reachable === this.#reachable) return;
    this.#reachable = reachable;
    this.#failures = 0;
    if (!reachable) {
      this.#confirmed = false;
      this.#attempt.abort();
    }
    this.#pause.end();
  }

  /** An authorised person lets what is held here go to the cloud. Throws `LARDER_BOX_NOT_HELD`, `LARDER_BOX_SENDING`. */
  authorise(by: string): BoxStatus {
    const { store, now, log, moved, opened } = this.#parts;
    if (!this.#isOther) throw new LarderError('LARDER_BOX_NOT_HELD');
    if (this.#kept.authorised !== null) return this.status;
    const authorised = { by, at: new Date(now()).toISOString() };
    this.#keep({ ...this.#kept, authorised }, () => this.#doubt());
    log('warn', 'what this box holds may drain', {
      by,
      entries: store.entries.openCount(),
      current: this.#kept.current,
    });
    moved();
    opened();
    return this.status;
  }

  /**
   * An authorised person makes this box the current one. Rejects with `LARDER_BOX_NOT_HELD` where there is nothing to take
   * over, with `LARDER_OFFLINE_WRITE` where the cloud does not answer: then it is as it was.
   */
  async takeOver(by: string): Promise<BoxStatus> {
    if (this.#off) throw new LarderError('LARDER_BOX_NOT_HELD');
    // Before the cloud knows: a crash in between leaves nothing to be sent without doubt (I2).
    if (this.#kept.standing !== 'current' && this.#kept.authorised === null)
      this.#keep(this.#kept, () => this.#doubt());
    this.#parts.log('warn', 'this box is to be the current one', { by });
    try {
      await this.#tell(true, AbortSignal.timeout(TAKE_OVER_PATIENCE));
    } catch (error) {
      throw new LarderError('LARDER_OFFLINE_WRITE', '', { cause: error });
    }
    return this.status;
  }

  stop(): void {
    this.#pause.stop();
    this.#attempt.abort();
  }

  get #isOther(): boolean {
    return this.#kept.standing === 'fork' || this.#kept.standing === 'superseded';
  }

  get #whichOne(): string {
    const { current, since } = this.#kept;
    return `That is "${current?.box ?? 'another'}", started at ${current?.at ?? 'a time unknown'} (found at ${since}).`;
  }

  async #run(): Promise<void> {
    while (!this.#pause.stopped) {
      if (!this.#reachable) {
        await this.#pause.wait(null);
        continue;
      }
      this.#attempt = new AbortController();
      try {
        await this.#tell(false, this.#attempt.signal);
        this.#failures = 0;
      } catch (error) {
        this.#failed(error);
      }
      if (this.#reachable) await this.#pause.wait(this.#delay());
    }
  }

  #tell(takeOver: boolean, signal: AbortSignal): Promise<void> {
    const told = this.#telling.then(() => this.#tellNow(takeOver, signal));
    this.#telling = told.catch(() => undefined);
    return told;
  }

  async #tellNow(takeOver: boolean, signal: AbortSignal): Promise<void> {
    const { store, cloud, credential, name } = this.#parts;
    const { boxes } = store.app;
    if (boxes === undefined || this.#pause.stopped) return;
    // Durable before the cloud knows of it: what starts here next must be able to say that it follows this one.
    if (this.#kept.starts[0] !== this.#id)
      this.#keep({ ...this.#kept, starts: [this.#id, ...this.#kept.starts].slice(0, MOST_STARTS + 1) });
    const [id, ...previous] = this.#kept.starts;
    const answer = await cloud.ask(
      boxes.tell({ id: id ?? this.#id, box: name, previous, takeOver }),
      credential,
      signal,
    );
    if (this.#pause.stopped) return;
    if (UNKNOWN_THERE.has(answer.status)) return this.#unknownThere(answer.status, takeOver);
    if (answer.status !== 200) throw new UnexpectedAnswer(answer);
    this.#take(boxes.read(resOf(answer)));
  }

  #unknownThere(status: number, takeOver: boolean): void {
    if (takeOver) throw new Error(`the cloud answered ${status}`);
    if (!this.#off) this.#parts.log('info', 'the cloud keeps no chain of starts for this edge', { status });
    this.#off = true;
    this.#confirm();
  }

  #take({ standing, current }: { standing: Standing; current: CurrentBox }): void {
    const { log, now, moved } = this.#parts;
    const before = this.#kept;
    this.#off = false;
    const isOther = standing !== 'current';
    const since = isOther ? (before.since ?? new Date(now()).toISOString()) : null;
    const kept = { ...before, standing, current, since, authorised: isOther ? before.authorised : null };
    if (JSON.stringify(kept) !== JSON.stringify(before)) this.#keep(kept);
    if (standing !== before.standing) {
      if (isOther)
        log('error', 'this box is not the current one of its edge: it takes no writes', { standing, current });
      else log('info', 'this box is the current one of its edge');
      moved();
    }
    this.#confirm();
  }

  #confirm(): void {
    this.#confirmed = this.#reachable;
    if (this.barrier === null) this.#parts.opened();
  }

  /** In the transaction under way. Throws where something is being sent: its own answer says best what became of it. */
  #doubt(): void {
    const { entries } = this.#parts.store;
    if (entries.counts().states.sending > 0) throw new LarderError('LARDER_BOX_SENDING');
    entries.doubt();
  }

  #keep(kept: Kept, also: () => void = () => undefined): void {
    const { store } = this.#parts;
    store.commitAs('box', () => {
      store.setMeta(META, JSON.stringify(kept));
      also();
    });
    this.#kept = kept;
  }

  #failed(error: unknown): void {
    if (this.#attempt.signal.aborted) return;
    this.#failures += 1;
    // The link knows of those already.
    if (error instanceof CloudFault) return;
    this.#parts.log('warn', 'the cloud could not be told of this start', { error: messageOf(error) });
  }

  #delay(): number {
    if (this.#confirmed) return ASK_AGAIN;
    return retryDelay(this.#failures, this.#parts.random());
  }
}

function keptOf(text: string | null): Kept {
  const none: Kept = { starts: [], standing: null, current: null, since: null, authorised: null };
  if (text === null) return none;
  const kept = JSON.parse(text) as Kept;
  // That it was the current one says nothing of this start.
  return kept.standing === 'current' ? { ...none, starts: kept.starts } : kept;
}
