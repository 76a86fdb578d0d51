/** One direction of a long wire: what goes in comes out in order, later, and no faster than the line allows. */
import type { Socket } from 'node:net';

export type Signal = { type: 'bytes'; bytes: Buffer } | { type: 'end' } | { type: 'reset' };

export interface Pace {
  delayMs: number;
  /** Infinity: only the delay counts. */
  bytesPerSecond: number;
}

/** Bytes on their way at the most; past it the sender has to wait, as for a full TCP window (RFC 9293 §3.8). */
const WINDOW = 4 * 1024 * 1024;

/** Pieces that a limited line carries: small enough to arrive one by one. */
const PIECE = 1460;

export class DelayLine {
  readonly #source: Socket;
  readonly #pace: () => Pace;
  readonly #deliver: (signal: Signal) => boolean;
  #queue: { due: number; signal: Signal }[] = [];
  #bytes = 0;
  /** When the line will have taken in what was sent so far, and when the last of it comes out. */
  #free = 0;
  #last = 0;
  #timer: NodeJS.Timeout | null = null;
  /** The far end takes no more for now. */
  #blocked = false;

  /**
   * `head`: further delay of the very first bytes, ms. `deliver` returns false where the far end should get no more
   * before `resume`.
   */
  constructor(source: Socket, head: number, pace: () => Pace, deliver: (signal: Signal) => boolean) {
    this.#source = source;
    this.#pace = pace;
    this.#deliver = deliver;
    this.#free = performance.now() + head;
    let ended = false;
    source.on('data', (bytes: Buffer) => this.#takeIn(bytes));
    source.on('end', () => {
      ended = true;
      this.#enter({ type: 'end' }, 0);
    });
    source.on('close', () => {
      if (!ended) this.#enter({ type: 'reset' }, 0);
    });
  }

  resume(): void {
    this.#blocked = false;
    this.#arm();
  }

  /** Forgets what is on its way. */
  close(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#queue = [];
  }

  #takeIn(bytes: Buffer): void {
    const size = Number.isFinite(this.#pace().bytesPerSecond) ? PIECE : bytes.length;
    for (let at = 0; at < bytes.length; at += size) {
      const piece = bytes.subarray(at, at + size);
      this.#enter({ type: 'bytes', bytes: piece }, piece.length);
    }
    if (this.#bytes > WINDOW) this.#source.pause();
  }

  #enter(signal: Signal, bytes: number): void {
    const { delayMs, bytesPerSecond } = this.#pace();
    this.#free = Math.max(performance.now(), this.#free) + (bytes / bytesPerSecond) * 1000;
    this.#last = Math.max(this.#last, this.#free + delayMs);
    this.#queue.push({ due: this.#last, signal });
    this.#bytes += bytes;
    this.#arm();
  }

  #arm(): void {
    const next = this.#queue[0];
    if (next === undefined || this.#timer !== null || this.#blocked) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#release();
      },
      Math.max(0, next.due - performance.now()),
    );
  }

  #release(): void {
    // Timers come up to a millisecond early.
    const now = performance.now() + 1;
    for (let next = this.#queue[0]; next !== undefined && next.due <= now && !this.#blocked; next = this.#queue[0]) {
      this.#queue.shift();
      if (next.signal.type === 'bytes') this.#bytes -= next.signal.bytes.length;
      this.#blocked = !this.#deliver(next.signal);
    }
    if (this.#bytes <= WINDOW) this.#source.resume();
    this.#arm();
  }
}
