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
  | 'break-answer'
  /** Of a request, only a part arrives, and then the connection is reset. */
  | 'break-request'
  /** Requests arrive twice, the second time on a connection of their own whose answers nobody gets. */
  | 'double';

export interface WireHost {
  treatment(): Treatment;
  pace(): Pace;
  rttMs(): number;
  count(what: 'bytesUp' | 'bytesDown' | 'swallowed' | 'resets', by: number): void;
  /** Both ends have closed. */
  closed(wire: Wire): void;
}

const SPOILS_ANSWERS: ReadonlySet<Treatment> = new Set(['cut-answer', 'break-answer']);
const REQUEST = /^[A-Z]{3,7} /;

export class Wire {
  readonly #client: Socket;
  readonly #host: WireHost;
  readonly #target: Socket | null;
  readonly #address: { host: string; port: number } | null;
  /** Where requests arrive a second time. */
  #double: Socket | null = null;
  readonly #lines: DelayLine[] = [];
  /** Something was swallowed: the two ends disagree for good, as after an outage that TCP did not outlive. */
  #lost = false;

  /** A connection that begins in a black hole never reaches its target: null. */
  constructor(client: Socket, target: { host: string; port: number } | null, host: WireHost) {
    this.#client = client;
    this.#host = host;
    this.#lost = target === null;
    this.#address = target;
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
    const treatment = this.#host.treatment();
    if (this.#lost || treatment === 'swallow') return this.#swallow(signal);
    if (treatment === 'break-request' && signal.type === 'bytes') return this.#breakRequest(signal.bytes);
    if (treatment === 'double') this.#openDouble(signal);
    else this.#closeDouble();
    this.#put(signal, this.#double, 'bytesUp');
    return this.#put(signal, this.#target, 'bytesUp');
  }

  #down(signal: Signal): boolean {
    const treatment = this.#host.treatment();
    if (this.#lost || treatment === 'swallow') return this.#swallow(signal);
    if (!SPOILS_ANSWERS.has(treatment) || signal.type !== 'bytes') return this.#put(signal, this.#client, 'bytesDown');
    const bytes = signal.bytes.subarray(0, beginningOf(signal.bytes));
    this.#lost = true;
    // Later than the bytes, or the reset would overtake them.
    if (treatment === 'break-answer') setTimeout(() => this.reset(), 20);
    return this.#put({ type: 'bytes', bytes }, this.#client, 'bytesDown');
  }

  #breakRequest(bytes: Buffer): boolean {
    this.#lost = true;
    setTimeout(() => this.reset(), 20);
    return this.#put({ type: 'bytes', bytes: bytes.subarray(0, beginningOf(bytes)) }, this.#target, 'bytesUp');
  }

  /** From the beginning of a request on, or it would be noise. */
  #openDouble(signal: Signal): void {
    if (this.#double !== null || this.#address === null || signal.type !== 'bytes') return;
    if (!REQUEST.test(signal.bytes.toString('latin1', 0, 8))) return;
    this.#double = connect(this.#address).setNoDelay(true);
    this.#double.on('error', () => undefined).resume();
    this.#client.once('close', () => this.#closeDouble());
  }

  #closeDouble(): void {
    this.#double?.destroy();
    this.#double = null;
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

/** How much of a message to let through: the head and half of what follows, so that it breaks off in mid-body. */
function beginningOf(bytes: Buffer): number {
  const head = bytes.indexOf('\r\n\r\n') + 4;
  const start = head < 4 ? 0 : head;
  return start + Math.floor((bytes.length - start) / 2);
}
