import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { Agent, request } from 'undici';
import { CloudFault, faultOf, type FaultOf } from './fault.ts';

// A self-signed certificate for "localhost", valid from 2020 to 2120. It protects nothing.
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg0XMhu4h7CBG7Z0va
ahHyfnPLriw/rxVk/irTsalf7rShRANCAARpEheEy93+GF3GqIDtRdOq9LNhxNpS
JpOlZljRewm4bFGa56kHJIEHKO7zVC+Du+dn0oAOzUcG6GZXN0YAcn5B
-----END PRIVATE KEY-----
`;
const CERT = `-----BEGIN CERTIFICATE-----
MIIBVDCB+qADAgECAgEBMAoGCCqGSM49BAMCMBYxFDASBgNVBAMMC2xhcmRlciB0
ZXN0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAWMRQwEgYDVQQD
DAtsYXJkZXIgdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGkSF4TL3f4Y
XcaogO1F06r0s2HE2lImk6VmWNF7CbhsUZrnqQckgQco7vNUL4O752fSgA7NRwbo
Zlc3RgByfkGjNzA1MBQGA1UdEQQNMAuCCWxvY2FsaG9zdDAdBgNVHQ4EFgQUYbRG
ytcHmLGabkIj5XAsYcyrezIwCgYIKoZIzj0EAwIDSQAwRgIhAJjLDOnXqQFv1cLE
AABBF8/+0w/jl+h5JD3na9dnHdvSAiEA+VGLUZOh80RXxmv4b7w3bLyeLXuC3SWa
5IUDLwr6jGw=
-----END CERTIFICATE-----
`;

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A server that runs `answer` once a request has begun to arrive. */
const answering = async (answer: (socket: Socket) => void): Promise<string> => {
  const server = createTcpServer((socket) => socket.once('data', () => answer(socket)));
  return `http://127.0.0.1:${await listen(server)}`;
};

async function unusedPort(): Promise<number> {
  const server = createTcpServer();
  const port = await listen(server);
  server.close();
  await once(server, 'close');
  return port;
}

/** What a whole request, body included, runs into; limits are short so that tests are. */
async function failureOf(url: string, options: { ca?: string; signal?: AbortSignal } = {}): Promise<unknown> {
  const dispatcher = new Agent({
    connect: { timeout: 400, ...(options.ca === undefined ? {} : { ca: options.ca }) },
    headersTimeout: 400,
    bodyTimeout: 400,
  });
  closing.push(() => void dispatcher.destroy());
  try {
    const { body } = await request(url, { dispatcher, ...(options.signal ? { signal: options.signal } : {}) });
    await body.text();
  } catch (error) {
    return error;
  }
  throw new Error('the request succeeded');
}

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n';

