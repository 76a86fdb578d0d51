import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  request as httpRequest,
  type RequestListener,
  type Server,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { json, text } from 'node:stream/consumers';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Fate } from '@larder/sync/link';
import { createCloud } from './cloud.ts';
import type { Exchange } from './exchange.ts';
import { createForward, type ForwardOptions } from './forward.ts';
import { createForwardUpgrade } from './forward-upgrade.ts';
import { sendProblem } from './respond.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

async function listen(server: Server): Promise<URL> {
  // Upgraded sockets no longer belong to the server.
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ending.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

interface Rig {
  edge: URL;
  app: Server;
  fates: Fate[];
  /** The edge's ends of what was upgraded. */
  clients: Duplex[];
  onUnsafe: ReturnType<typeof vi.fn<ForwardOptions['onUnsafe']>>;
}

/** App, cloud pool and edge, each real. */
async function rig(handle: RequestListener, { held = false, origin = null as URL | null } = {}): Promise<Rig> {
  const app = createServer(handle);
  const there = await listen(app);
  const fates: Fate[] = [];
  const report = (fate: Fate) => void fates.push(fate);
  const shared = { origin: origin ?? there, report, connectTimeout: 1000, headersTimeout: 500, link: { held } };
  const cloud = createCloud({ ...shared, bodyTimeout: 500, connections: 8 });
  const onUnsafe = vi.fn<ForwardOptions['onUnsafe']>();
  const forward = createForward({ cloud, link: { held }, onUnsafe });
  const edge = createServer((request, response) => {
    const { pathname: path, search } = new URL(request.url ?? '', 'http://edge');
    const parts = { request, response, method: request.method ?? '', path, search };
    const rest = { caller: null, claims: null, user: null, scope: '', params: {}, read: null, write: null };
    const exchange: Exchange = { ...parts, ...rest };
    forward(exchange).catch((error: unknown) => sendProblem(response, error));
  });
  const clients: Duplex[] = [];
  edge.on('upgrade', (_request, socket) => void clients.push(socket));
  edge.on('upgrade', createForwardUpgrade(shared));
  ending.push(() => cloud.close());
  return { edge: await listen(edge), app, fates, onUnsafe, clients };
}

const refusing = new URL('http://127.0.0.1:1');

/** Begins a request whose body the test writes itself. */
function begin(edge: URL, method: string, headers: Record<string, string> = {}) {
  const outgoing = httpRequest(edge, { method, headers });
  const answer = once(outgoing, 'response').then(([response]) => response as IncomingMessage);
  answer.catch(() => undefined);
  return { outgoing, answer };
}

describe('what is forwarded', () => {
  test('arrives whole, and so does its answer', async () => {
    const seen: IncomingMessage[] = [];
    const { edge } = await rig((request, response) => {
      seen.push(request);
      response.writeHead(201, { 'x-answer': '1', 'cache-status': 'origin; hit' });
      request.pipe(response);
    });
    const headers = { 'x-question': '1', 'x-forwarded-for': '10.0.0.1' };
    const answer = await fetch(new URL('/a?b=c', edge), { method: 'PATCH', headers, body: 'body' });
    expect([answer.status, await answer.text()]).toEqual([201, 'body']);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'x-answer': '1',
      via: '1.1 larder',
      'cache-status': 'origin; hit, larder; fwd=method',
      'larder-source': 'cloud',
    });
    expect(seen[0]).toMatchObject({ method: 'PATCH', url: '/a?b=c' });
    expect(seen[0]?.headers).toMatchObject({ 'x-question': '1', 'x-forwarded-for': '127.0.0.1' });
    expect(seen[0]?.headers['forwarded']).toBe(`for=127.0.0.1;proto=http;host="${edge.host}"`);
  });

  test('a stream of events comes through event by event', async () => {
    const { edge, app } = await rig((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      app.once('next', () => response.write('data: 1\n\n'));
      app.once('last', () => response.end('data: 2\n\n'));
    });
    const { body } = await fetch(edge);
    const reader = (body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
    app.emit('next');
    expect((await reader.read()).value).toBe('data: 1\n\n');
    app.emit('last');
    expect((await reader.read()).value).toBe('data: 2\n\n');
    expect((await reader.read()).done).toBe(true);
  });

  test('an upload comes through part by part', async () => {
    const parts: string[] = [];
    const { edge } = await rig((request, response) => {
      request.on('data', (part: Buffer) => parts.push(part.toString()));
      request.on('end', () => response.end());
    });
    const { outgoing, answer } = begin(edge, 'POST');
    outgoing.write('first');
    await vi.waitFor(() => expect(parts).toEqual(['first']));
    outgoing.end('second');
    expect((await answer).statusCode).toBe(200);
  });

  test('an app that answers before the upload is complete is heard', async () => {
    const { edge } = await rig((_request, response) => response.writeHead(413).end('too much'));
    const { outgoing, answer } = begin(edge, 'POST');
    outgoing.on('error', () => undefined);
    outgoing.write('first');
    const response = await answer;
    expect([response.statusCode, await text(response)]).toEqual([413, 'too much']);
    outgoing.destroy();
  });
});

