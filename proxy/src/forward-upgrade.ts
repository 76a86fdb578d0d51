/** WebSockets: the handshake goes to the cloud, and from then on the two sides talk to one another. */
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createProxyServer } from 'http-proxy-3';
import { LarderError } from '@larder/sync/errors';
import { CloudFault, faultOf } from '@larder/sync/fault';
import type { Fate } from '@larder/sync/link';
import { toCloud } from './cloud/headers.ts';
import { clientOf, fieldsOf } from './forward.ts';
import { clientProblemOf } from './respond.ts';

export interface UpgradeOptions {
  /** Only scheme, host and port count. */
  origin: URL;
  link: { readonly held: boolean };
  /** Gets one fate for every handshake that the client did not break off. */
  report(fate: Fate): void;
  /** ms */
  connectTimeout: number;
  /** From the request to the answer, ms. */
  headersTimeout: number;
  /** PEM certificates to trust instead of the system's. */
  ca?: string;
}

export type ForwardUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** Makes the listener for `upgrade`. It never throws; a handshake that fails is answered with a problem document. */
export function createForwardUpgrade(options: UpgradeOptions): ForwardUpgrade {
  return (request, socket, head) => {
    if (!(socket instanceof Socket) || socket.destroyed) return void socket.destroy();
    if (options.link.held) return refuse(socket, new LarderError('LARDER_OFFLINE', 'The operator holds the link.'));
    handshake(request, socket, head, options);
  };
}

function handshake(request: IncomingMessage, socket: Socket, head: Buffer, options: UpgradeOptions): void {
  const begun = performance.now();
  /** The first fate counts; later errors concern two sides that already talk to one another. */
  let settled = false;
  const elapsed = () => performance.now() - begun;

  const proxy = createProxyServer({
    target: options.origin.origin,
    changeOrigin: true,
    connectTimeout: options.connectTimeout,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  });
  proxy.on('proxyReqWs', (outgoing) => {
    const leave = () => {
      settled = true;
      outgoing.destroy();
    };
    socket.once('close', leave);
    outgoing.setTimeout(options.headersTimeout, () => outgoing.destroy(new CloudFault('silent', true)));
    outgoing.once('upgrade', (_answer, theirs) => {
      socket.off('close', leave);
      if (!settled) options.report({ type: 'answered', ms: elapsed() });
      settled = true;
      endTogether(socket, theirs);
    });
    // An answer that declines the upgrade is passed on by the library, and is no proof of the app either way.
    outgoing.once('response', () => (settled = true));
  });
  const { upgrade } = request.headers;
  request.headers = { ...toCloud(fieldsOf(request), clientOf(request)), connection: 'Upgrade', upgrade };
  proxy.ws(request, socket, head, {}, (error) => {
    const { fault, sent, evidence } = faultOf(error);
    if (settled) return;
    settled = true;
    if (evidence) options.report({ type: 'failed', fault, ms: elapsed() });
    refuse(socket, sent ? new CloudFault(fault, sent) : new LarderError('LARDER_OFFLINE', '', { cause: error }));
  });
}

/** A side that has gone without a word is noticed after that long, ms; the system then asks a few times more. */
const SILENCE = 60_000;

/** The library hands on an end and an error. A side that is merely gone must not leave the other one open for ever. */
function endTogether(client: Socket, cloud: Socket): void {
  for (const [one, other] of [
    [client, cloud],
    [cloud, client],
  ] as const) {
    one.setKeepAlive(true, SILENCE);
    one.once('close', () => other.destroySoon());
  }
}

function refuse(socket: Socket, error: unknown): void {
  const problem = clientProblemOf(error);
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.code}\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n${body}`,
  );
}
