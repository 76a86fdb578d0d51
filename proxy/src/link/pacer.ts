/** When to probe: one probe at a time, at once in doubt, soon while offline, rarely while traffic is proof enough. */
import type { Fate } from '@larder/sync/link';
import type { Phase } from './states.ts';

export interface Clock {
  /** ms. */
  now(): number;
  /** Runs once after `ms`; returns how to call that off. */
  after(ms: number, run: () => void): () => void;
}

/** Milliseconds since 1970 as they were at start-up, and from then on never turned back. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** All in ms. */
export interface Intervals {
  /** Online, from the last sign of life to the next probe. */
  idle: number;
  /** Offline, from the beginning of the first probe to that of the second; doubles up to `ceiling`. */
  retry: number;
  /** No interval while offline is longer: how late the link's return may be noticed. */
  ceiling: number;
  /** Between the two good probes that end an outage; doubles, up to `ceiling`, with every outage shortly before. */
  confirm: number;
}

export const INTERVALS: Intervals = { idle: 10_000, retry: 250, ceiling: 2000, confirm: 100 };

/** A probe ends itself sooner. One that does not end at all must not be the last (I5), ms. */
const LONGEST_PROBE = 15_000;

/** Outages this close together are one flapping link, ms. */
const FLAPPING = 60_000;

export interface PacerOptions {
  probe(): Promise<Fate>;
  judge(fate: Fate): void;
  clock: Clock;
  intervals: Intervals;
  jitter(): number;
}

export interface Pacer {
  start(phase: Phase): void;
  stop(): void;
  /** Every piece of evidence calls one of these two. */
  schedule(phase: Phase): void;
  probeNow(phase: Phase): void;
  /** An outage has begun. */
  fell(): void;
}

export function createPacer(options: PacerOptions): Pacer {
  return new ProbePacer(options);
}

class ProbePacer implements Pacer {
  readonly #options: PacerOptions;
  #running = false;
  #probing = false;
  /** The next probe: the phase it is due in, and how to call it off. */
  #due: { phase: Phase; callOff: () => void } | null = null;
  /** When the last probe began, and when there was any evidence last. */
  #begun: number;
  #heard: number;
  /** Probes of this outage. */
  #tries = 0;
  /** Beginnings of the latest outages. */
  #falls: number[] = [];

  constructor(options: PacerOptions) {
    this.#options = options;
    this.#begun = this.#heard = options.clock.now();
  }

  start(phase: Phase): void {
    if (this.#running) return;
    this.#running = true;
    if (!this.#probing) void this.#run(phase);
  }

  stop(): void {
    this.#running = false;
    this.#callOff();
  }

  schedule(phase: Phase): void {
    this.#heard = this.#options.clock.now();
    if (!this.#running || this.#probing) return;
    // Evidence in plenty delays no probe, save online: there one that is due looks at when it came last.
    if (this.#due?.phase === phase) return;
    this.#callOff();
    if (phase !== 'offline') this.#tries = 0;
    const from = phase === 'online' ? this.#heard : this.#begun;
    this.#arm(phase, Math.max(0, from + this.#interval(phase) - this.#heard));
  }

  #arm(phase: Phase, wait: number): void {
    this.#due = { phase, callOff: this.#options.clock.after(wait, () => this.#comeDue(phase)) };
  }

  #comeDue(phase: Phase): void {
    // A timer of its own for each answer of the cloud would cost more than this one that is wound up again.
    const left = phase === 'online' ? this.#heard + this.#interval(phase) - this.#options.clock.now() : 0;
    if (left > 0) this.#arm(phase, left);
    else void this.#run(phase);
  }

  probeNow(phase: Phase): void {
    this.#heard = this.#options.clock.now();
    if (this.#running && !this.#probing) void this.#run(phase);
  }

  fell(): void {
    const now = this.#options.clock.now();
    this.#falls = this.#falls.filter((at) => now - at < FLAPPING);
    this.#falls.push(now);
    this.#tries = 0;
  }

  /** From the beginning of the last probe, or online from the last sign of life. */
  #interval(phase: Phase): number {
    const { idle, retry, ceiling, confirm } = this.#options.intervals;
    if (phase === 'online') return idle;
    if (phase === 'doubtful' || phase === 'suspected') return 0;
    const wanted = phase === 'offline' ? retry * 2 ** this.#tries : confirm * 2 ** (this.#falls.length - 1);
    return Math.min(ceiling, wanted) * (0.5 + this.#options.jitter() / 2);
  }

  async #run(phase: Phase): Promise<void> {
    this.#callOff();
    this.#probing = true;
    this.#begun = this.#options.clock.now();
    if (phase === 'offline') this.#tries += 1;
    const fate = await this.#probe();
    this.#probing = false;
    if (this.#running) this.#options.judge(fate);
  }

  async #probe(): Promise<Fate> {
    const { promise, resolve } = Promise.withResolvers<Fate>();
    const callOff = this.#options.clock.after(LONGEST_PROBE, () =>
      resolve({ type: 'failed', fault: 'silent', ms: LONGEST_PROBE }),
    );
    const fate = await Promise.race([this.#options.probe(), promise]);
    callOff();
    return fate;
  }

  #callOff(): void {
    this.#due?.callOff();
    this.#due = null;
  }
}
