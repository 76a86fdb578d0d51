import { once } from 'node:events';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bodyOf } from './body.ts';
import { createEstablish } from './establish.ts';
import type { Exchange } from './exchange.ts';
import { NOBODY } from './identity/identity.ts';
import { createLog } from './log.ts';
import { createFrontServer } from './server.ts';
import type { FrontServer, Handler } from './server.ts';

let front: FrontServer;
let port: number;
/** What reached a handler: its name, method and target. */
let reached: string[];
let observed: { handler: Handler; status: number }[];
let answer: (exchange: Exchange) => Promise<void>;

beforeEach(async () => {
  reached = [];
  observed = [];
  answer = async ({ response }) => void response.end('ok');
  const handle = (name: string) => async (exchange: Exchange) => {
    reached.push(`${name} ${exchange.method} ${exchange.path}${exchange.search}`);
    await answer(exchange);
  };
  front = createFrontServer({
    establish: createEstablish({ app: null, identity: NOBODY, credentialScope: () => '' }),
    read: handle('read'),
    write: handle('write'),
    forward: handle('forward'),
    forwardUpgrade: (_request, socket) => void socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
    console: async (request, response) => {
      reached.push(`console ${request.method} ${request.url}`);
      response.end('console');
    },
    observe: (handler, status) => void observed.push({ handler, status }),
    log: createLog('test', 'silent'),
  });
  front.server.listen(0, '127.0.0.1');
  await once(front.server, 'listening');
  port = (front.server.address() as AddressInfo).port;
});

afterEach(() => front.drain(0));

