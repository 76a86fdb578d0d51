import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Agent, request } from 'undici';
import { faultOf } from '@larder/sync/fault';
import { startLinkWithControl } from './control.ts';
import { type Link, type LinkOptions, type LinkReport, startLink } from './link.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ending.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const BODY = 'all of the answer';
const app = () => listen(createServer((_request, response) => response.end(BODY)));
const echo = () => listen(createTcpServer((socket) => socket.on('error', () => undefined).pipe(socket)));

async function link(options: Partial<LinkOptions> & { target: string }): Promise<Link> {
  const started = await startLink({ rttMs: 5, lingerMs: 200, ...options });
  ending.push(() => started.close());
  return started;
}

/** One request over a connection that is kept, body included. */
function client() {
  const dispatcher = new Agent({ connect: { timeout: 2000 }, headersTimeout: 400, bodyTimeout: 400, connections: 1 });
  ending.push(() => dispatcher.destroy());
  return async (url: string) => {
    const { statusCode, body } = await request(url, { dispatcher });
    return { status: statusCode, text: await body.text() };
  };
}

const faultAt = (get: ReturnType<typeof client>, url: string) =>
  get(url).then(
    () => null,
    (error: unknown) => faultOf(error).fault,
  );

async function opened(to: Link): Promise<Socket> {
  const socket = connect(to.port, '127.0.0.1').on('error', () => undefined);
  ending.push(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

function collect(socket: Socket): { text: string } {
  const got = { text: '' };
  socket.on('data', (bytes: Buffer) => (got.text += bytes.toString()));
  return got;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

describe('a link that is up', () => {
  test('takes a round trip for an answer, and another one to connect', async () => {
    const { url } = await link({ target: await app(), rttMs: 100 });
    const get = client();
    expect(await timed(() => get(url))).toBeGreaterThanOrEqual(195);
    const kept = await timed(() => get(url));
    expect(kept).toBeGreaterThanOrEqual(95);
  });

  test('carries many things at a time', async () => {
    const socket = await opened(await link({ target: await echo(), rttMs: 200 }));
    const got = collect(socket);
    const took = await timed(async () => {
      for (let part = 0; part < 20; part++) {
        socket.write('x'.repeat(100));
        await new Promise((done) => setTimeout(done, 5));
      }
      await vi.waitFor(() => expect(got.text).toHaveLength(2000), 20_000);
    });
    // One after the other would be twenty round trips.
    expect(took).toBeLessThan(20 * 200);
  });

  test('loses and reorders nothing, with jitter', async () => {
    const socket = await opened(await link({ target: await echo(), jitterMs: 20 }));
    const sent = Array.from({ length: 2000 }, (_, at) => `${at},`).join('');
    const got = collect(socket);
    for (let at = 0; at < sent.length; at += 97) socket.write(sent.slice(at, at + 97));
    await vi.waitFor(() => expect(got.text).toBe(sent), 20_000);
  });

  test('is no faster than its bandwidth', async () => {
    const target = await listen(createServer((_request, response) => response.end(Buffer.alloc(50_000))));
    const { url } = await link({ target, bytesPerSecond: 100_000 });
    expect(await timed(() => client()(url))).toBeGreaterThanOrEqual(450);
  });

  test('holds a sender back whose receiver does not read', async () => {
    const senders: Socket[] = [];
    const flood = createTcpServer((socket) => {
      senders.push(socket.on('error', () => undefined));
      const more = () => {
        while (socket.write(Buffer.alloc(65_536)));
      };
      socket.on('drain', more);
      more();
    });
    await opened(await link({ target: await listen(flood) }));
    let before = -1;
    await vi.waitFor(
      () => {
        const written = senders[0]?.bytesWritten ?? 0;
        const still = written === before;
        before = written;
        expect(still).toBe(true);
      },
      { interval: 200, timeout: 20_000 },
    );
    expect(before).toBeLessThan(64 * 1024 * 1024);
    senders[0]?.destroy();
  });

  test('passes the end of one direction on, and keeps the other open', async () => {
    const target = createTcpServer({ allowHalfOpen: true }, (socket) => socket.on('end', () => socket.end('late')));
    target.on('connection', (socket) => socket.resume());
    const socket = await opened(await link({ target: await listen(target) }));
    socket.end();
    expect(String((await once(socket, 'data'))[0])).toBe('late');
  });
});

describe('a link that is', () => {
  test.for([
    ['down', 'refused'],
    ['refuse', 'reset'],
    ['blackhole', 'silent'],
    ['stall', 'silent'],
    ['reset', 'reset'],
  ] as const)('"%s" shows up as "%s", for new connections and for open ones', async ([mode, fault]) => {
    const wan = await link({ target: await app() });
    const [open, fresh] = [client(), client()];
    await open(wan.url);
    await wan.set(mode);
    expect(wan.mode).toBe(mode);
    const faults = await Promise.all([faultAt(open, wan.url), faultAt(fresh, wan.url)]);
    // Where open connections are cut, the pool may already have noticed, and then opens a new one.
    expect([fault, 'reset']).toContain(faults[0]);
    expect(faults[1]).toBe(fault);
    await wan.set('up');
    expect((await client()(wan.url)).text).toBe(BODY);
  });

  test('"portal" is answered by somebody else', async () => {
    const wan = await link({ target: await app() });
    await wan.set('portal');
    const answer = await client()(wan.url);
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('<form');
  });

  test('"gateway" is answered with 502, 503 and 504 in turn', async () => {
    const wan = await link({ target: await app() });
    await wan.set('gateway');
    const get = client();
    const statuses = [await get(wan.url), await get(wan.url), await get(wan.url)].map(({ status }) => status);
    expect(statuses).toEqual([502, 503, 504]);
  });

  test('"slow" gets everything through, slowly', async () => {
    const wan = await link({ target: await app() });
    await wan.set('slow');
    const dispatcher = new Agent();
    ending.push(() => dispatcher.destroy());
    const took = await timed(async () => (await request(wan.url, { dispatcher })).body.text());
    expect(took).toBeGreaterThanOrEqual(1190);
  });

  test('"flap" is down and up in turn', async () => {
    const wan = await link({ target: await app() });
    await wan.set('flap');
    const get = client();
    const seen = new Set<string | null>();
    const until = performance.now() + 20_000;
    while (seen.size < 2 && performance.now() < until) {
      seen.add(await faultAt(get, wan.url));
      await new Promise((done) => setTimeout(done, 50));
    }
    expect(seen).toContain(null);
    expect(seen).toContain('refused');
  });
});

describe('after a black hole', () => {
  test('what it swallowed from stays silent, and is reset in the end', async () => {
    const wan = await link({ target: await echo() });
    const socket = await opened(wan);
    await wan.set('blackhole');
    socket.write('lost');
    while (wan.stats.swallowed === 0) await new Promise((done) => setTimeout(done, 5));
    await wan.set('up');
    const got = collect(socket);
    socket.write('also lost');
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    expect([error.code, got.text]).toEqual(['ECONNRESET', '']);
  });

  test('what was quiet meanwhile works on', async () => {
    const wan = await link({ target: await echo() });
    const socket = await opened(wan);
    await wan.set('blackhole');
    await wan.set('up');
    socket.write('hello');
    expect(String((await once(socket, 'data'))[0])).toBe('hello');
  });
});

describe('the control', () => {
  const COMMAND = join(import.meta.dirname, '../link-command.ts');

  function scratch(): string {
    const directory = mkdtempSync(join(tmpdir(), 'larder-link-'));
    ending.push(() => rmSync(directory, { recursive: true, force: true }));
    return join(directory, 'link.json');
  }

  const command = (...args: string[]) =>
    new Promise<{ exit: number; out: string; err: string }>((resolve) => {
      const child = execFile(process.execPath, [COMMAND, ...args], (_error, out, err) =>
        resolve({ exit: child.exitCode ?? -1, out, err }),
      );
    });

  test('changes the link, from the command line', async () => {
    const file = scratch();
    const wan = await startLinkWithControl({ target: await app(), file });
    ending.push(() => wan.close());
    expect(await command('down', '--file', file)).toMatchObject({ exit: 0, out: expect.stringMatching(/^link down/) });
    expect(wan.mode).toBe('down');
    const { out } = await command('up', '--rtt', '250', '--json', '--file', file);
    expect(JSON.parse(out) as LinkReport).toMatchObject({ mode: 'up', rttMs: 250 });
    expect(await command('--file', file)).toMatchObject({ exit: 0, out: expect.stringMatching(/^link up.*250 ms/) });
  });

  test('says in one line that no link is running', async () => {
    const { exit, err } = await command('down', '--file', scratch());
    expect([exit, err]).toEqual([4, 'No link is running: start the demo with `npm start` first.\n']);
  });

  test.for(['sideways', 'up down', 'up --rtt fast', '--rtt 5', '--what'])('refuses %s', async (args) => {
    const { exit, err } = await command(...args.split(' '));
    expect(exit).toBe(2);
    expect(err).toMatch(/^[^\n]+--help\n$/);
  });

  test('explains itself', async () => {
    expect(await command('--help')).toMatchObject({ exit: 0, out: expect.stringContaining('blackhole') });
  });

  test('takes no orders from a page in a browser', async () => {
    const wan = await startLinkWithControl({ target: await app(), file: scratch() });
    ending.push(() => wan.close());
    const answer = await fetch(`${wan.control}/mode`, { method: 'POST', body: '{"mode":"down"}' });
    expect([answer.status, wan.mode]).toEqual([415, 'up']);
  });

  test('is there for a link of its own process too, and its file goes with it', async () => {
    const file = scratch();
    const main = join(import.meta.dirname, 'main.ts');
    const args = [main, '--target', new URL(await app()).host, '--rtt', '1', '--file', file];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    ending.push(() => child.kill('SIGKILL'));
    let printed = '';
    while (!printed.includes('control at')) printed += String((await once(child.stdout, 'data'))[0]);
    const url = /listening on (\S+)/.exec(printed)?.[1] ?? '';
    expect((await client()(url)).text).toBe(BODY);
    expect(await command('down', '--file', file)).toMatchObject({ exit: 0 });
    expect(await faultAt(client(), url)).toBe('refused');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(existsSync(file)).toBe(false);
  });
});

describe('what happens to requests', () => {
  /** A server that notes what it gets: whole bodies, and `broken` for those that break off. */
  async function listener() {
    const got: string[] = [];
    const url = await listen(
      createServer(async (incoming, response) => {
        const text = await incoming.toArray().then(
          (chunks) => Buffer.concat(chunks as Buffer[]).toString(),
          () => 'broken',
        );
        got.push(text);
        response.end(text);
      }),
    );
    return { got, url };
  }

  const post = (url: string, body: string) =>
    fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(2000) }).then((response) => response.text());

  test('"reset-request" breaks them off in the middle', async () => {
    const { got, url } = await listener();
    const line = await link({ target: url });
    await line.set('reset-request');
    await expect(post(line.url, 'a change of the stock')).rejects.toThrow('fetch failed');
    await vi.waitFor(() => expect(got).toEqual(['broken']));
    await line.set('up');
    expect(await post(line.url, 'again')).toBe('again');
  });

  test('"duplicate" delivers them twice, and one answer', async () => {
    const { got, url } = await listener();
    const line = await link({ target: url });
    await line.set('duplicate');
    expect(await post(line.url, 'one')).toBe('one');
    expect(await post(line.url, 'two')).toBe('two');
    await vi.waitFor(() => expect(got.sort()).toEqual(['one', 'one', 'two', 'two']));
    await line.set('up');
    expect(await post(line.url, 'three')).toBe('three');
    expect(got.filter((text) => text === 'three')).toEqual(['three']);
  });
});
