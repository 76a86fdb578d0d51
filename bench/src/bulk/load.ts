/**
 * Requests at a constant rate, as a process of its own: sent when their time has come, whether or not earlier ones are
 * answered, so that a stall shows in every request that falls into it. What was under way while this process itself did
 * not run, because others had its core, is counted and left out. Ends at SIGTERM with its figures as one line.
 *
 * Arguments: address, requests per second, Authorization, paths (each asked for in turn).
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';

const [address = '', rate = '', authorization = '', ...paths] = process.argv.slice(2);
const { host, hostname, port } = new URL(address);
const heads = paths.map((path) =>
  Buffer.from(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${authorization}\r\n\r\n`),
);

export interface LoadFigures {
  /** Answers from memory, and all others: the latencies are those of the hits. */
  hits: number;
  others: number;
  errors: number;
  /** ms, from sending to the last byte. */
  p50: number;
  p99: number;
  p999: number;
  max: number;
  /** The 99th percentile of each second by itself, their median: on a machine with other work, what most seconds gave. */
  p99OfSeconds: number;
  /** Hits whose time says nothing, because this process did not run meanwhile. */
  disturbed: number;
}

const latencies: number[] = [];
/** The same, second by second. */
const seconds: number[][] = [];
let [sent, others, disturbed, errors] = [0, 0, 0, 0];
/** This process had not run for so long, ms, when it last ran again; and when that was. */
const PAUSE = 2.5;
let [ran, resumed] = [performance.now(), 0];
/** Connections on which nothing is under way. */
const idle: Socket[] = [];
const asked = new WeakMap<Socket, number>();

/** Called whenever it runs. */
function running(): number {
  const now = performance.now();
  if (now - ran > PAUSE) resumed = now;
  ran = now;
  return now;
}

function send(): void {
  const head = heads[sent % heads.length];
  if (head === undefined) return;
  sent++;
  const socket = idle.pop() ?? open();
  asked.set(socket, performance.now());
  socket.write(head);
}

/** One more connection, whenever all others wait for answers. */
function open(): Socket {
  const socket = connect(Number(port), hostname).setNoDelay(true);
  let text = '';
  let missing = Infinity;
  socket.on('data', (chunk: Buffer) => {
    const now = running();
    // One character for each byte.
    text += chunk.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    if (end === -1) return;
    if (missing === Infinity) missing = end + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0);
    if (text.length < missing) return;
    const isHit = text.startsWith('HTTP/1.1 200') && /\r\ncache-status: [^\r]*; hit/i.test(text.slice(0, end));
    const since = asked.get(socket) ?? now;
    if (!isHit) others++;
    else if (since < resumed) disturbed++;
    else keep(now - since, now);
    [text, missing] = ['', Infinity];
    idle.push(socket);
  });
  socket.on('error', () => void errors++);
  return socket;
}

function keep(latency: number, now: number): void {
  latencies.push(latency);
  (seconds[Math.floor((now - started) / 1000)] ??= []).push(latency);
}

const ascending = (values: readonly number[]) => values.toSorted((a, b) => a - b);
const percentile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

function figures(): LoadFigures {
  const sorted = ascending(latencies);
  return {
    hits: sorted.length,
    others,
    errors,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    p999: percentile(sorted, 0.999),
    max: sorted.at(-1) ?? 0,
    p99OfSeconds: percentile(ascending(seconds.filter(Boolean).map((one) => percentile(ascending(one), 0.99))), 0.5),
    disturbed,
  };
}

const every = 1000 / Number(rate);
const started = performance.now();
const timer = setInterval(() => {
  const now = running();
  while (started + sent * every <= now) send();
}, 1);
process.on('SIGTERM', () => {
  clearInterval(timer);
  process.stdout.write(`${JSON.stringify(figures())}\n`, () => process.exit());
});
process.stdout.write('started\n');
