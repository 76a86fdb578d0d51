import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, test } from 'vitest';
import { ask, Frames, HEADERS_ONLY, literal, requestOf, startTlsEdge, until } from './test-client.ts';
import type { Field, TlsEdge } from './test-client.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

/** What reached the app. */
const seen: string[] = [];
const told: string[] = [];
const echo: RequestListener = (incoming, outgoing) => {
  seen.push(`${incoming.method} ${incoming.url}`);
  told.push(...incoming.rawHeaders);
  outgoing.writeHead(200, { 'cache-control': 'public, max-age=60' }).end(JSON.stringify(incoming.headers));
};

async function start(): Promise<TlsEdge> {
  seen.length = 0;
  told.length = 0;
  return startTlsEdge(echo, ending);
}

async function openFrames({ port }: TlsEdge): Promise<Frames> {
  const wire = await Frames.open(port);
  ending.push(() => wire.end());
  return wire;
}

const isRefused = ({ received, isClosed }: Frames) =>
  isClosed || received.some((frame) => frame.startsWith('3:') || frame.startsWith('7:'));

/** Of another connection. */
const statusOf = async (edge: TlsEdge) => (await ask(edge.connect(), { ':path': '/alive' })).status;

describe('what RFC 9113 calls malformed reaches nobody', () => {
  const request = requestOf({});
  test.each<[string, Field[]]>([
    ['a Connection field', [...request, ['connection', 'keep-alive']]],
    ['chunks', [...request, ['transfer-encoding', 'chunked']]],
    ['Keep-Alive', [...request, ['keep-alive', 'timeout=5']]],
    ['an upgrade', [...request, ['upgrade', 'h2c']]],
    ['a name in capitals', [...request, ['X-A', 'b']]],
    ['a line break in the path', requestOf({ ':path': '/a HTTP/1.1\r\nx-evil: 1' })],
    ['no path', request.filter(([name]) => name !== ':path')],
    ['no method', request.filter(([name]) => name !== ':method')],
    ['a user in the authority', requestOf({ ':authority': 'user@edge' })],
    ['an absolute form', requestOf({ ':path': 'https://other/a' })],
    ['two paths', [...request, [':path', '/b']]],
    ['a pseudo-header field behind others', [['x-a', 'b'], ...request]],
    ['an unknown pseudo-header field', [...request, [':evil', '1']]],
    ['the protocol of RFC 8441', requestOf({ ':method': 'CONNECT', ':protocol': 'websocket' })],
    ['a length without a body', [...request, ['content-length', '5']]],
  ])('%s', async (_name, fields) => {
    const edge = await start();
    const wire = await openFrames(edge);
    wire.request(1, fields);
    await until(() => isRefused(wire));
    expect(seen).toEqual([]);
    expect(await statusOf(edge)).toBe(200);
  });

  test.each([
    ['a line break', 'b\r\nx-evil: 1'],
    ['a NUL', 'b\0x-evil'],
  ])('a field with %s in its value is dropped by node, so that nobody reads two out of it', async (_name, value) => {
    const edge = await start();
    const wire = await openFrames(edge);
    wire.request(1, [...requestOf({ ':method': 'OPTIONS' }), ['x-a', value]]);
    await until(() => seen.length > 0 || isRefused(wire));
    expect(told.join()).not.toContain('evil');
    expect(told.join()).not.toContain('x-a');
  });

  test('a body that is longer than announced', async () => {
    const edge = await start();
    const wire = await openFrames(edge);
    wire.request(1, [...requestOf({ ':method': 'PUT' }), ['content-length', '2']], HEADERS_ONLY);
    wire.data(1, 'much longer');
    await until(() => isRefused(wire));
    expect(await statusOf(edge)).toBe(200);
  });
});

describe('what could be read in two ways gets a 400', () => {
  test.each([
    ['another Host than the authority', { ':authority': 'edge', host: 'evil.test' }],
    ['a parent segment', { ':path': '/a/../_edge/status' }],
    ['a target of another host', { ':path': '//other/a' }],
  ])('%s', async (_name, fields) => {
    const edge = await start();
    const session = edge.connect();
    expect((await ask(session, { ':path': '/a', ...fields })).status).toBe(400);
    expect(seen).toEqual([]);
  });

  test('two credentials', async () => {
    const edge = await start();
    const wire = await openFrames(edge);
    wire.request(1, [...requestOf({}), ['authorization', 'Bearer a'], ['authorization', 'Bearer b']]);
    await until(() => wire.received.includes('1') || isRefused(wire));
    expect(seen).toEqual([]);
  });

  test('the same Host twice over is one host, and poisons nothing', async () => {
    const edge = await start();
    const session = edge.connect();
    await ask(session, {
      ':path': '/a',
      ':authority': 'evil.test',
      host: 'evil.test',
      'x-forwarded-host': 'evil.test',
    });
    const victim = await ask(session, { ':path': '/a' });
    expect(victim.headers['larder-source']).toBe('cache');
    expect(victim.text).not.toContain('evil');
  });
});

