/** Is the cloud there: evidence in, one state out. See states.ts for the table. */
import { EventEmitter } from 'node:events';
import type { Fate, Fault, LinkState } from '@larder/sync/link';
import { type Clock, createPacer, type Intervals, type Pacer } from './pacer.ts';
import { type Evidence, evidenceOf, type Phase, stateOf, STEPS } from './states.ts';

export interface LinkLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface LinkOptions {
  /** Asks the cloud to prove itself; never rejects. */
  probe(): Promise<Fate>;
  clock: Clock;
  intervals: Intervals;
  /** 0 ≤ x < 1, so that stores cut off together do not come back together. */
  jitter(): number;
  log: LinkLog;
}

/** One entry of the timeline, for the status page. Times are the clock's, ms. */
export interface Passage {
  at: number;
  state: LinkState;
  /** What moved it; null where an answer did. */
  fault: Fault | null;
  /** How long the state before had lasted. */
  after: number;
}

export type LinkListener = (state: LinkState, held: boolean) => void;

export interface Link {
  readonly state: LinkState;
  /** When it entered this state: the clock's ms. */
  readonly since: number;
  /** The operator wants nothing sent, whatever the state. */
  readonly held: boolean;
  readonly heldBy: string | null;
  /** The latest passages, oldest first. */
  readonly timeline: readonly Passage[];
  /** Takes what became of a request to the cloud. */
  report(fate: Fate): void;
  /** A request has waited longer than usual: not a fault yet, but a reason to look. */
  slow(): void;
  hold(by: string): void;
  release(by: string): void;
  /** Called after every change of state or hold; returns how to stop that. */
  on(event: 'change', listener: LinkListener): () => void;
  start(): void;
  stop(): void;
}

/** Passages kept for the status page. */
const TIMELINE = 100;

/** Begins doubtful: nothing is known before the first probe. */
export function createLink(options: LinkOptions): Link {
  return new Machine(options);
}

class Machine implements Link {
  readonly timeline: Passage[] = [];
  readonly #clock: Clock;
  readonly #log: LinkLog;
  readonly #pacer: Pacer;
  readonly #changes = new EventEmitter<{ change: [LinkState, boolean] }>();
  #phase: Phase = 'doubtful';
  #since: number;
  /** When the first good probe after the last outage came: failures begun before speak of an older link. */
  #proven = 0;
  /** When the app last answered a request. */
  #answered = 0;
  #heldBy: string | null = null;

  constructor(options: LinkOptions) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#since = options.clock.now();
    this.#pacer = createPacer({ ...options, judge: (fate) => this.#judge('probe', fate) });
  }

  get state(): LinkState {
    return stateOf(this.#phase);
  }

  get since(): number {
    return this.#since;
  }

  get held(): boolean {
    return this.#heldBy !== null;
  }

  get heldBy(): string | null {
    return this.#heldBy;
  }

  report(fate: Fate): void {
    if (fate.type === 'failed' && this.#isStale(fate.ms)) return;
    this.#judge('request', fate);
  }

  slow(): void {
    this.#take('request-slow', null);
  }

  hold(by: string): void {
    if (by !== this.#heldBy) this.#setHold(by, by);
  }

  release(by: string): void {
    if (this.#heldBy !== null) this.#setHold(null, by);
  }

  on(event: 'change', listener: LinkListener): () => void {
    this.#changes.on(event, listener);
    return () => this.#changes.off(event, listener);
  }

  start(): void {
    this.#pacer.start(this.#phase);
  }

  stop(): void {
    this.#pacer.stop();
  }

  #judge(from: 'request' | 'probe', fate: Fate): void {
    if (from === 'request' && fate.type === 'answered') this.#answered = this.#clock.now();
    if (from === 'probe' && this.#isOutweighed(fate)) return this.#pacer.schedule(this.#phase);
    this.#take(evidenceOf(from, fate), fate.type === 'failed' ? fate.fault : null);
  }

  #take(evidence: Evidence, fault: Fault | null): void {
    const step = STEPS[this.#phase][evidence];
    if (step.to !== this.#phase) this.#move(step.to, fault);
    if (step.probe) this.#pacer.probeNow(this.#phase);
    else this.#pacer.schedule(this.#phase);
  }

  /**
   * A probe has a shorter patience than a request: on a slow link an answer since it began outweighs its silence. Not
   * after an outage, which only two good probes in a row end.
   */
  #isOutweighed(fate: Fate): boolean {
    return this.state !== 'offline' && fate.type === 'failed' && this.#clock.now() - fate.ms < this.#answered;
  }

  /** A request lost in an outage may find out long after the link is back. */
  #isStale(ms: number): boolean {
    const back = this.#phase === 'online' || this.#phase === 'returning';
    return back && this.#clock.now() - ms < this.#proven;
  }

  #move(to: Phase, fault: Fault | null): void {
    const from = this.state;
    if (this.#phase === 'offline') this.#proven = this.#clock.now();
    this.#phase = to;
    if (this.state !== from) this.#pass(from, fault);
  }

  #pass(from: LinkState, fault: Fault | null): void {
    const { state } = this;
    const at = this.#clock.now();
    const after = at - this.#since;
    this.#since = at;
    this.timeline.push({ at, state, fault, after });
    if (this.timeline.length > TIMELINE) this.timeline.shift();
    if (state === 'offline') this.#pacer.fell();
    const fields = { from, to: state, fault, afterMs: Math.round(after), heldBy: this.#heldBy };
    if (state === 'offline') this.#log.warn(fields, 'link lost');
    else this.#log.info(fields, state === 'online' ? 'link good' : 'link in doubt');
    this.#changes.emit('change', state, this.held);
  }

  #setHold(heldBy: string | null, by: string): void {
    this.#heldBy = heldBy;
    this.#log.info({ by, state: this.state }, heldBy === null ? 'link released' : 'link held');
    this.#changes.emit('change', this.state, this.held);
  }
}
