/** Sends a head and a body: a small body in one piece with its head, because a second piece costs more than a copy. */
import type { Socket } from 'node:net';
import type { Prepared } from './prepared.ts';

/** A copy of a larger body costs more than a second piece. */
const LARGEST_COPY = 16 * 1024;
const SPACE = 32 * 1024;

export class Sender {
  /** What is put together here the system has usually taken before the next answer needs the room. */
  #space = Buffer.allocUnsafeSlow(SPACE);

  /** `now`: ms since 1970. */
  send(socket: Socket, prepared: Prepared, body: Buffer, now: number): void {
    const head = prepared.head(now);
    const isInOne = body.length <= LARGEST_COPY && head.length + body.length <= SPACE && !('encrypted' in socket);
    if (prepared.hasBody && isInOne) return this.#sendInOne(socket, head, body);
    if (prepared.hasBody) sendInTwo(socket, head, body);
    else socket.write(head);
    // What the system has taken is a copy; what waits in the socket is not.
    if (socket.writableLength > 0) prepared.hold();
  }

  #sendInOne(socket: Socket, head: Buffer, body: Buffer): void {
    const length = head.length + body.length;
    const space = this.#space;
    space.set(head, 0);
    space.set(body, head.length);
    socket.write(space.subarray(0, length));
    // It is the socket's until that has sent it.
    if (socket.writableLength > 0) this.#space = Buffer.allocUnsafeSlow(SPACE);
  }
}

function sendInTwo(socket: Socket, head: Buffer, body: Buffer): void {
  socket.cork();
  socket.write(head);
  socket.write(body);
  socket.uncork();
}