/** One row per fault: how it comes about, and what it must be told apart as. */
const provoked: Record<string, [() => Promise<unknown>, Omit<FaultOf, 'evidence'>]> = {
  'nothing listens there': [
    async () => failureOf(`http://127.0.0.1:${await unusedPort()}`),
    { fault: 'refused', sent: false },
  ],
  'nothing listens on any of its addresses': [
    async () => failureOf(`http://localhost:${await unusedPort()}`),
    { fault: 'refused', sent: false },
  ],
  'the name does not exist': [() => failureOf('http://nothing.invalid'), { fault: 'dns', sent: false }],
  // No system routes a connection to the broadcast address.
  'there is no route': [() => failureOf('http://255.255.255.255:9'), { fault: 'unreachable', sent: false }],
  'the handshake is never answered': [
    async () => failureOf(`https://127.0.0.1:${await listen(createTcpServer())}`),
    { fault: 'silent', sent: false },
  ],
  'no answer comes': [async () => failureOf(await answering(() => undefined)), { fault: 'silent', sent: true }],
  'the answer stalls in the body': [
    async () => failureOf(await answering((socket) => socket.write(`${HEAD}half`))),
    { fault: 'silent', sent: true },
  ],
  'the connection is reset before the answer': [
    async () => failureOf(await answering((socket) => socket.resetAndDestroy())),
    { fault: 'reset', sent: true },
  ],
  'the connection is closed before the answer': [
    async () => failureOf(await answering((socket) => socket.end())),
    { fault: 'reset', sent: true },
  ],
  'the connection is closed in mid-body': [
    async () => failureOf(await answering((socket) => socket.end(`${HEAD}half`))),
    { fault: 'reset', sent: true },
  ],
  'the connection is closed in mid-chunk, as announced': [
    async () =>
      failureOf(
        await answering((socket) =>
          socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n40\r\nhalf'),
        ),
      ),
    { fault: 'reset', sent: true },
  ],
  'the certificate is self-signed': [
    async () => failureOf(`https://localhost:${await listen(createTlsServer({ key: KEY, cert: CERT }))}`),
    { fault: 'tls', sent: false },
  ],
  'the certificate is for another name': [
    async () => failureOf(`https://127.0.0.1:${await listen(createTlsServer({ key: KEY, cert: CERT }))}`, { ca: CERT }),
    { fault: 'tls', sent: false },
  ],
  'a plain HTTP server answers the TLS handshake': [
    async () => failureOf(`https://127.0.0.1:${await listen(createHttpServer())}`),
    { fault: 'tls', sent: false },
  ],
  'the answer is not HTTP': [
    async () => failureOf(await answering((socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'))),
    { fault: 'portal', sent: true },
  ],
  'fetch hides the cause': [
    async () => fetch(`http://127.0.0.1:${await unusedPort()}`).catch((error: unknown) => error),
    { fault: 'refused', sent: false },
  ],
  'the caller gives up': [
    async () => failureOf(await answering(() => undefined), { signal: AbortSignal.timeout(50) }),
    { fault: 'silent', sent: true },
  ],
};

describe('faults that real sockets raise', () => {
  test.for(Object.entries(provoked))('%s', async ([, [provoke, expected]]) => {
    expect(faultOf(await provoke())).toEqual({ ...expected, evidence: true });
  });

  test('a write on a connection that the other side has reset', async () => {
    const port = await listen(createTcpServer((socket) => socket.once('data', () => socket.resetAndDestroy())));
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    const failure = once(socket, 'error').then(([error]) => error as unknown);
    const writing = setInterval(() => socket.write('more'), 5);
    closing.push(() => clearInterval(writing));
    expect(faultOf(await failure)).toEqual({ fault: 'reset', sent: true, evidence: true });
  });
});

describe('the same code before and after the first byte', () => {
  const system = (code: string, syscall: string) => Object.assign(new Error(code), { code, syscall });

  test.for([
    ['EHOSTUNREACH', 'connect', 'unreachable', false],
    ['EHOSTUNREACH', 'read', 'unreachable', true],
    ['ETIMEDOUT', 'connect', 'silent', false],
    ['ETIMEDOUT', 'read', 'silent', true],
    ['ERR_SOCKET_CONNECTION_TIMEOUT', '', 'silent', false],
    ['ECONNRESET', 'connect', 'reset', false],
    ['ECONNRESET', 'read', 'reset', true],
    ['EPIPE', 'write', 'reset', true],
    ['EAI_AGAIN', 'getaddrinfo', 'dns', false],
    ['ETIMEOUT', 'queryA', 'dns', false],
  ] as const)('%s in %s is %s, sent: %s', ([code, syscall, fault, sent]) => {
    expect(faultOf(system(code, syscall))).toEqual({ fault, sent, evidence: true });
  });
});

test('a fault that is known already stays what it is', () => {
  expect(faultOf(new CloudFault('gateway', true))).toEqual({ fault: 'gateway', sent: true, evidence: true });
});

test('I2: an error that nobody knows counts as sent, and says nothing about the link', () => {
  expect(faultOf(new Error('?'))).toEqual({ fault: 'reset', sent: true, evidence: false });
  expect(faultOf(undefined)).toEqual({ fault: 'reset', sent: true, evidence: false });
});

describe('what is of our own making says nothing about the link', () => {
  const system = (code: string, syscall: string) => Object.assign(new Error(code), { code, syscall });

  test.for([
    ['a bug', new TypeError('cannot read properties of undefined'), true],
    ['a full disk', system('ENOSPC', 'write'), true],
    ['no file left to connect with', system('EMFILE', 'connect'), false],
    ['no memory left to connect with', new TypeError('fetch failed', { cause: system('ENOBUFS', 'connect') }), false],
    ['an abort', new DOMException('no longer wanted', 'AbortError'), true],
  ] as const)('%s', ([, error, sent]) => {
    expect(faultOf(error)).toEqual({ fault: 'reset', sent, evidence: false });
  });

  test('a request that its caller breaks off', async () => {
    const leaving = new AbortController();
    const url = await answering(() => leaving.abort());
    expect(faultOf(await failureOf(url, { signal: leaving.signal }))).toMatchObject({ sent: true, evidence: false });
  });

  test('a pool that is closed under way', async () => {
    const dispatcher = new Agent();
    const url = await answering(() => void dispatcher.destroy());
    const error: unknown = await request(url, { dispatcher }).catch((failure: unknown) => failure);
    expect(faultOf(error)).toMatchObject({ sent: true, evidence: false });
  });
});
