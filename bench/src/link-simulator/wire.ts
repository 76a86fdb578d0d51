/** One TCP connection across the link: two delay lines, and what the link's mode does to what comes out of them. */
import { connect, type Socket } from 'node:net';
import { DelayLine, type Pace, type Signal } from './delay-line.ts';

export type Treatment =
  | 'pass'
  /** Nothing comes out, in either direction. */
  | 'swallow'
  /** Of an answer, only a part comes out. */
  | 'cut-answer'
  /** The same, and then the connection is reset. */
  | 'break-answer';

export interface WireHost {
  treatment(): Treatment;
  pace(): Pace;
  rttMs(): number;
  count(what: 'bytesUp' | 'bytesDown' | 'swallowed' | 'resets', by: number): void;
  /** Both ends have closed. */
  closed(wire: Wire): void;
}

export class Wire {
  readonly #client: Socket;
  readonly #host: WireHost;
  readonly #target: Socket | null;
  readonly #lines: DelayLine[] = [];
  /** Something was swallowed: the two ends disagree for good, as after an outage that TCP did not outlive. */
  #lost = false;

  /** A connection that begins in a black hole never reaches its target: null. */
  constructor(client: Socket, target: { host: string; port: number } | null, host: WireHost) {
    this.#client = client;
    this.#host = host;
    this.#lost = target === null;
    client.setNoDelay(true).on('error', () => undefined);
    client.on('close', () => this.#closed());
    this.#target = target === null ? null : connect({ ...target, allowHalfOpen: true }).setNoDelay(true);
    if (this.#target === null) {
      client.on('data', (bytes: Buffer) => host.count('swallowed', bytes.length));
      return;
    }
    this.#target.on('error', () => undefined);
    this.#target.on('close', () => this.#closed());
    const pace = () => host.pace();
    // A listening socket cannot delay a handshake, so its round trip is charged to the first bytes.
    const up = new DelayLine(client, host.rttMs(), pace, (signal) => this.#up(signal));
    const down = new DelayLine(this.#target, 0, pace, (signal) => this.#down(signal));
    this.#target.on('drain', () => up.resume());
    client.on('drain', () => down.resume());
    this.#lines.push(up, down);
  }

  get lost(): boolean {
    return this.#lost;
  }

  /** Ends it at once, for both sides to see. */
  reset(): void {
    if (!this.#client.destroyed) this.#host.count('resets', 1);
    this.#client.resetAndDestroy();
    this.#target?.resetAndDestroy();
  }

  #up(signal: Signal): boolean {
    if (this.#lost || this.#host.treatment() === 'swallow') return this.#swallow(signal);
    return this.#put(signal, this.#target, 'bytesUp');
  }

  #down(signal: Signal): boolean {
    const treatment = this.#host.treatment();
    if (this.#lost || treatment === 'swallow') return this.#swallow(signal);
    if (treatment === 'pass' || signal.type !== 'bytes') return this.#put(signal, this.#client, 'bytesDown');
    const bytes = signal.bytes.subarray(0, beginningOf(signal.bytes));
    this.#lost = true;
    // Later than the bytes, or the reset would overtake them.
    if (treatment === 'break-answer') setTimeout(() => this.reset(), 20);
    return this.#put({ type: 'bytes', bytes }, this.#client, 'bytesDown');
  }

  #swallow(signal: Signal): boolean {
    this.#lost = true;
    if (signal.type === 'bytes') this.#host.count('swallowed', signal.bytes.length);
    return true;
  }

  /** Returns false where the sink is full, as `write` does. */
  #put(signal: Signal, sink: Socket | null, counter: 'bytesUp' | 'bytesDown'): boolean {
    if (sink === null || sink.destroyed) return true;
    if (signal.type === 'bytes') {
      this.#host.count(counter, signal.bytes.length);
      return sink.write(signal.bytes);
    }
    if (signal.type === 'end') sink.end();
    else sink.resetAndDestroy();
    return true;
  }

  #closed(): void {
    if (!this.#client.destroyed || this.#target?.destroyed === false) return;
    for (const line of this.#lines) line.close();
    this.#host.closed(this);
  }
}

/** How much of an answer to let through: the head and half of what follows, so that it breaks off in mid-body. */
function beginningOf(bytes: Buffer): number {
  const head = bytes.indexOf('\r\n\r\n') + 4;
  const start = head < 4 ? 0 : head;
  return start + Math.floor((bytes.length - start) / 2);
}