describe('a client that leaves', () => {
  test.for(['before the answer', 'in the middle of it'])('%s ends the request to the cloud', async (when) => {
    const arrived = vi.fn<() => void>();
    const gone = vi.fn<() => void>();
    const { edge, fates } = await rig((request, response) => {
      request.socket.once('close', gone);
      if (when !== 'before the answer') response.write('part');
      arrived();
    });
    const { outgoing, answer } = begin(edge, 'GET');
    outgoing.on('error', () => undefined).end();
    await vi.waitFor(() => expect(arrived).toHaveBeenCalled());
    if (when !== 'before the answer') await answer;
    outgoing.destroy();
    await vi.waitFor(() => expect(gone).toHaveBeenCalled());
    expect(fates).toEqual([]);
  });

  test('in the middle of its upload ends the request to the cloud', async () => {
    const gone = vi.fn<() => void>();
    const arrived = vi.fn<() => void>();
    const { edge, fates } = await rig((request) => {
      request.once('data', arrived);
      request.socket.once('close', gone);
    });
    const { outgoing } = begin(edge, 'POST');
    outgoing.on('error', () => undefined).write('part');
    await vi.waitFor(() => expect(arrived).toHaveBeenCalled());
    outgoing.destroy();
    await vi.waitFor(() => expect(gone).toHaveBeenCalled());
    expect(fates).toEqual([]);
  });
});

describe('a fault becomes a problem that says what is known', () => {
  const silent: RequestListener = () => undefined;
  const resetting: RequestListener = (request) => request.socket.resetAndDestroy();

  test.for([
    ['GET', 'is refused', refusing, silent, 503, 'LARDER_OFFLINE'],
    ['POST', 'is refused', refusing, silent, 503, 'LARDER_OFFLINE_WRITE'],
    ['GET', 'gets no answer', null, silent, 504, 'LARDER_CLOUD_TIMEOUT'],
    ['POST', 'gets no answer', null, silent, 504, 'LARDER_CLOUD_TIMEOUT'],
    ['GET', 'is broken off', null, resetting, 502, 'LARDER_CLOUD_FAILED'],
  ] as const)('%s that %s', async ([method, , origin, app, status, code]) => {
    const { edge } = await rig(app, { origin });
    const answer = await fetch(edge, { method, ...(method === 'POST' ? { body: 'x'.repeat(100_000) } : {}) });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toMatch('application/problem+json');
    expect(await answer.json()).toMatchObject({ status, code });
  });

  test('I13: a write that was sent and got no verdict may have taken effect, and the problem says so', async () => {
    const { edge } = await rig(resetting);
    const answer = await fetch(edge, { method: 'DELETE' });
    expect(await answer.json()).toMatchObject({ detail: expect.stringContaining('may have taken effect') as string });
  });

  test('under the hold nothing is tried', async () => {
    const { edge, fates } = await rig((_request, response) => response.end(), { held: true });
    const answer = await fetch(edge, { method: 'PUT', body: 'x' });
    expect(await answer.json()).toMatchObject({ code: 'LARDER_OFFLINE_WRITE' });
    expect(fates).toEqual([]);
  });

  test('in the middle of an answer the client sees it broken, not whole', async () => {
    const { edge } = await rig((request, response) => response.write('half', () => request.socket.destroy()));
    const answer = await fetch(edge);
    await expect(answer.text()).rejects.toThrow('terminated');
  });
});

