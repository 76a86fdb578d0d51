import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import type { AddressInfo, Server as TcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { loadConfig } from './config-sources.ts';
import { startEdge } from './edge.ts';
import { createLog } from './log.ts';

/** A whole edge, with a real app behind it and whatever can be written to a socket before it. */
const ending: (() => unknown)[] = [];
let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'larder-hostile-'));
  ending.push(() => rm(directory, { recursive: true, force: true }));
});
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

async function listen(server: Server | TcpServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ending.push(async () => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

async function start(app: Server | TcpServer, flags: Record<string, string> = {}) {
  const cloud = `http://127.0.0.1:${await listen(app)}`;
  const config = loadConfig({
    flags: { cloud, port: '0', data: 'data', shutdownGraceMs: '0', ...flags },
    env: {},
    directory,
  });
  const edge = await startEdge(config, createLog('test', 'silent'));
  ending.push(() => edge.close());
  return edge;
}

/** An app that keeps what it was asked, probes aside. */
function appOf(answer: RequestListener) {
  const seen: IncomingMessage[] = [];
  const server = createServer((incoming, outgoing) => {
    if (incoming.url !== '/') seen.push(incoming);
    answer(incoming, outgoing);
  });
  return { server, seen };
}

/** Says all it was told, so that whatever gets through would show in the answer. */
const echo: RequestListener = (incoming, outgoing) => {
  const told = JSON.stringify([incoming.method, incoming.url, incoming.headers]);
  outgoing.writeHead(200, { 'cache-control': 'public, max-age=60', etag: '"e"' }).end(told);
};

/** Sends bytes as they are; resolves with all that comes back until the server closes. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => void (text += chunk));
  socket.on('error', () => undefined);
  socket.write(bytes, 'latin1');
  await once(socket, 'close');
  return text;
}

describe('poisoning: what is not in the key cannot change what others are given', () => {
  test.each([
    ['Host', 'evil.test'],
    ['X-Forwarded-Host', 'evil.test'],
    ['X-Forwarded-Proto', 'evil'],
    ['X-Forwarded-Scheme', 'evil'],
    ['X-Forwarded-Port', '666'],
    ['X-Forwarded-Prefix', '/evil'],
    ['X-Forwarded-For', 'evil'],
    ['X-Forwarded-Anything', 'evil'],
    ['Forwarded', 'host=evil.test'],
    ['X-Real-IP', 'evil'],
    ['X-Host', 'evil.test'],
    ['X-Original-Host', 'evil.test'],
    ['X-HTTP-Host-Override', 'evil.test'],
    ['X-Original-URL', '/evil'],
    ['X-Rewrite-URL', '/evil'],
    ['X-HTTP-Method-Override', 'EVIL'],
    ['X-HTTP-Method', 'EVIL'],
    ['X-Method-Override', 'EVIL'],
  ])('%s', async (name, value) => {
    const { server, seen } = appOf(echo);
    const { port, url } = await start(server);
    const host = name === 'Host' ? '' : 'Host: edge\r\n';
    await raw(port, `GET /a HTTP/1.1\r\n${host}${name}: ${value}\r\nConnection: close\r\n\r\n`);
    const victim = await request(`${url}/a`);
    expect(victim.headers['larder-source']).toBe('cache');
    expect((await victim.body.text()).toLowerCase()).not.toContain(value.toLowerCase());
    expect(seen.length).toBe(1);
  });

  test('a body that comes with a GET is neither stored nor joined', async () => {
    const { server, seen } = appOf(echo);
    const { port, url } = await start(server);
    await raw(port, 'GET /a HTTP/1.1\r\nHost: edge\r\nContent-Length: 4\r\nConnection: close\r\n\r\nevil');
    expect((await request(`${url}/a`)).headers['larder-source']).toBe('cloud');
    expect(seen.length).toBe(2);
  });

  test('an error that a bad header provokes is given to nobody else', async () => {
    const { server } = appOf((incoming, outgoing) => {
      const isBad = incoming.headers['x-bad'] !== undefined;
      outgoing.writeHead(isBad ? 400 : 200, isBad ? {} : { 'cache-control': 'max-age=60' }).end('x');
    });
    const { url } = await start(server);
    expect((await request(`${url}/a`, { headers: { 'x-bad': '1' } })).statusCode).toBe(400);
    expect((await request(`${url}/a`)).statusCode).toBe(200);
  });

  test('the app cannot speak for the edge: source and age are its own word (I13)', async () => {
    const lies = { 'larder-source': 'replica', 'larder-as-of': 'never', 'larder-pending': '7', 'larder-entry': '1' };
    const { server } = appOf((incoming, outgoing) =>
      outgoing.writeHead(200, { ...lies, 'cache-control': incoming.url === '/a' ? 'max-age=60' : 'no-store' }).end('x'),
    );
    const { url } = await start(server);
    for (const [path, source] of [
      ['/a', 'cloud'],
      ['/a', 'cache'],
      ['/b', 'cloud'],
    ]) {
      const { headers } = await request(url + path);
      expect(headers['larder-source']).toBe(source);
      expect(headers['larder-as-of']).toMatch(/^\d{4}-/);
      expect([headers['larder-pending'], headers['larder-entry']]).toEqual([undefined, undefined]);
    }
  });
});

describe('injection', () => {
  test.each(['/a%0d%0aSet-Cookie:%20evil=1', '/a?b=%0d%0a%0d%0aevil', '/a%00b'])(
    '%s stays what it is: text in a URL',
    async (target) => {
      const { server, seen } = appOf((incoming, outgoing) =>
        outgoing.writeHead(302, { location: `http://app.test${incoming.url}`, 'cache-control': 'max-age=60' }).end(),
      );
      const { port } = await start(server);
      const head = `GET ${target} HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n`;
      for (const text of [await raw(port, head), await raw(port, head)]) {
        expect(text).toMatch(/^HTTP\/1\.1 302 /);
        expect(text.toLowerCase()).not.toMatch(/^set-cookie/m);
        expect(text.split('\r\n\r\n')).toHaveLength(2);
      }
      expect(seen.map(({ url }) => url)).toEqual([target]);
    },
  );

  test.each(['/a b', '/a\tb', '/\x7fa', '/caf\xe9', '/a#b', '/a\\b', '*', 'a'])(
    'a target with what no target has is refused: %j',
    async (target) => {
      const { server, seen } = appOf(echo);
      const { port } = await start(server);
      expect(await raw(port, `GET ${target} HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n`)).toMatch(/ 400 /);
      expect(seen).toEqual([]);
    },
  );
});

describe('smuggling: one request to the edge is one request to the app, or none', () => {
  const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: edge\r\n\r\n';
  const post = (fields: string, body: string) => `POST /a HTTP/1.1\r\nHost: edge\r\n${fields}\r\n${body}`;
  test.each([
    ['CL.TE', post('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${smuggled}`)],
    ['TE.CL', post('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', `1\r\nx\r\n0\r\n\r\n${smuggled}`)],
    ['TE.TE', post('Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n', `0\r\n\r\n${smuggled}`)],
    ['TE.TE, hidden', post('Transfer-Encoding: \x0bchunked\r\n', `0\r\n\r\n${smuggled}`)],
    ['CL.CL', post('Content-Length: 0\r\nContent-Length: 45\r\n', smuggled)],
    ['CL in a list', post('Content-Length: 0, 45\r\n', smuggled)],
    ['CL negative', post('Content-Length: -1\r\n', smuggled)],
    ['CL beyond all numbers', post(`Content-Length: ${'9'.repeat(30)}\r\n`, smuggled)],
    ['a folded field', post('X-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n', smuggled)],
    ['a bare CR in a field', post('X-A: b\rTransfer-Encoding: chunked\r\nContent-Length: 0\r\n', smuggled)],
    ['a bare LF between fields', post('X-A: b\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n', smuggled)],
    ['an extension that hides a line', post('Transfer-Encoding: chunked\r\n', `2;a\nxx\r\nab\r\n0\r\n\r\n${smuggled}`)],
    ['an old version with chunks', `POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`],
    ['two versions', `GET /a HTTP/1.1 HTTP/1.1\r\nHost: edge\r\n\r\n${smuggled}`],
  ])('%s', async (_name, bytes) => {
    const { server, seen } = appOf(echo);
    const { port, url } = await start(server);
    const text = await raw(port, bytes);
    expect(text).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(seen.map((one) => one.url)).not.toContain('/smuggled');
    // The next one on a connection of its own is answered as if nothing had been.
    expect(await (await request(`${url}/next`)).body.text()).toContain('/next');
  });

  test('a request in a body is a body', async () => {
    const bodies: string[] = [];
    const { server, seen } = appOf((incoming, outgoing) => {
      let body = '';
      incoming
        .on('data', (chunk) => (body += chunk))
        .on('end', () => {
          bodies.push(body);
          outgoing.end('done');
        });
    });
    const { url } = await start(server);
    for (const method of ['POST', 'GET', 'DELETE'] as const)
      await (await request(`${url}/a`, { method, body: smuggled })).body.dump();
    expect(bodies.filter((body) => body !== '')).toEqual([smuggled, smuggled, smuggled]);
    expect(seen.map((one) => one.url)).toEqual(['/a', '/a', '/a']);
  });

  test('an answer that the app did not ask to give reaches nobody', async () => {
    const two = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
    const app = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        const [, path] = chunk.toString('latin1').split(' ');
        const body = `this is ${path}`;
        socket.write(path === '/two' ? two : `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      });
    });
    const { url } = await start(app);
    for (let round = 0; round < 5; round++) {
      expect(await (await request(`${url}/two`)).body.text()).toBe('ok');
      expect(await (await request(`${url}/next`)).body.text()).toBe('this is /next');
    }
  });
});

describe('absurd ranges cost no more than the body', () => {
  const many = (count: number) => `bytes=${Array.from({ length: count }, (_one, at) => `${at % 10}-`).join(',')}`;
  test.each([
    many(1000),
    many(5),
    'bytes=0-18446744073709551615',
    'bytes=18446744073709551615-',
    'bytes=9-0',
    'bytes=-0',
    'bytes=-18446744073709551616',
    'bytes=--1',
    'bytes=0-0x5',
    'bytes=',
    'bytes',
    ',',
    'bytes=0-0,',
    `bytes=${'9'.repeat(5000)}-`,
  ])('%.40s', async (range) => {
    const { server, seen } = appOf((_incoming, outgoing) =>
      outgoing.writeHead(200, { 'cache-control': 'max-age=60', etag: '"e"' }).end('0123456789'),
    );
    const { url } = await start(server);
    await (await request(`${url}/a`)).body.dump();
    const answer = await request(`${url}/a`, { headers: { range } });
    expect([200, 206, 416]).toContain(answer.statusCode);
    const text = await answer.body.text();
    expect('0123456789').toContain(text);
    expect(seen.length).toBe(1);
  });
});

/** RFC 6455 §4.2.2. */
const acceptOf = (key: string) =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

/** The same frame back without its mask; short ones only (RFC 6455 §5.2). */
function echoOf(frame: Buffer): Buffer {
  const length = frame.readUInt8(1) & 0x7f;
  const mask = frame.subarray(2, 6);
  const payload = frame.subarray(6, 6 + length).map((byte, at) => byte ^ (mask[at % 4] ?? 0));
  return Buffer.concat([Buffer.from([frame.readUInt8(0), length]), payload]);
}

describe('what stays open', () => {
  test('a WebSocket goes through in both directions, and its end too', async () => {
    const app = createServer();
    app.on('upgrade', (incoming, socket) => {
      const key = String(incoming.headers['sec-websocket-key']);
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
          `Sec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`,
      );
      socket.on('data', (frame: Buffer) => {
        socket.write(echoOf(frame));
        // A close frame: whoever serves ends the connection (RFC 6455 §7.1.1).
        if ((frame.readUInt8(0) & 0x0f) === 8) socket.end();
      });
      socket.on('end', () => socket.end());
      socket.on('error', () => undefined);
    });
    const { url } = await start(app);
    const client = new WebSocket(`${url.replace('http', 'ws')}/live`);
    await once(client, 'open');
    for (const text of ['hello', 'again']) {
      client.send(text);
      const [message] = (await once(client, 'message')) as [{ data: unknown }];
      expect(message.data).toBe(text);
    }
    client.close();
    await once(client, 'close');
  });

  test('events reach everybody who listens, as they are sent, and nobody is given another’s', async () => {
    const open: { user: string; send(text: string): void; closed: boolean }[] = [];
    const { server } = appOf((incoming, outgoing) => {
      const stream = {
        user: String(incoming.headers.authorization),
        send: (text: string) => void outgoing.write(`data: ${text}\n\n`),
        closed: false,
      };
      outgoing.on('close', () => (stream.closed = true));
      outgoing.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'max-age=60' }).flushHeaders();
      if (incoming.url === '/events') open.push(stream);
      else outgoing.end();
    });
    const { url } = await start(server);
    const users = ['anna', 'ben', 'ben'];
    const answers = await Promise.all(
      users.map((authorization) => fetch(`${url}/events`, { headers: { authorization } })),
    );
    const readers = answers.map(({ body }) => body?.pipeThrough(new TextDecoderStream()).getReader());
    expect(open.map(({ user }) => user).sort()).toEqual(users);
    for (const round of ['1', '2']) {
      for (const { user, send } of open) send(`${round} for ${user}`);
      for (const [at, reader] of readers.entries())
        expect((await reader?.read())?.value).toBe(`data: ${round} for ${users[at]}\n\n`);
    }
    for (const reader of readers) await reader?.cancel();
    // Whoever leaves is let go of by the app as well.
    await vi.waitFor(() => expect(open.every(({ closed }) => closed)).toBe(true), { timeout: 30_000 });
  });
});