describe('I11: what one connection can cost is bounded', () => {
  test('a head beyond all size is refused, and the next one is answered', async () => {
    const edge = await start();
    const session = edge.connect();
    await once(session, 'remoteSettings');
    expect(session.remoteSettings.maxHeaderListSize).toBe(32 * 1024);
    const wire = await openFrames(edge);
    const fields = Array.from({ length: 3 }, (_, at): Field => [`x-${at}`, 'a'.repeat(16_000)]);
    wire.request(1, [...requestOf({}), fields[0] ?? ['x', '']], 0);
    for (const field of fields.slice(1)) wire.send(9, field === fields.at(-1) ? 4 : 0, 1, literal(field));
    // Before the limit is acknowledged by a 400, afterwards by a reset.
    await until(() => wire.received.includes('1') || isRefused(wire));
    expect(seen).toEqual([]);
    const large = Object.fromEntries(fields.map(([name, value]) => [name, value]));
    await expect(ask(session, { ':path': '/a', ...large })).rejects.toThrow(/ENHANCE_YOUR_CALM|FRAME_SIZE|closed/);
    expect(seen).toEqual([]);
    expect(await statusOf(edge)).toBe(200);
  });

  test('a head that never ends ends the connection', async () => {
    const edge = await start();
    const wire = await openFrames(edge);
    wire.request(1, requestOf({}), 0);
    const more = Buffer.concat(Array.from({ length: 100 }, (_, at) => literal([`x-${at}`, 'a'.repeat(100)])));
    await until(() => {
      wire.send(9, 0, 1, more);
      return isRefused(wire);
    });
    expect(seen).toEqual([]);
    expect(await statusOf(edge)).toBe(200);
  });

  test('streams that are reset at once, again and again, end the connection (CVE-2023-44487)', async () => {
    const edge = await start();
    const wire = await openFrames(edge);
    let stream = 1;
    await until(() => {
      for (let count = 0; count < 100; count++, stream += 2) {
        wire.request(stream, requestOf({ ':path': `/reset/${stream}` }));
        wire.reset(stream);
      }
      return wire.received.some((frame) => frame.startsWith('7:')) || wire.isClosed;
    });
    expect(await statusOf(edge)).toBe(200);
  });

  test('more streams than are allowed at once are refused, and what came before is answered', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let reached = 0;
    const edge = await startTlsEdge((_incoming, outgoing) => {
      reached++;
      void held.then(() => outgoing.end('late'));
    }, ending);
    const wire = await openFrames(edge);
    for (let count = 0; count < 200; count++) wire.request(count * 2 + 1, requestOf({ ':path': `/${count}` }));
    await until(() => wire.received.filter((frame) => frame.startsWith('3:')).length >= 72 || wire.isClosed);
    await until(() => reached === 128);
    release();
    await until(() => wire.received.filter((frame) => frame === '1').length === 128);
    expect(reached).toBe(128);
  });

  test('floods of pings and settings leave the edge as it was', async () => {
    const edge = await start();
    const wire = await openFrames(edge);
    for (let count = 0; count < 20_000; count++) {
      wire.ping();
      wire.send(4, 0, 0);
    }
    expect(await statusOf(edge)).toBe(200);
  });
});

describe('what is not TLS, or not enough of it', () => {
  test('clear HTTP on the port is closed, and hurts nobody', async () => {
    const edge = await start();
    const socket = connectTcp(edge.port, '127.0.0.1');
    socket.on('error', () => undefined).resume();
    socket.write('GET /a HTTP/1.1\r\nHost: edge\r\n\r\n');
    await once(socket, 'close');
    expect(seen).toEqual([]);
    expect(await statusOf(edge)).toBe(200);
  });

  test('TLS 1.1 is refused', async () => {
    const edge = await start();
    const old = { minVersion: 'TLSv1' as const, maxVersion: 'TLSv1.1' as const, ciphers: 'DEFAULT@SECLEVEL=0' };
    const socket = connectTls({ port: edge.port, host: '127.0.0.1', rejectUnauthorized: false, ...old });
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toMatch(/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/);
  });
});
