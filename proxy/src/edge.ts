/** An edge, put together: which parts there are, and in which order they begin and end. */
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { loadProfile, startBack } from '@larder/sync/client';
import type { Back } from '@larder/sync/client';
import { LarderError } from '@larder/sync/errors';
import type { App } from '@larder/sync/profile';
import { createCache } from './cache/cache.ts';
import { compileRules } from './cache/rules.ts';
import { createCloud } from './cloud.ts';
import type { Config } from './config.ts';
import { openDataDirectory } from './data-directory.ts';
import type { DataDirectory } from './data-directory.ts';
import { createFront, scopeSecret } from './front.ts';
import type { Parts } from './front.ts';
import { openClock } from './identity/clock.ts';
import type { EdgeClock } from './identity/clock.ts';
import { keepContact } from './identity/contact.ts';
import type { Contact, ContactDeps } from './identity/contact.ts';
import { hideBy } from './identity/hide.ts';
import { createIdentity, NOBODY } from './identity/identity.ts';
import { openKnown } from './identity/known.ts';
import { listenTo } from './identity/listen.ts';
import { createLink } from './link/link.ts';
import type { Link } from './link/link.ts';
import { INTERVALS, systemClock } from './link/pacer.ts';
import { createProbe, PROBE_TIMEOUT } from './link/probe.ts';
import type { Logger } from './log.ts';
import { createReader } from './read.ts';
import { keepShell } from './shell.ts';
import { createTap } from './tap/tap.ts';
import { followCertificate } from './tls/renewal.ts';
import type { Renewal } from './tls/renewal.ts';

export interface RunningEdge {
  /** Where it listens. */
  url: string;
  port: number;
  /** Resolves when a part died that only a new start can bring back. */
  failed: Promise<Error>;
  /** Lets requests under way end within the configured grace, then ends every part. */
  close(): Promise<void>;
}

/** Connections to the cloud at the most; each carries one request at a time. */
const CONNECTIONS = 128;
/** Clients that may wait to be accepted: past that, they wait a second before they try again. Node has 511. */
const BACKLOG = 4096;
/** So that a signing key that the app has withdrawn does not count for longer. ms */
const KEYS_INTERVAL = 3_600_000;
const HOUR = 3_600_000;

/**
 * Starts an edge; resolves once it listens. Nothing here waits for the cloud.
 *
 * @throws LarderError `LARDER_TLS_UNUSABLE`, `LARDER_PROFILE_*`, `LARDER_DATA_*`, `LARDER_LISTEN_FAILED`
 */
export async function startEdge(config: Config, log: Logger): Promise<RunningEdge> {
  // Ended in the opposite order, also where a later one cannot begin.
  const begun = new AsyncDisposableStack();
  try {
    const parts = await begin(config, log, begun);
    const front = begun.adopt(createFront(parts), (it) => it.drain(config.shutdownGraceMs));
    await listen(front.server, config);
    const address = addressOf(front.server, parts.tls === null ? 'http' : 'https');
    if (parts.app?.shell !== undefined)
      begun.defer(keepShell({ paths: parts.app.shell, url: address.url, link: parts.link, log }));
    parts.link.start();
    log.info({ ...address, cloud: config.cloud.origin, profile: parts.app?.name ?? null }, 'listening');
    return { ...address, failed: deathOf(parts.back), close: () => begun.disposeAsync() };
  } catch (error) {
    await begun.disposeAsync();
    throw error;
  }
}

async function begin(config: Config, log: Logger, begun: AsyncDisposableStack): Promise<Parts> {
  const tls = beginTls(config, log, begun);
  const data = begun.adopt(openDataDirectory(config.data, config.key), (it) => it.close());
  const { app, back } = await beginApp(config, data, log, begun);
  const edgeClock = await openClock(back?.state ?? null, Date.parse(back?.status.replica.feed.asOf ?? '') || 0);
  const clock = edgeClock.now;
  const link = begun.adopt(beginLink(config, app, log), (it) => it.stop());
  const pool = begun.adopt(
    createCloud({
      origin: config.cloud,
      ...(app === null ? {} : { genuine: app.genuine }),
      report: (fate) => link.report(fate),
      connectTimeout: config.connectTimeoutMs,
      headersTimeout: config.answerTimeoutMs,
      bodyTimeout: config.answerTimeoutMs,
      connections: CONNECTIONS,
    }),
    (it) => it.close(),
  );
  const cache = begun.adopt(
    await createCache({
      tags: back?.tags ?? null,
      memoryBytes: config.memoryCacheBytes,
      disk: config.diskCacheBytes === 0 ? null : { directory: join(data.path, 'cache'), bytes: config.diskCacheBytes },
      version: app === null ? 'plain' : `${app.name}@${app.release}`,
    }),
    (it) => it.close(),
  );
  const limits = {
    patienceCeiling: config.patienceMs,
    hardTimeout: config.answerTimeoutMs,
    maxObjectBytes: config.maxObjectBytes,
    replicaLag: config.replicaLagMs,
  };
  const rules = compileRules(config.rules, hideBy(scopeSecret(data)));
  const known = back === null ? null : await openKnown({ ...data, ...config, state: back.state, clock, log });
  const identity =
    app === null || back === null || known === null
      ? NOBODY
      : createIdentity({ app, cloud: pool, known, state: back.state, clock, link, log });
  const cloud = app === null ? pool : listenTo(pool, app, identity);
  // It writes no line for an answer, so not where every answer is to be seen.
  const tap =
    config.fastPath && !log.isLevelEnabled('debug')
      ? createTap({ cache, back, identity, clock, maxBytes: config.memoryCacheBytes / 4 })
      : null;
  const onFresh = tap === null ? {} : { onFresh: tap.learn.bind(tap) };
  const reader = createReader({ cache, cloud, back, link, rules, identity, clock, config: limits, ...onFresh });
  const parts = { config, log, data, app, back, link, cloud, cache, rules, clock, reader, identity, known, tap, tls };
  begun.adopt(
    setInterval(() => void identity.refresh(), KEYS_INTERVAL),
    clearInterval,
  );
  connect(parts);
  if (known !== null) begun.adopt(beginContact({ ...parts, ...known, cloud: pool }, edgeClock), (it) => it.stop());
  return parts;
}

