import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { IncomingMessage, RequestListener } from 'node:http';
import { request as requestHttps } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { readConsoleToken } from '../data-directory.ts';
import { TEST_CA } from '../tls/test-certificates.ts';
import { answerOf, ask, Frames, HEADERS_ONLY, requestOf, startTlsEdge, until } from './test-client.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

const start = (answer: RequestListener, flags: Record<string, string> = {}) => startTlsEdge(answer, ending, flags);

async function openFrames(port: number): Promise<Frames> {
  const wire = await Frames.open(port);
  ending.push(() => wire.end());
  return wire;
}

/** Cacheable, and says what it was asked. */
const echo: RequestListener = (incoming, outgoing) => {
  outgoing.writeHead(200, { 'cache-control': 'public, max-age=60', etag: '"e"', 'content-type': 'text/plain' });
  outgoing.end(`${incoming.method} ${incoming.url}`);
};

/** Speaks HTTP/1.1 over TLS. */
async function askHttp1(url: string, headers: Record<string, string> = {}) {
  const outgoing = requestHttps(url, { ca: TEST_CA, headers, agent: false }).end();
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  return { status: answer.statusCode, version: answer.httpVersion, headers: answer.headers, text: await text(answer) };
}

/** Fields that RFC 9113 §8.2.2 forbids. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'transfer-encoding', 'proxy-connection', 'upgrade', 'te', 'trailer'];

describe('reads', () => {
  test('one port answers both versions from one cache', async () => {
    const { connect, url } = await start(echo);
    const session = connect();
    const miss = await ask(session, { ':path': '/a?b' });
    expect(miss).toMatchObject({ status: 200, text: 'GET /a?b' });
    expect(miss.headers['cache-status']).toBe('larder; fwd=uri-miss; stored');
    const hit = await ask(session, { ':path': '/a?b' });
    expect(hit.headers).toMatchObject({ 'larder-source': 'cache', age: expect.any(String), 'content-length': '8' });
    expect(hit.headers['cache-status']).toMatch(/^larder; hit; ttl=/);
    expect(hit.text).toBe('GET /a?b');
    const old = await askHttp1(`${url}/a?b`);
    expect(old).toMatchObject({ status: 200, version: '1.1', text: 'GET /a?b' });
    expect(old.headers['larder-source']).toBe('cache');
  });

  test('HEAD, 304, ranges, and a decoded body', async () => {
    const { connect } = await start((incoming, outgoing) => {
      if (incoming.url !== '/zip') return echo(incoming, outgoing);
      outgoing.writeHead(200, { 'cache-control': 'max-age=60', 'content-encoding': 'gzip', vary: 'accept-encoding' });
      return outgoing.end(gzipSync('unzipped'));
    });
    const session = connect();
    await ask(session, { ':path': '/a' });
    const head = await ask(session, { ':path': '/a', ':method': 'HEAD' });
    expect([head.status, head.headers['content-length'], head.text]).toEqual([200, '6', '']);
    const unstored = await ask(session, { ':path': '/b', ':method': 'HEAD' });
    expect([unstored.status, unstored.text]).toEqual([200, '']);
    const same = await ask(session, { ':path': '/a', 'if-none-match': '"e"' });
    expect([same.status, same.headers.etag, same.text]).toEqual([304, '"e"', '']);
    const part = await ask(session, { ':path': '/a', range: 'bytes=4-5' });
    expect([part.status, part.headers['content-range'], part.text]).toEqual([206, 'bytes 4-5/6', '/a']);
    await ask(session, { ':path': '/zip', 'accept-encoding': 'gzip' });
    const plain = await ask(session, { ':path': '/zip', 'accept-encoding': 'identity' });
    expect([plain.headers['content-encoding'], plain.text]).toEqual([undefined, 'unzipped']);
  });

  test('many at once on one connection each get their own answer', async () => {
    const { connect } = await start(echo);
    const session = connect();
    const paths = Array.from({ length: 200 }, (_, at) => `/${at % 50}`);
    const answers = await Promise.all(paths.map((path) => ask(session, { ':path': path })));
    expect(answers.map((answer) => answer.text)).toEqual(paths.map((path) => `GET ${path}`));
  });

  test('a large body comes at the pace of its reader, and another stream is not held up by it', async () => {
    const size = 32 * 1024 * 1024;
    let written = 0;
    const { connect } = await start(
      (incoming, outgoing) => {
        if (incoming.url !== '/large') return echo(incoming, outgoing);
        outgoing.writeHead(200, { 'cache-control': 'no-store', 'content-length': size });
        const more = () => {
          while (written < size) {
            written += 65_536;
            if (!outgoing.write(Buffer.alloc(65_536))) return void outgoing.once('drain', more);
          }
          outgoing.end();
        };
        return more();
      },
      { maxObjectBytes: '1000' },
    );
    const session = connect();
    const stream = session.request({ ':path': '/large' });
    await once(stream, 'response');
    // The one that is not read stands still; what others ask is answered.
    let before = -1;
    await until(async () => {
      const isStill = before === written;
      before = written;
      for (let turn = 0; turn < 5; turn++) await ask(session, { ':path': `/small/${turn}` });
      return isStill;
    });
    expect(written).toBeLessThan(size / 2);
    let got = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) got += chunk.length;
    expect(got).toBe(size);
  });

  test('a client that resets its stream does not end a fill that others wait for', async () => {
    let asked = 0;
    const { connect, app } = await start((_incoming, outgoing) => {
      asked++;
      outgoing.writeHead(200, { 'cache-control': 'max-age=60', 'content-length': 10 });
      outgoing.write('first');
      app.once('rest', () => outgoing.end('-rest'));
    });
    const session = connect();
    const leaving = session.request({ ':path': '/a' });
    leaving.on('error', () => undefined);
    await once(leaving, 'data');
    const staying = ask(session, { ':path': '/a' });
    leaving.close(8);
    await once(leaving, 'close');
    app.emit('rest');
    expect((await staying).text).toBe('first-rest');
    expect((await ask(session, { ':path': '/a' })).headers['larder-source']).toBe('cache');
    expect(asked).toBe(1);
  });

  test('an answer that the app breaks off is reset, so that nobody takes a part for the whole', async () => {
    const { connect } = await start((_incoming, outgoing) => {
      outgoing.writeHead(200, { 'cache-control': 'no-store' });
      outgoing.write('part', () => setImmediate(() => outgoing.destroy()));
    });
    await expect(ask(connect(), { ':path': '/a' })).rejects.toThrow(/INTERNAL_ERROR|closed by 2/);
  });

  test('events come one by one, and the app hears that the client has gone', async () => {
    let isLeft = false;
    const { connect, app } = await start((_incoming, outgoing) => {
      outgoing.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' }).flushHeaders();
      outgoing.once('close', () => void (isLeft = true));
      app.on('next', (event: string) => outgoing.write(`data: ${event}\n\n`));
    });
    const stream = connect().request({ ':path': '/events' });
    const [headers] = await once(stream, 'response');
    expect(headers['content-type']).toBe('text/event-stream');
    for (const event of ['1', '2']) {
      app.emit('next', event);
      expect(String((await once(stream, 'data'))[0])).toBe(`data: ${event}\n\n`);
    }
    stream.close();
    await until(() => isLeft);
  });

  test('what comes before the answer is passed on', async () => {
    const { connect } = await start((incoming, outgoing) => {
      outgoing.writeEarlyHints({ link: '</style.css>; rel=preload' }, () => echo(incoming, outgoing));
    });
    expect(await ask(connect(), { ':path': '/a' })).toMatchObject({ status: 200, interim: [103] });
  });
});

describe('what must not be said over HTTP/2', () => {
  test('nothing of a connection gets through, from the app or from the edge', async () => {
    const { connect } = await start((_incoming, outgoing) => {
      outgoing.socket?.end(
        'HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\n' +
          'Upgrade: h2c\r\nX-Twice: 1\r\nX-Twice: 2\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      );
    });
    const session = connect();
    for (const path of ['/a', '/_edge/health', '/_edge/none']) {
      const { headers } = await ask(session, { ':path': path });
      for (const name of [...HOP_BY_HOP, 'x-hop']) expect(headers).not.toHaveProperty(name);
    }
    expect(await ask(session, { ':path': '/b' })).toMatchObject({ text: 'ok', headers: { 'x-twice': '1, 2' } });
  });

  test('a status beyond 599, which is no status, is a 500', async () => {
    const { connect } = await start((_incoming, outgoing) => void outgoing.writeHead(999).end('odd'));
    expect(await ask(connect(), { ':path': '/a' })).toMatchObject({ status: 500, text: 'odd' });
  });
});

describe('bodies of requests', () => {
  test('go through as they come, and the app is told of https and of the host that was asked for', async () => {
    const { connect, port } = await start((incoming, outgoing) => {
      incoming.once('data', (first) => outgoing.writeHead(200, { 'x-first': String(first) }));
      void text(incoming).then((rest) => outgoing.end(JSON.stringify([rest, incoming.headers])));
    });
    const stream = connect().request({ ':method': 'POST', ':path': '/a', 'x-forwarded-proto': 'ftp' });
    stream.write('first');
    stream.end('-rest');
    const answer = await answerOf(stream);
    const [, headers] = JSON.parse(answer.text) as [string, Record<string, string>];
    expect(headers).toMatchObject({
      'x-forwarded-proto': 'https',
      'x-forwarded-host': `localhost:${port}`.replace('localhost', '127.0.0.1'),
      forwarded: `for=127.0.0.1;proto=https;host="127.0.0.1:${port}"`,
    });
    expect(Object.keys(headers).filter((name) => name.startsWith(':'))).toEqual([]);
  });

  test('one that breaks off is never a whole one for the app', async () => {
    let ended: 'whole' | 'broken' | null = null;
    let begun = false;
    const { port } = await start((incoming) => {
      incoming.on('data', () => void (begun = true));
      incoming.on('end', () => void (ended = 'whole'));
      incoming.on('error', () => void (ended = 'broken'));
    });
    const wire = await openFrames(port);
    wire.request(1, requestOf({ ':method': 'POST' }), HEADERS_ONLY);
    wire.data(1, 'half');
    await until(() => begun);
    wire.reset(1);
    await until(() => ended !== null);
    expect(ended).toBe('broken');
  });

  test('one that nobody reads is refused once the answer is there', async () => {
    const { connect } = await start(echo);
    const stream = connect().request({ ':method': 'POST', ':path': '/_edge/none' });
    stream.write('x');
    expect((await answerOf(stream)).status).toBe(404);
    await until(() => stream.closed);
  });

  test('a client that waits for 100 is told to go on', async () => {
    const { connect } = await start((incoming, outgoing) => void text(incoming).then((body) => outgoing.end(body)));
    const stream = connect().request({ ':method': 'POST', ':path': '/a', expect: '100-continue' });
    stream.once('continue', () => stream.end('gone on'));
    expect((await answerOf(stream)).text).toBe('gone on');
  });
});

describe('writes that the profile knows', () => {
  const PROFILE = `
    export default {
      name: 'notes', release: 1, probe: '/', honoursKeys: true, resources: {}, reads: {},
      genuine: () => true, user: () => ({ id: 'u', store: 'S1' }), scope: () => 'u', classify: () => 'done', send: (req) => req,
      writes: {
        'POST /notes': {
          kind: 'fact', check: (_db, req) => req.body ?? {}, apply() {},
          answer: (_db, req) => ({ status: 201, headers: { connection: 'close' }, body: req.body ?? {} }),
        },
      },
    };`;

  async function startCutOff() {
    const edge = await start((_incoming, outgoing) => void outgoing.end('{}'));
    const profile = join(edge.directory, 'profile.mjs');
    writeFileSync(profile, PROFILE);
    const { connect, app, port } = await start(echo, { profile, store: 'S1' });
    app.close();
    app.closeAllConnections();
    const session = connect();
    const waiting = async () =>
      JSON.parse((await ask(session, { ':path': '/_edge/status' })).text).queue.length as number;
    return { session, waiting, port };
  }
  const POST = { ':method': 'POST', ':path': '/notes', 'content-type': 'application/json', 'idempotency-key': 'k1' };

  test('are answered with 202 while the cloud is away', async () => {
    const { session, waiting } = await startCutOff();
    const answer = await ask(session, POST, '{"note":1}');
    expect(answer).toMatchObject({ status: 202, text: '{"note":1}' });
    expect(answer.headers['larder-entry']).toMatch(/state=queued/);
    await until(async () => (await waiting()) === 1);
  });

  test('I2: one whose body breaks off was never sent', async () => {
    const { session, waiting, port } = await startCutOff();
    const wire = await openFrames(port);
    wire.request(1, requestOf(POST), HEADERS_ONLY);
    // Whole by itself, were it not for what is missing.
    wire.data(1, '{"note":1}');
    wire.reset(1);
    wire.ping();
    await until(() => wire.received.includes('6'));
    expect((await ask(session, { ...POST, 'idempotency-key': 'k2' }, '{"note":2}')).status).toBe(202);
    await until(async () => (await waiting()) > 0);
    expect(await waiting()).toBe(1);
  });
});

describe('the edge itself', () => {
  test('its pages are there, and its commands need the token', async () => {
    const { connect, directory } = await start(echo);
    const session = connect();
    expect((await ask(session, { ':path': '/_edge/health' })).status).toBe(200);
    expect((await ask(session, { ':path': '/metrics' })).text).toContain('larder_certificate_expiry_seconds');
    const hold = { ':method': 'POST', ':path': '/_edge/link', authorization: 'Bearer wrong' };
    expect((await ask(session, hold, '{"hold":true}')).status).toBe(403);
    const authorization = `Bearer ${readConsoleToken(join(directory, 'data'))}`;
    expect(await ask(session, { ...hold, authorization }, '{"hold":true}')).toMatchObject({ status: 200 });
    const status = JSON.parse((await ask(session, { ':path': '/_edge/status' })).text);
    expect(status).toMatchObject({ link: { held: true }, certificate: { expiring: false } });
  });

  test('says goodbye and lets what is under way end', async () => {
    const { connect, app, close } = await start(
      (_incoming, outgoing) => {
        app.once('go', () => outgoing.end('late'));
        app.emit('reached');
      },
      { shutdownGraceMs: '60000' },
    );
    const session = connect();
    const reached = once(app, 'reached');
    const underWay = ask(session, { ':path': '/a' });
    await reached;
    const goodbye = once(session, 'goaway');
    const closed = close();
    await goodbye;
    app.emit('go');
    expect((await underWay).text).toBe('late');
    await closed;
  });

  test('a WebSocket goes through over TLS and HTTP/1.1; over HTTP/2 none is offered', async () => {
    const { connect, app, url } = await start(echo);
    app.on('upgrade', (_incoming, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
      socket.on('data', (chunk) => socket.write(`echo ${chunk}`));
      socket.on('error', () => undefined);
    });
    const headers = { connection: 'Upgrade', upgrade: 'websocket' };
    const outgoing = requestHttps(`${url}/live`, { ca: TEST_CA, headers, agent: false }).end();
    const [, socket] = await once(outgoing, 'upgrade');
    socket.write('hello');
    expect(String((await once(socket, 'data'))[0])).toBe('echo hello');
    socket.destroy();
    const session = connect();
    await once(session, 'remoteSettings');
    expect(session.remoteSettings).toMatchObject({ enableConnectProtocol: false, maxConcurrentStreams: 128 });
  });
});