/** Sends bytes as they are; resolves with all that comes back until the server closes. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => void (text += chunk));
  socket.on('error', () => undefined);
  socket.write(bytes, 'latin1');
  await once(socket, 'close');
  return text;
}

const statusesOf = (text: string) => [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map((match) => Number(match[1]));
const CLOSE = 'Connection: close\r\n';
const get = (target: string, fields = '') => `GET ${target} HTTP/1.1\r\nHost: edge\r\n${CLOSE}${fields}\r\n`;

async function until(condition: () => boolean): Promise<void> {
  const limit = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > limit) throw new Error('it did not come about');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('each request goes down its path', () => {
  test.each([
    ['a GET', get('/a?b=c'), 'read GET /a?b=c'],
    ['a HEAD', get('/a').replace('GET', 'HEAD'), 'read HEAD /a'],
    ['a GET with a body', get('/a', 'Content-Length: 1\r\n').concat('x'), 'forward GET /a'],
    ['a POST', get('/a', 'Content-Length: 1\r\n').replace('GET', 'POST').concat('x'), 'forward POST /a'],
    ['an OPTIONS', get('/a').replace('GET', 'OPTIONS'), 'forward OPTIONS /a'],
    ["the edge's own pages", get('/_edge/health'), 'console GET /_edge/health'],
    ['metrics', get('/metrics'), 'console GET /metrics'],
    ["an app's page of a similar name", get('/_edges'), 'read GET /_edges'],
    ['an offer of HTTP/2, which is not taken up', get('/a', 'Upgrade: h2c\r\nConnection: Upgrade\r\n'), 'read GET /a'],
  ])('%s', async (_name, bytes, expected) => {
    expect(statusesOf(await raw(bytes))).toEqual([200]);
    expect(reached).toEqual([expected]);
  });

  test('a WebSocket is handed on, but not to the console', async () => {
    const upgrade = `Upgrade: websocket\r\nConnection: Upgrade\r\n`;
    const ask = (target: string) => raw(`GET ${target} HTTP/1.1\r\nHost: edge\r\n${upgrade}\r\n`);
    expect(statusesOf(await ask('/live'))).toEqual([101]);
    expect(statusesOf(await ask('/_edge/live'))).toEqual([404]);
    expect(statusesOf(await ask('//other/live'))).toEqual([400]);
  });
});

describe('what could be read in two ways is refused, and reaches nobody', () => {
  const post = (fields: string, body: string) => `POST /a HTTP/1.1\r\nHost: edge\r\n${fields}\r\n${body}`;
  const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: edge\r\n\r\n';
  test.each([
    ['absolute form', get('http://other/a')],
    ['a parent segment', get('/a/../_edge/status')],
    ['a target of another host', get('//other/a')],
    ['no Host', 'GET /a HTTP/1.1\r\n\r\n'],
    ['two Hosts', get('/a', 'Host: other\r\n')],
    ['two credentials', get('/a', 'Authorization: Bearer a\r\nAuthorization: Bearer b\r\n')],
    ['two lengths', post('Content-Length: 5\r\nContent-Length: 6\r\n', 'hello!')],
    ['a length and chunks', post('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${smuggled}`)],
    ['chunks under another name', post('Transfer-Encoding: xchunked\r\n', `0\r\n\r\n${smuggled}`)],
    ['chunks beneath another coding', post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n')],
    ['chunks not last', post('Transfer-Encoding: chunked, gzip\r\n', `0\r\n\r\n${smuggled}`)],
    ['a length that is no number', post('Content-Length: +5\r\n', 'hello')],
    ['a space before the colon', get('/a', 'Content-Length : 5\r\n')],
    ['a folded field', get('/a', 'X-A: b\r\n c\r\n')],
    ['bare line feeds', 'GET /a HTTP/1.1\nHost: edge\nX: \0\n\n'],
    ['a control character in a field', get('/a', 'X-A: b\0c\r\n')],
    ['another protocol', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03'],
  ])('%s', async (_name, bytes) => {
    const statuses = statusesOf(await raw(bytes));
    expect(statuses).toEqual([400]);
    expect(reached).toEqual([]);
  });

  test('chunks under a bad size, after which nothing is taken for a request', async () => {
    answer = async ({ request, response }) => {
      await once(bodyOf(request).resume(), 'end');
      response.end();
    };
    const statuses = statusesOf(
      await raw(post('Transfer-Encoding: chunked\r\n', `0x5\r\nhello\r\n0\r\n\r\n${smuggled}`)),
    );
    expect(statuses).toEqual([400]);
    expect(reached).toEqual(['forward POST /a']);
  });

  test('I11: headers beyond all size', async () => {
    const text = await raw(get('/a', `X-A: ${'a'.repeat(64 * 1024)}\r\n`));
    expect(statusesOf(text)).toEqual([431]);
    expect(text).toContain('application/problem+json');
  });
});

describe('faults', () => {
  test('of our own give a problem document that shows nothing of them', async () => {
    answer = () => Promise.reject(new Error('hush'));
    const text = await raw(get('/a'));
    expect(statusesOf(text)).toEqual([500]);
    expect(text).toContain('LARDER_INTERNAL');
    expect(text).not.toContain('hush');
  });

  test('that are thrown, not rejected, are answered as well', async () => {
    answer = () => {
      throw new Error('hush');
    };
    expect(statusesOf(await raw(get('/a')))).toEqual([500]);
  });

  test('after the answer has begun break the connection, so that nobody takes a part for the whole', async () => {
    answer = async ({ response }) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('half');
      throw new Error('hush');
    };
    const text = await raw(get('/a'));
    expect(text).toContain('half');
    expect(text).not.toContain('LARDER');
  });

  test('a caller who leaves is counted once, and disturbs nobody', async () => {
    let release = (): void => undefined;
    answer = async ({ response }) => {
      await new Promise<void>((resolve) => (release = resolve));
      response.end('late');
    };
    const socket: Socket = connect(port, '127.0.0.1');
    socket.write(get('/slow'));
    await until(() => reached.length === 1);
    socket.destroy();
    await until(() => observed.length === 1);
    release();
    answer = async ({ response }) => void response.end('ok');
    expect(statusesOf(await raw(get('/next')))).toEqual([200]);
    expect(observed.map(({ handler }) => handler)).toEqual(['read', 'read']);
  });
});

describe('draining', () => {
  test('lets a request under way end, and takes no other', async () => {
    let release = (): void => undefined;
    answer = async ({ response }) => {
      await new Promise<void>((resolve) => (release = resolve));
      response.end('done');
    };
    const underWay = raw('GET /a HTTP/1.1\r\nHost: edge\r\n\r\n');
    await until(() => reached.length === 1);
    const drained = front.drain(60_000);
    expect(front.draining).toBe(true);
    const refused = connect(port, '127.0.0.1');
    const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNREFUSED');
    release();
    expect(await underWay).toContain('done');
    await drained;
  });

  test('breaks off what does not end within the grace', async () => {
    answer = () => new Promise(() => undefined);
    const underWay = raw(get('/a'));
    await until(() => reached.length === 1);
    await front.drain(50);
    expect(await underWay).toBe('');
  });
});