/** First of all, because it is what most often is wrong. Null: clear HTTP. */
function beginTls({ tlsCertificate, tlsKey }: Config, log: Logger, begun: AsyncDisposableStack): Renewal | null {
  if (tlsCertificate === undefined || tlsKey === undefined) return null;
  const files = { certificate: tlsCertificate, key: tlsKey };
  return begun.adopt(followCertificate({ files, clock: Date.now, log }), (it) => it.stop());
}

/** The profile is loaded here while the back's threads load it too: with a second core that costs no time. */
async function beginApp(
  config: Config,
  data: DataDirectory,
  log: Logger,
  begun: AsyncDisposableStack,
): Promise<{ app: App | null; back: Back | null }> {
  const { profile } = config;
  if (profile === undefined) return { app: null, back: null };
  const starting = beginBack(config, profile, data, log);
  begun.defer(() =>
    starting.then(
      (back) => back.stop(),
      () => undefined,
    ),
  );
  const [app, back] = await Promise.all([loadProfile(profile), starting]);
  return { app, back };
}

async function beginBack(config: Config, profile: string, data: DataDirectory, log: Logger): Promise<Back> {
  const back = await startBack({
    data: data.path,
    profile,
    cloud: config.cloud,
    store: config.store ?? '',
    credential: config.credential ?? null,
    sealKey: data.sealKey,
    maxQueue: config.maxQueue,
    maxQueueBytes: config.maxQueueBytes,
    minFreeBytes: config.minFreeBytes,
    stallAfter: config.stallAlarmSeconds * 1000,
    keepSettled: config.keepSettledDays * 24 * HOUR,
    connectTimeout: config.connectTimeoutMs,
    answerTimeout: config.answerTimeoutMs,
    auditSchedule: config.auditSchedule === 'off' ? null : config.auditSchedule,
  });
  back.on('log', (level, message, detail) => log[level](detail, message));
  return back;
}

type ContactParts = Pick<Parts, 'config' | 'app' | 'link' | 'log'> & Pick<ContactDeps, 'cloud' | 'people'>;

function beginContact({ config, app, link, log, cloud, people }: ContactParts, clock: EdgeClock): Contact {
  const standings = app?.people?.standings ?? null;
  const contact = keepContact({ standings, credential: config.credential, cloud, people, link, clock, log });
  link.on('change', () => contact.changed());
  contact.changed();
  return contact;
}

function beginLink(config: Config, app: App | null, log: Logger): Link {
  return createLink({
    probe: createProbe({ origin: config.cloud, app, timeout: PROBE_TIMEOUT }),
    // Not the wall's: set back, it would put off the next probe by as much (I5).
    clock: systemClock,
    intervals: INTERVALS,
    jitter: Math.random,
    log,
  });
}

/** Who is told what. */
function connect({ back, link, cloud, cache, reader, identity, tap }: Parts): void {
  back?.link(link.state, link.held);
  back?.on('fate', (fate) => link.report(fate));
  back?.on('restored', () => void cache.purge({ by: 'prefix', value: '/', soft: null }));
  let before = link.state;
  link.on('change', (state, held) => {
    back?.link(state, held);
    tap?.forget();
    if (state === 'offline' || held) reader.abandon();
    if (state === 'online' && before === 'offline') cloud.renew();
    if (state === 'online' && before !== 'online') void identity.refresh();
    before = state;
  });
}

async function listen(server: Server, { host, port }: Config): Promise<void> {
  try {
    server.listen({ host, port, backlog: BACKLOG });
    await once(server, 'listening');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new LarderError('LARDER_LISTEN_FAILED', `${why}.`, { cause: error });
  }
}

function addressOf(server: Server, scheme: 'http' | 'https'): { url: string; port: number } {
  const { address, port, family } = server.address() as AddressInfo;
  return { url: `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`, port };
}

/** Resolves when a thread of the back has died. */
const deathOf = (back: Back | null): Promise<Error> => new Promise((resolve) => back?.on('failed', resolve));
