import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { CloudFault } from '@larder/sync/fault';
import type { Fate } from '@larder/sync/link';
import { type CloudOptions, type CloudRequest, createCloud, type PooledCloud } from './cloud.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

interface Bench {
  cloud: PooledCloud;
  fates: Fate[];
  /** The connections that the app has seen. */
  sockets: Socket[];
}

/** A real app behind a real pool. */
async function bench(app: RequestListener, options: Partial<CloudOptions> = {}): Promise<Bench> {
  const sockets: Socket[] = [];
  const server = createServer(app).on('connection', (socket) => sockets.push(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const fates: Fate[] = [];
  const cloud = createCloud({
    origin: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    report: (fate) => fates.push(fate),
    connectTimeout: 1000,
    headersTimeout: 500,
    bodyTimeout: 500,
    connections: 4,
    ...options,
  });
  ending.push(
    () => cloud.close(),
    () => {
      server.close();
      server.closeAllConnections();
    },
  );
  return { cloud, fates, sockets };
}

const get = (extra: Partial<CloudRequest> = {}): CloudRequest => ({
  method: 'GET',
  path: '/',
  headers: {},
  body: null,
  ...extra,
});

/** What a whole exchange, body included, fails with. */
async function failureOf(cloud: PooledCloud, request = get()): Promise<unknown> {
  try {
    const { body } = await cloud.request(request);
    await text(body);
  } catch (error) {
    return error;
  }
  throw new Error('the request succeeded');
}

const fault = (name: string, sent: boolean) => expect.objectContaining({ name: 'CloudFault', fault: name, sent });
const genuine: NonNullable<CloudOptions['genuine']> = ({ headers }) => headers['app'] === 'the-one';

describe('an exchange', () => {
  test('passes method, path, headers and body on, and says Via both ways', async () => {
    const seen: IncomingMessage[] = [];
    const { cloud } = await bench((request, response) => {
      seen.push(request);
      response.writeHead(201, { 'x-hop': '1', connection: 'x-hop', 'set-cookie': ['a=1', 'b=2'] });
      request.pipe(response);
    });
    const headers = { host: 'store.example', 'accept-encoding': 'br', 'content-length': '999' };
    const answer = await cloud.request({ method: 'PUT', path: '/a?b=c', headers, body: 'body' });
    expect(await text(answer.body)).toBe('body');
    expect(answer).toMatchObject({ status: 201, headers: { via: '1.1 larder', 'set-cookie': ['a=1', 'b=2'] } });
    expect(answer.headers).not.toHaveProperty('x-hop');
    expect(seen[0]).toMatchObject({ method: 'PUT', url: '/a?b=c' });
    expect(seen[0]?.headers).toMatchObject({ 'accept-encoding': 'br', 'content-length': '4', via: '1.1 larder' });
    expect(seen[0]?.headers.host).toMatch(/^127\.0\.0\.1:/);
  });

  test('reports one fate, once the answer is complete', async () => {
    const { cloud, fates } = await bench((_request, response) => response.end('whole'));
    const { body } = await cloud.request(get());
    await text(body);
    expect(fates).toEqual([{ type: 'answered', ms: expect.any(Number) as number }]);
  });

  test('does not take early hints for the answer', async () => {
    const { cloud } = await bench((_request, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      response.end('answer');
    });
    const { status, body } = await cloud.request(get());
    expect([status, await text(body)]).toEqual([200, 'answer']);
  });

  test('streams the request as it comes', async () => {
    const parts: string[] = [];
    const { cloud } = await bench((request, response) => {
      request.on('data', (part: Buffer) => parts.push(part.toString()));
      request.on('end', () => response.end());
    });
    const body = new PassThrough();
    const answer = cloud.request(get({ method: 'POST', body }));
    body.write('first');
    await vi.waitFor(() => expect(parts).toEqual(['first']));
    body.end('second');
    expect((await answer).status).toBe(200);
  });

  test('holds the cloud back while nobody reads (I11)', async () => {
    const size = 64 * 1024 * 1024;
    const chunk = Buffer.alloc(64 * 1024);
    const { cloud, sockets } = await bench((_request, response) => {
      Readable.from(
        (function* () {
          for (let at = 0; at < size; at += chunk.length) yield chunk;
        })(),
      ).pipe(response);
    });
    const { body } = await cloud.request(get());
    let before = -1;
    await vi.waitFor(
      () => {
        const now = sockets[0]?.bytesWritten ?? 0;
        const still = now === before;
        before = now;
        expect(still).toBe(true);
      },
      { interval: 200, timeout: 10_000 },
    );
    expect(before).toBeLessThan(size / 2);
    let received = 0;
    for await (const part of body) received += (part as Buffer).length;
    expect(received).toBe(size);
  });
});

describe('a failure becomes a CloudFault and one fate', () => {
  const apps: Record<string, [RequestListener, unknown]> = {
    'no answer': [() => undefined, fault('silent', true)],
    'a stall in the body': [(_request, response) => void response.write('half'), fault('silent', true)],
    'a reset before the answer': [(request) => request.socket.resetAndDestroy(), fault('reset', true)],
    'a reset in mid-body': [
      (request, response) => response.write('half', () => request.socket.destroy()),
      fault('reset', true),
    ],
    "a gateway's 503": [(_request, response) => response.writeHead(503).end('<h1>'), fault('gateway', true)],
    "a portal's page": [(_request, response) => response.writeHead(200).end('<h1>'), fault('portal', true)],
    "a portal's redirect": [(_request, response) => response.writeHead(302).end(), fault('portal', true)],
  };

  test.for(Object.entries(apps))('%s', async ([name, [app, expected]]) => {
    const withProfile = /gateway|portal/.test(name) ? { genuine } : {};
    const { cloud, fates } = await bench(app, withProfile);
    const failure = await failureOf(cloud);
    expect(failure).toEqual(expected);
    const { fault: named } = failure as CloudFault;
    expect(fates).toEqual([{ type: 'failed', fault: named, ms: expect.any(Number) as number }]);
  });

  test('nothing listens there', async () => {
    const { cloud, fates } = await bench(() => undefined, { origin: new URL('http://127.0.0.1:1') });
    expect(await failureOf(cloud)).toEqual(fault('refused', false));
    expect(fates).toMatchObject([{ type: 'failed', fault: 'refused' }]);
  });

  test("the app's own 503 is an answer", async () => {
    const app: RequestListener = (_request, response) => response.writeHead(503, { app: 'the-one' }).end();
    const { cloud } = await bench(app, { genuine });
    expect((await cloud.request(get())).status).toBe(503);
  });

  test('a fault of the profile fails the request, and is not told to the link', async () => {
    const broken = () => {
      throw new TypeError('a bug');
    };
    const { cloud, fates } = await bench((_request, response) => response.end('body'), { genuine: broken });
    expect(await failureOf(cloud)).toMatchObject({ name: 'CloudFault', sent: true });
    expect(fates).toEqual([]);
  });

  test('without a profile every answer is genuine', async () => {
    const { cloud } = await bench((_request, response) => response.writeHead(502).end());
    expect((await cloud.request(get())).status).toBe(502);
  });

  test('a request that found no free connection was not sent', async () => {
    const { cloud } = await bench((_request, response) => void response.write('a stream without an end'), {
      connections: 1,
      bodyTimeout: 10_000,
    });
    const { body } = await cloud.request(get());
    expect(await failureOf(cloud)).toEqual(fault('silent', false));
    body.destroy();
  });

  test('an error that nobody listens for does not end the process', async () => {
    const { cloud, fates } = await bench((request, response) => response.write('x', () => request.socket.destroy()));
    await cloud.request(get());
    await vi.waitFor(() => expect(fates).toHaveLength(1));
  });
});

describe('what we break off ourselves says nothing about the link', () => {
  /** The app's side of the connection has closed: the abort has reached it. */
  const hangingUp = (answer: (response: ServerResponse) => void) => {
    const gone = vi.fn<() => void>();
    const app: RequestListener = (request, response) => {
      request.socket.on('close', gone);
      answer(response);
    };
    return { gone, app };
  };

  test('by a signal before the answer', async () => {
    const { gone, app } = hangingUp(() => undefined);
    const { cloud, fates, sockets } = await bench(app, { headersTimeout: 30_000 });
    const aborter = new AbortController();
    const answer = cloud.request(get({ signal: aborter.signal }));
    await vi.waitFor(() => expect(sockets).toHaveLength(1));
    aborter.abort();
    await expect(answer).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
    await vi.waitFor(() => expect(gone).toHaveBeenCalled());
    expect(fates).toEqual([]);
  });

  test('by a signal that was there before', async () => {
    const { cloud, sockets } = await bench(() => undefined);
    await expect(cloud.request(get({ signal: AbortSignal.abort() }))).rejects.toThrow('aborted');
    expect(sockets).toEqual([]);
  });

  test('by giving up the body', async () => {
    const { gone, app } = hangingUp((response) => void response.write('part'));
    const { cloud, fates } = await bench(app);
    const { body } = await cloud.request(get());
    body.destroy();
    await vi.waitFor(() => expect(gone).toHaveBeenCalled());
    expect(fates).toEqual([]);
  });

  test('because the sender of the request body left', async () => {
    const { gone, app } = hangingUp(() => undefined);
    const { cloud, fates, sockets } = await bench(app);
    const body = new PassThrough();
    const answer = cloud.request(get({ method: 'POST', body }));
    body.write('part');
    await vi.waitFor(() => expect(sockets).toHaveLength(1));
    body.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }));
    await expect(answer).rejects.toThrow('aborted');
    await vi.waitFor(() => expect(gone).toHaveBeenCalled());
    expect(fates).toEqual([]);
  });

  test('by closing', async () => {
    const { cloud, fates, sockets } = await bench(() => undefined);
    const answer = cloud.request(get());
    await vi.waitFor(() => expect(sockets).toHaveLength(1));
    await Promise.all([expect(answer).rejects.toThrow('destroyed'), cloud.close()]);
    expect(fates).toEqual([]);
  });
});

describe('connections', () => {
  test('are used again', async () => {
    const { cloud, sockets } = await bench((_request, response) => response.end('x'));
    for (let round = 0; round < 20; round++) await text((await cloud.request(get())).body);
    // A connection is free again one turn after its answer: requests that follow at once take two in turn.
    expect(sockets.length).toBeLessThanOrEqual(2);
  });

  test('are new after renew, while what is under way goes on', async () => {
    const streams: ServerResponse[] = [];
    const { cloud, sockets } = await bench((request, response) => {
      if (request.url === '/') return response.end('x');
      response.write('begun, ');
      return streams.push(response);
    });
    const stream = await cloud.request(get({ path: '/stream' }));
    await text((await cloud.request(get())).body);
    expect(sockets).toHaveLength(2);
    cloud.renew();
    await text((await cloud.request(get())).body);
    expect(sockets).toHaveLength(3);
    streams[0]?.end('ended');
    expect(await text(stream.body)).toBe('begun, ended');
  });
});
