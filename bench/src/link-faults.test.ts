/** The edge's way to the cloud (pool, link, probe) over a simulated WAN: every fault is told apart, and survived. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { CloudFault } from '@larder/sync/fault';
import type { Fate, Fault, LinkState } from '@larder/sync/link';
import { createCloud, type PooledCloud } from '../../proxy/src/cloud.ts';
import { createLink, type Link as EdgeLink } from '../../proxy/src/link/link.ts';
import { type Intervals, INTERVALS, systemClock } from '../../proxy/src/link/pacer.ts';
import { createProbe } from '../../proxy/src/link/probe.ts';
import { FLAP_MS } from './link-simulator/modes.ts';
import { type Link as Wan, type LinkMode, startLink } from './link-simulator/link.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

interface Rig {
  wan: Wan;
  cloud: PooledCloud;
  link: EdgeLink;
  fates: Fate[];
  states: LinkState[];
  /** Asks the cloud for something; what it answered, or the fault. */
  get(): Promise<string | Fault>;
}

const genuine = ({ headers }: { headers: Readonly<Record<string, string>> }) => headers['app'] === 'the-one';
const BODY = 'x'.repeat(2000);

async function appServer(): Promise<Server> {
  const app = createServer((_request, response) => response.writeHead(200, { app: 'the-one' }).end(BODY));
  app.listen(0, '127.0.0.1');
  await once(app, 'listening');
  ending.push(() => {
    app.close();
    app.closeAllConnections();
  });
  return app;
}

/** `limit`: how long an answer to a request may take, ms. */
async function rig(intervals: Partial<Intervals> = {}, limit = 1000): Promise<Rig> {
  const app = await appServer();
  const wan = await startLink({ target: `127.0.0.1:${(app.address() as AddressInfo).port}`, rttMs: 10 });
  const origin = new URL(wan.url);
  const log = { info: () => undefined, warn: () => undefined };
  const fates: Fate[] = [];
  const states: LinkState[] = [];
  const link = createLink({
    probe: createProbe({ origin, app: { probe: '/health', genuine }, timeout: 1000 }),
    clock: systemClock,
    intervals: { ...INTERVALS, ...intervals },
    jitter: Math.random,
    log,
  });
  const report = (fate: Fate) => {
    fates.push(fate);
    link.report(fate);
  };
  const limits = { connectTimeout: limit, headersTimeout: limit, bodyTimeout: limit, connections: 4 };
  const cloud = createCloud({ origin, genuine, report, ...limits });
  link.on('change', (state) => {
    states.push(state);
    if (state === 'online') cloud.renew();
  });
  link.start();
  ending.push(
    () => link.stop(),
    () => cloud.close(),
    () => wan.close(),
  );
  const get = async () => {
    try {
      const { body } = await cloud.request({ method: 'GET', path: '/', headers: {}, body: null });
      return await text(body);
    } catch (error) {
      if (error instanceof CloudFault) return error.fault;
      throw error;
    }
  };
  await reaches(link, 'online');
  return { wan, cloud, link, fates, states, get };
}

const reaches = (link: EdgeLink, state: LinkState) =>
  vi.waitFor(() => expect(link.state).toBe(state), { timeout: 20_000, interval: 10 });

describe('a cut', () => {
  test.for<[LinkMode, Fault]>([
    ['down', 'refused'],
    ['refuse', 'reset'],
    ['blackhole', 'silent'],
    ['stall', 'silent'],
    ['reset', 'reset'],
    ['portal', 'portal'],
    ['gateway', 'gateway'],
  ])('"%s" is told apart as "%s", takes the link offline, and ends with it', async ([mode, fault]) => {
    const { wan, link, get, cloud } = await rig();
    expect(await get()).toBe(BODY);
    // An idle connection that the cut itself resets would say "reset" of a link that is down.
    cloud.renew();
    await wan.set(mode);
    expect(await get()).toBe(fault);
    await reaches(link, 'offline');
    expect(link.timeline.at(-1)?.fault).toBe(fault);
    await wan.set('up');
    await reaches(link, 'online');
    expect(await get()).toBe(BODY);
  });

  test('is noticed without any traffic but the next probe', async () => {
    const { wan, link } = await rig({ idle: 500 });
    await wan.set('down');
    await reaches(link, 'offline');
    expect(link.timeline.at(-1)?.fault).toBe('refused');
  });
});

describe('a slow link', () => {
  test('is an online link', async () => {
    const { wan, get, states } = await rig({}, 5000);
    await wan.set('slow');
    expect(await get()).toBe(BODY);
    expect(states).toEqual(['online']);
  });

  test('I5: is found to be online, even if it is slower than a probe used to wait', async () => {
    const { wan, link, states } = await rig({ idle: 200 });
    await wan.set('slow');
    await reaches(link, 'offline');
    await reaches(link, 'online');
    const changes = states.length;
    await new Promise((done) => setTimeout(done, 5000));
    expect(states).toHaveLength(changes);
  });
});

test('I5: after a black hole no connection that died in it holds anything up', async () => {
  const { wan, link, get, fates } = await rig();
  await Promise.all([get(), get(), get(), get()]);
  await wan.set('blackhole');
  expect(new Set(await Promise.all([get(), get(), get(), get()]))).toEqual(new Set(['silent']));
  await reaches(link, 'offline');
  await wan.set('up');
  await reaches(link, 'online');
  fates.length = 0;
  expect(await Promise.all([get(), get(), get(), get()])).toEqual([BODY, BODY, BODY, BODY]);
  expect(fates.every(({ type }) => type === 'answered')).toBe(true);
});

test('a flapping link does not make the edge thrash, and ends as one that is online', async () => {
  const { wan, link, states, get } = await rig();
  await wan.set('flap');
  const begun = performance.now();
  while (performance.now() - begun < 8000) {
    await get();
    await new Promise((done) => setTimeout(done, 20));
  }
  const flaps = (performance.now() - begun) / (2 * FLAP_MS);
  expect(states.filter((state) => state === 'offline').length).toBeLessThanOrEqual(Math.ceil(flaps) + 1);
  await wan.set('up');
  await reaches(link, 'online');
  expect(await get()).toBe(BODY);
});

describe('the probe', () => {
  const probe = (origin: string, app: { probe: string; genuine: typeof genuine } | null = null) =>
    createProbe({ origin: new URL(origin), app, timeout: 500 })();

  test('without a profile takes any answer to HEAD /', async () => {
    const methods: string[] = [];
    const app = (await appServer()).on('request', ({ method, url }) => methods.push(`${method} ${url}`));
    expect(await probe(`http://127.0.0.1:${(app.address() as AddressInfo).port}`)).toMatchObject({ type: 'answered' });
    expect(methods).toEqual(['HEAD /']);
  });

  test.for([
    ['a name that does not exist', 'http://nothing.invalid', 'dns'],
    ['nothing that listens', 'http://127.0.0.1:1', 'refused'],
  ] as const)('finds %s', async ([, origin, fault]) => {
    expect(await probe(origin)).toMatchObject({ type: 'failed', fault });
  });

  test('finds that no TLS is spoken', async () => {
    const { port } = (await appServer()).address() as AddressInfo;
    expect(await probe(`https://127.0.0.1:${port}`)).toMatchObject({ type: 'failed', fault: 'tls' });
  });

  test('is over in time, whatever the link does', async () => {
    const { wan } = await rig();
    await wan.set('stall');
    const begun = performance.now();
    expect(await probe(wan.url, { probe: '/', genuine })).toMatchObject({ type: 'failed', fault: 'silent' });
    expect(performance.now() - begun).toBeGreaterThanOrEqual(490);
  });
});
