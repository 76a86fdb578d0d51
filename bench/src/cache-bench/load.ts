/**
 * The load of a machine without wrk, as a process of its own: connections that each ask again when they are answered.
 * Its arguments are those of load.lua, after the target, the connections and the seconds; it prints the same line.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

const [target = '', connections = '', seconds = '', bytes = '', known = '', every = '', etag = '', mark = ''] =
  process.argv.slice(2);
const { host, hostname, port, protocol } = new URL(target);
const condition = etag === '-' ? '' : `If-None-Match: ${etag}\r\n`;
const format = (name: string | number) =>
  Buffer.from(`GET /${bytes}/${name} HTTP/1.1\r\nHost: ${host}\r\n${condition}\r\n`);

const urls = Array.from({ length: Number(known) }, (_, at) => format(at + 1));
let sent = 0;
let unseen = 0;
let at = 0;

function nextRequest(): Buffer {
  sent++;
  if (Number(every) > 0 && sent % Number(every) === 0) return format(`${mark}-${++unseen}`);
  // A step that has no divisor in common with the number of URLs visits all of them, not one after the other.
  at = (at + 7919) % urls.length;
  return urls[at] ?? format(1);
}

/** Latencies in steps of 10 µs; the last one holds all that took longer. */
const steps = new Uint32Array(200_000);
const STEP_MS = 0.01;
let answered = 0;
let errors = 0;
let running = true;

function open(): void {
  const to = { port: Number(port), host: hostname };
  const isSecure = protocol === 'https:';
  const socket = isSecure ? connectTls({ ...to, rejectUnauthorized: false }) : connect(to);
  let asked = 0;
  const ask = () => {
    asked = performance.now();
    socket.write(nextRequest());
  };
  readAnswers(socket, (isGood) => {
    if (!running) return;
    if (!isGood) errors++;
    answered++;
    const step = Math.min(steps.length - 1, Math.floor((performance.now() - asked) / STEP_MS));
    steps[step] = (steps[step] ?? 0) + 1;
    ask();
  });
  socket.setNoDelay(true).on(isSecure ? 'secureConnect' : 'connect', ask);
  socket.on('error', () => void errors++);
  socket.on('close', () => {
    if (running) open();
  });
}

/** Calls back for each whole answer. Lengths are announced by every product here. */
function readAnswers(socket: Socket, onAnswer: (isGood: boolean) => void): void {
  let missing = 0;
  let rest: Buffer = Buffer.alloc(0);
  let isGood = false;
  socket.on('data', (chunk: Buffer) => {
    if (missing > chunk.length) {
      missing -= chunk.length;
      return;
    }
    if (missing > 0) {
      rest = chunk.subarray(missing);
      missing = 0;
      onAnswer(isGood);
    } else rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) return;
    const head = rest.toString('latin1', 0, end);
    const status = head.slice(9, 12);
    isGood = status === '200' || status === '304';
    const length = status === '304' ? 0 : Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    const got = rest.length - end - 4;
    rest = Buffer.alloc(0);
    missing = Math.max(0, length - got);
    if (missing === 0) onAnswer(isGood);
  });
}

function percentile(share: number): number {
  let left = answered * share;
  for (let step = 0; step < steps.length; step++) {
    left -= steps[step] ?? 0;
    if (left <= 0) return step * STEP_MS;
  }
  return steps.length * STEP_MS;
}

const started = performance.now();
for (let i = 0; i < Number(connections); i++) open();
setTimeout(
  () => {
    running = false;
    const figures = { requests: answered, seconds: (performance.now() - started) / 1000, errors };
    process.stdout.write(`${JSON.stringify({ ...figures, p50: percentile(0.5), p99: percentile(0.99) })}\n`, () =>
      process.exit(),
    );
  },
  Number(seconds) * 1000,
);
