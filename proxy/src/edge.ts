/** An edge's start: the back's threads first, the front's code while they load theirs, and at last the door. */
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { loadProfile, startBack } from '@larder/sync/client';
import type { Back } from '@larder/sync/client';
import { LarderError } from '@larder/sync/errors';
import type { App } from '@larder/sync/profile';
import type { Config } from './config.ts';
import { openDataDirectory } from './data-directory.ts';
import type { DataDirectory } from './data-directory.ts';
import type { Logger } from './log.ts';
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

/** Clients that may wait to be accepted: past that, they wait a second before they try again. Node has 511. */
const BACKLOG = 4096;
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
    const tls = beginTls(config, log, begun);
    const data = begun.adopt(openDataDirectory(config.data, config.key), (it) => it.close());
    const starting = beginBack(config, data, log, begun);
    // Most of a start is loading code: the front's is loaded while the back's threads load theirs.
    const [{ assemble }, { createFront }, { keepShell }] = await Promise.all([
      import('./assembly.ts'),
      import('./front.ts'),
      import('./shell.ts'),
    ]);
    const [app, back] = await Promise.all([loadApp(config), starting]);
    const parts = await assemble({ config, log, data, tls, app, back }, begun);
    const front = begun.adopt(createFront(parts), (it) => it.drain(config.shutdownGraceMs));
    await listen(front.server, config);
    const address = addressOf(front.server, tls === null ? 'http' : 'https');
    const { shell = [], shellList = null } = app ?? {};
    if (shell.length > 0 || shellList !== null)
      begun.defer(keepShell({ paths: shell, list: shellList, url: address.url, link: parts.link, log }));
    parts.link.start();
    log.info({ ...address, cloud: config.cloud.origin, profile: app?.name ?? null }, 'listening');
    return { ...address, failed: deathOf(back), close: () => begun.disposeAsync() };
  } catch (error) {
    await begun.disposeAsync();
    throw error;
  }
}

/** First of all, because it is what most often is wrong. Null: clear HTTP. */
function beginTls({ tlsCertificate, tlsKey }: Config, log: Logger, begun: AsyncDisposableStack): Renewal | null {
  if (tlsCertificate === undefined || tlsKey === undefined) return null;
  const files = { certificate: tlsCertificate, key: tlsKey };
  return begun.adopt(followCertificate({ files, clock: Date.now, log }), (it) => it.stop());
}

/** Null without a profile. Its end waits for its beginning, and whoever needs it hears why there is none. */
function beginBack(
  config: Config,
  data: DataDirectory,
  log: Logger,
  begun: AsyncDisposableStack,
): Promise<Back | null> {
  const { profile } = config;
  if (profile === undefined) return Promise.resolve(null);
  const starting = openBack(config, profile, data, log);
  const ended = starting.then(
    (back) => () => back.stop(),
    () => () => undefined,
  );
  begun.defer(async () => (await ended)());
  return starting;
}

async function openBack(config: Config, profile: string, data: DataDirectory, log: Logger): Promise<Back> {
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

const loadApp = ({ profile }: Config): Promise<App | null> =>
  profile === undefined ? Promise.resolve(null) : loadProfile(profile);

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