describe('an unsafe method', () => {
  test('is told of, once it has succeeded, before the client is answered (I6)', async () => {
    const { edge, onUnsafe } = await rig((_request, response) => response.writeHead(204, { etag: '"2"' }).end());
    let invalidated = false;
    onUnsafe.mockImplementation(async () => {
      await new Promise((done) => setImmediate(done));
      invalidated = true;
    });
    await fetch(new URL('/items/1', edge), { method: 'DELETE' });
    expect(invalidated).toBe(true);
    const told = [expect.objectContaining({ path: '/items/1' }), 204, expect.objectContaining({ etag: '"2"' })];
    expect(onUnsafe.mock.calls).toEqual([told]);
  });

  test.for([
    ['GET', 200],
    ['POST', 422],
    ['PUT', 500],
  ] as const)('%s answered with %s changes nothing', async ([method, status]) => {
    const { edge, onUnsafe } = await rig((_request, response) => response.writeHead(status).end());
    await fetch(edge, { method });
    expect(onUnsafe).not.toHaveBeenCalled();
  });
});

describe('a WebSocket', () => {
  const shake = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': 'a2V5', 'x-forwarded-for': 'evil' };

  /** An app that echoes whatever comes after the handshake. */
  const echoing = (app: Server, seen: IncomingMessage[] = []) =>
    app.on('upgrade', (request, socket) => {
      seen.push(request);
      socket.on('error', () => undefined);
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
      socket.pipe(socket);
    });

  async function open(edge: URL): Promise<Socket> {
    const { outgoing } = begin(new URL('/live?x=1', edge), 'GET', shake);
    outgoing.end();
    const [, socket] = (await once(outgoing, 'upgrade')) as [IncomingMessage, Socket];
    return socket;
  }

  test('is open in both directions', async () => {
    const { edge, app, fates } = await rig(() => undefined);
    const seen: IncomingMessage[] = [];
    echoing(app, seen);
    const socket = await open(edge);
    socket.write('hello');
    expect(String((await once(socket, 'data'))[0])).toBe('hello');
    expect(seen[0]).toMatchObject({ url: '/live?x=1' });
    expect(seen[0]?.headers).toMatchObject({ 'sec-websocket-key': 'a2V5', 'x-forwarded-for': '127.0.0.1' });
    expect(fates).toMatchObject([{ type: 'answered' }]);
    socket.destroy();
  });

  test('closes on one side when it closes on the other', async () => {
    const { edge, app } = await rig(() => undefined);
    const theirs = once(app, 'upgrade').then(([, socket]) => socket as Socket);
    echoing(app);
    const socket = await open(edge);
    const closed = once(socket, 'close');
    socket.resume();
    (await theirs).destroy();
    await closed;
    expect(socket.destroyed).toBe(true);
  });

  test('whose client is gone leaves nothing half open, though the app goes on talking', async () => {
    const { edge, app, clients } = await rig(() => undefined);
    // It does not answer an end with its own.
    app.on('upgrade', (_request, socket) => {
      socket.on('error', () => undefined).resume();
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
      const talk = () => void (socket.writable && socket.write('still there?', () => setImmediate(talk)));
      talk();
    });
    const theirs = once(app, 'upgrade').then(([, socket]) => socket as Socket);
    const socket = await open(edge);
    socket.on('error', () => undefined);
    const talking = await theirs;
    const closed = new Promise((resolve) => talking.once('close', resolve));
    // As when the edge gives it up: neither end nor error is told, only that the connection is no more.
    for (const client of clients) client.destroy();
    await closed;
    expect(talking.destroyed).toBe(true);
  });

  test.for([
    ['is refused', refusing, 503, 'refused'],
    ['gets no answer', null, 504, 'silent'],
  ] as const)('whose handshake %s gets a problem', async ([, origin, status, fault]) => {
    const { edge, app, fates } = await rig(() => undefined, { origin });
    app.on('upgrade', () => undefined);
    const { outgoing, answer } = begin(edge, 'GET', shake);
    outgoing.end();
    const response = await answer;
    expect(response.statusCode).toBe(status);
    expect(await json(response)).toMatchObject({ status });
    expect(fates).toMatchObject([{ type: 'failed', fault }]);
  });

  test('that the app declines gets its answer', async () => {
    const { edge } = await rig((_request, response) => response.writeHead(426).end('no'));
    const { outgoing, answer } = begin(edge, 'GET', shake);
    outgoing.end();
    expect((await answer).statusCode).toBe(426);
  });

  test('whose client leaves during the handshake leaves nothing open past the time limit', async () => {
    const { edge, app } = await rig(() => undefined);
    const arriving = once(app, 'upgrade');
    const { outgoing } = begin(edge, 'GET', shake);
    outgoing.on('error', () => undefined).end();
    const [, socket] = (await arriving) as [IncomingMessage, Socket];
    const ended = once(socket.resume(), 'end');
    outgoing.destroy();
    await ended;
    expect(socket.readableEnded).toBe(true);
  });
});
