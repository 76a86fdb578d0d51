/**
 * Stands between edge and cloud, passes everything on, and cuts the connection of a write where it is told to: with both
 * sides' sockets reset, as a link does that goes away.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export type Cut =
  /** So much of the request is passed on. */
  | { in: 'request'; pass(whole: Buffer): number }
  /** The request is passed on, and so much of the answer. */
  | { in: 'answer'; pass(whole: Buffer): number }
  /** The edge's side is cut; the request goes on to the cloud later, which answers nobody. */
  | { in: 'transit'; until: Promise<void>; answered(): void };

const WRITE = /^(POST|PATCH|PUT|DELETE) /;
const HEAD_END = '\r\n\r\n';

export class Relay {
  /** What happens to the next write that has this in its body; it then happens to no other. */
  readonly #cuts = new Map<string, Cut>();
  readonly #server: Server;
  readonly #cloud: URL;
  readonly #sockets = new Set<Socket>();

  constructor(cloud: URL) {
    this.#cloud = cloud;
    this.#server = createServer((edge) => this.#pass(edge));
  }

  async listen(): Promise<URL> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
  }

  /** Cuts the next write that has this in its body; once. */
  cut(has: string, cut: Cut): void {
    this.#cuts.set(has, cut);
  }

  /** Whether every write that was to be cut has been. */
  get hasCut(): boolean {
    return this.#cuts.size === 0;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #kept(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    return socket;
  }

  #cutOf(request: Buffer): Cut | null {
    const body = request.toString('latin1', headOf(request));
    for (const [has, cut] of this.#cuts) {
      if (!body.includes(has)) continue;
      this.#cuts.delete(has);
      return cut;
    }
    return null;
  }

  #toCloud(): Socket {
    return this.#kept(connect(Number(this.#cloud.port), this.#cloud.hostname));
  }

  /** On a connection of its own: the cloud closes one on which nothing comes for a while. */
  #passLater(request: Buffer, { until, answered }: Extract<Cut, { in: 'transit' }>): void {
    void until.then(() => {
      const cloud = this.#toCloud();
      cloud.once('data', () => {
        cloud.destroy();
        answered();
      });
      cloud.write(request);
    });
  }

  #pass(edge: Socket): void {
    this.#kept(edge);
    const cloud = this.#toCloud();
    cloud.on('close', () => edge.destroy());
    let request = Buffer.alloc(0);
    let answer = Buffer.alloc(0);
    let isWrite = false;
    let cut: Cut | null = null;
    const reset = () => {
      edge.resetAndDestroy();
      cloud.resetAndDestroy();
    };
    edge.on('close', () => cloud.destroy());
    edge.on('data', (chunk: Buffer) => {
      isWrite ||= !this.hasCut && WRITE.test(chunk.toString('latin1'));
      if (!isWrite) return void cloud.write(chunk);
      request = Buffer.concat([request, chunk]);
      if (!isWhole(request)) return undefined;
      cut = this.#cutOf(request);
      if (cut === null) {
        cloud.write(request);
        [isWrite, request] = [false, Buffer.alloc(0)];
        return undefined;
      }
      if (cut.in === 'answer') return void cloud.write(request);
      if (cut.in === 'request') return void cloud.write(request.subarray(0, cut.pass(request)), reset);
      edge.resetAndDestroy();
      return this.#passLater(request, cut);
    });
    cloud.on('data', (chunk: Buffer) => {
      if (cut?.in !== 'answer') return void (edge.destroyed || edge.write(chunk));
      answer = Buffer.concat([answer, chunk]);
      if (!isWhole(answer)) return undefined;
      return void edge.write(answer.subarray(0, cut.pass(answer)), reset);
    });
  }
}

/** A message is there to its last byte, told by its length or its last chunk (RFC 9112 §6.3). */
function isWhole(message: Buffer): boolean {
  const text = message.toString('latin1');
  const head = text.indexOf(HEAD_END);
  if (head < 0) return false;
  const length = /^content-length: *(\d+)/im.exec(text.slice(0, head))?.[1];
  if (length !== undefined) return message.length >= head + HEAD_END.length + Number(length);
  return text.endsWith('\r\n0\r\n\r\n');
}

/** The length of a message's head. */
export const headOf = (message: Buffer): number => message.toString('latin1').indexOf(HEAD_END) + HEAD_END.length;
