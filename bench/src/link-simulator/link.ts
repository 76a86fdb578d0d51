/** A TCP proxy that stands for the WAN between a store and its cloud, and for everything that can happen to it. */
import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Pace } from './delay-line.ts';
import { FLAP_MS, type LinkMode, SLOW } from './modes.ts';
import { createStranger } from './stranger.ts';
import { type Treatment, Wire, type WireHost } from './wire.ts';

export type { LinkMode } from './modes.ts';

export interface LinkOptions {
  /** `http://host:port` or `host:port`. */
  target: string | URL;
  /** Loopback port to listen on; 0: any. */
  port?: number;
  /** Round-trip time, ms; half of it in each direction. */
  rttMs?: number;
  /** Added to each delay at random, up to this, ms; order is kept. */
  jitterMs?: number;
  /** In each direction and on each connection. */
  bytesPerSecond?: number;
  /** How long connections that a black hole has swallowed from stay silent after it, before they are reset, ms. */
  lingerMs?: number;
}

export interface LinkStats {
  connections: number;
  open: number;
  bytesUp: number;
  bytesDown: number;
  swallowed: number;
  resets: number;
}

/** What is known of a running link; also what its control endpoint shows. */
export interface LinkReport {
  mode: LinkMode;
  rttMs: number;
  target: string;
  url: string;
  stats: LinkStats;
}

export interface Link {
  readonly port: number;
  readonly url: string;
  readonly mode: LinkMode;
  readonly stats: Readonly<LinkStats>;
  report(): LinkReport;
  /** Resolves once the mode holds, for new connections and for those that are open. */
  set(mode: LinkMode, change?: { rttMs?: number }): Promise<void>;
  close(): Promise<void>;
}

/** Starts a link on the loopback interface. */
export async function startLink(options: LinkOptions): Promise<Link> {
  const link = new TcpLink(options);
  await link.listen();
  return link;
}

const LINGER_MS = 5000;

/** The modes that a link is in at one moment: flap is two of them in turn. */
type Condition = Exclude<LinkMode, 'flap'>;

const TREATMENT: Readonly<Record<Condition, Treatment>> = {
  up: 'pass',
  slow: 'pass',
  stall: 'cut-answer',
  reset: 'break-answer',
  'reset-request': 'break-request',
  duplicate: 'double',
  blackhole: 'swallow',
  down: 'swallow',
  refuse: 'swallow',
  portal: 'swallow',
  gateway: 'swallow',
};

/** Where connections that are open already are cut at once. */
const CUTS: ReadonlySet<Condition> = new Set(['down', 'refuse', 'portal', 'gateway']);

class TcpLink implements Link {
  readonly stats: LinkStats = { connections: 0, open: 0, bytesUp: 0, bytesDown: 0, swallowed: 0, resets: 0 };
  readonly #options: LinkOptions;
  readonly #target: URL;
  readonly #server: Server;
  readonly #strangers: Readonly<Record<'portal' | 'gateway', HttpServer>>;
  readonly #wires = new Set<Wire>();
  /** Connections that a stranger answers. */
  readonly #guests = new Set<Socket>();
  #port: number;
  #rttMs: number;
  #mode: LinkMode = 'up';
  #condition: Condition = 'up';
  #flapping: NodeJS.Timeout | undefined;
  #burial: NodeJS.Timeout | undefined;
  /** Changes one after the other: each may have to wait for the port. */
  #changing: Promise<void> = Promise.resolve();

  constructor(options: LinkOptions) {
    this.#options = options;
    const target = String(options.target);
    this.#target = new URL(target.includes('://') ? target : `http://${target}`);
    this.#port = options.port ?? 0;
    this.#rttMs = options.rttMs ?? 80;
    const delay = () => this.#rttMs;
    this.#strangers = { portal: createStranger('portal', delay), gateway: createStranger('gateway', delay) };
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `${this.#target.protocol}//127.0.0.1:${this.#port}`;
  }

  get mode(): LinkMode {
    return this.#mode;
  }

  report(): LinkReport {
    const { mode, url, stats } = this;
    return { mode, rttMs: this.#rttMs, target: this.#target.host, url, stats: { ...stats } };
  }

  async listen(): Promise<void> {
    if (this.#server.listening) return;
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async set(mode: LinkMode, change: { rttMs?: number } = {}): Promise<void> {
    this.#mode = mode;
    this.#rttMs = change.rttMs ?? this.#rttMs;
    clearInterval(this.#flapping);
    if (mode === 'flap') this.#flapping = setInterval(() => this.#flap(), FLAP_MS);
    await this.#become(mode === 'flap' ? 'down' : mode);
  }

  close(): Promise<void> {
    return this.set('down');
  }

  #flap(): void {
    this.#become(this.#condition === 'up' ? 'down' : 'up').catch(() => undefined);
  }

  #become(condition: Condition): Promise<void> {
    const change = this.#changing.then(() => this.#change(condition));
    this.#changing = change.catch(() => undefined);
    return change;
  }

  async #change(condition: Condition): Promise<void> {
    this.#condition = condition;
    clearTimeout(this.#burial);
    for (const guest of this.#guests) guest.resetAndDestroy();
    if (CUTS.has(condition)) for (const wire of this.#wires) wire.reset();
    if (TREATMENT[condition] === 'pass' || TREATMENT[condition] === 'double') this.#buryTheLost();
    if (condition !== 'down') return this.listen();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** What was swallowed does not come back: those connections stay silent, then the far end's reset arrives. */
  #buryTheLost(): void {
    const lost = [...this.#wires].filter((wire) => wire.lost);
    this.#burial = setTimeout(() => {
      for (const wire of lost) wire.reset();
    }, this.#options.lingerMs ?? LINGER_MS);
  }

  #accept(socket: Socket): void {
    this.stats.connections += 1;
    this.stats.open += 1;
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.stats.open -= 1;
      this.#guests.delete(socket);
    });
    const condition = this.#condition;
    if (condition === 'refuse' || condition === 'down') return void socket.resetAndDestroy();
    if (condition === 'portal' || condition === 'gateway') {
      this.#guests.add(socket);
      this.#strangers[condition].emit('connection', socket);
      return;
    }
    const target = { host: this.#target.hostname, port: Number(this.#target.port || 80) };
    this.#wires.add(new Wire(socket, condition === 'blackhole' ? null : target, this.#host));
  }

  readonly #host: WireHost = {
    treatment: () => TREATMENT[this.#condition],
    pace: () => this.#pace(),
    rttMs: () => (this.#condition === 'slow' ? SLOW.rttMs : this.#rttMs),
    count: (what, by) => {
      this.stats[what] += by;
    },
    closed: (wire) => void this.#wires.delete(wire),
  };

  #pace(): Pace {
    const jitterMs = Math.random() * (this.#options.jitterMs ?? 0);
    if (this.#condition === 'slow') return { delayMs: SLOW.rttMs / 2 + jitterMs, bytesPerSecond: SLOW.bytesPerSecond };
    return { delayMs: this.#rttMs / 2 + jitterMs, bytesPerSecond: this.#options.bytesPerSecond ?? Infinity };
  }
}
