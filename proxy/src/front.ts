/** The front's door with everything that stands behind it. */
import { hkdfSync } from 'node:crypto';
import type { Back, BoxOrder, BoxStatus } from '@larder/sync/client';
import { LarderError } from '@larder/sync/errors';
import type { App } from '@larder/sync/profile';
import type { Cache } from './cache/cache.ts';
import { invalidateAfter } from './cache/invalidate.ts';
import type { Rules } from './cache/rules.ts';
import type { HeaderFields, PooledCloud } from './cloud.ts';
import type { Config } from './config.ts';
import { createConsole } from './console/console.ts';
import { createExplain } from './console/explain.ts';
import { createInbox } from './console/inbox.ts';
import { createMetrics } from './console/metrics.ts';
import { createPurge } from './console/purge.ts';
import type { StatusSources } from './console/status.ts';
import type { DataDirectory } from './data-directory.ts';
import { createEstablish } from './establish.ts';
import type { Exchange } from './exchange.ts';
import { createForwardUpgrade } from './forward-upgrade.ts';
import { createForward } from './forward.ts';
import { createCredentialScope } from './identity/identity.ts';
import type { Identity } from './identity/identity.ts';
import { figuresOf } from './identity/known.ts';
import type { Known } from './identity/known.ts';
import { createPeoplePages } from './identity/pages.ts';
import { createSignIn } from './identity/sign-in.ts';
import type { Link } from './link/link.ts';
import type { Logger } from './log.ts';
import type { Reader } from './read.ts';
import { createReadTags } from './read/read-tags.ts';
import type { ReadTags } from './read/read-tags.ts';
import { withSettledTarget } from './settled-target.ts';
import { createFrontServer } from './server.ts';
import type { FrontServer } from './server.ts';
import type { Tap, TapFigures } from './tap/tap.ts';
import type { Renewal } from './tls/renewal.ts';
import { createWrite } from './write.ts';

/** What an edge is made of. */
export interface Parts {
  config: Config;
  log: Logger;
  data: DataDirectory;
  /** Null without a profile: a plain caching proxy. */
  app: App | null;
  back: Back | null;
  link: Link;
  cloud: PooledCloud;
  cache: Cache;
  rules: Rules;
  /** ms since 1970. */
  clock: () => number;
  reader: Reader;
  identity: Identity;
  /** Null without a profile. */
  known: Known | null;
  /** Null: switched off. */
  tap: Tap | null;
  /** Null: clear HTTP. */
  tls: Renewal | null;
}

/** Makes the server; it does not listen yet. */
export function createFront(parts: Parts): FrontServer {
  const { config, app, back, link, reader, identity, data, log } = parts;
  const sources = sourcesOf(parts);
  const metrics = createMetrics(sources);
  const asked = createEstablish({ app, identity, credentialScope: createCredentialScope(scopeSecret(data)) });
  const establish = back === null ? asked : withSettledTarget(asked, back);
  const front: FrontServer = createFrontServer({
    establish,
    read: (exchange) => reader.read(exchange),
    ...handlersOf(parts),
    forwardUpgrade: createForwardUpgrade({
      origin: config.cloud,
      link,
      report: (fate) => link.report(fate),
      connectTimeout: config.connectTimeoutMs,
      headersTimeout: config.answerTimeoutMs,
    }),
    console: createConsole({
      sources,
      metrics,
      link,
      token: data.consoleToken,
      healthy: () => !front.draining,
      purge: createPurge({ ...parts, count: metrics.purged }),
      explain: createExplain({ ...parts, establish, replicaLag: parts.config.replicaLagMs }),
      audit: (who) => audit(parts, who),
      box: (order, who) => orderBox(parts, order, who),
      people: peoplePagesOf(parts),
      inbox: inboxOf(parts),
      log,
    }),
    observe: metrics.observe,
    log,
    ...(parts.tap === null ? {} : { tap: parts.tap }),
    ...(parts.tls === null ? {} : { tls: parts.tls }),
  });
  return front;
}

const inboxOf = ({ config, back, app, identity, data, log }: Parts) =>
  createInbox({
    back,
    app,
    identity,
    store: config.store ?? '',
    maxBodyBytes: config.maxBodyBytes,
    token: data.consoleToken,
    log,
  });

function handlersOf(parts: Parts) {
  const { config, app, back, link, cloud, cache, identity, log } = parts;
  const readTags = createReadTags(app?.reads ?? {});
  const failed = (error: unknown) => log.error({ err: error }, 'what a change made out of date could not be dropped');
  const dropping = (tags: ReadTags) => (exchange: Exchange, status: number, headers: HeaderFields) => {
    const { method, path, search, request } = exchange;
    const unsafe = { method, uri: path + search, host: request.headers.host };
    const tagsOf = (changed: string) => tags(exchange, changed);
    return invalidateAfter(cache, unsafe, { status, headers }, { cloud: config.cloud, tagsOf, failed });
  };
  const forward = signingIn(parts, createForward({ cloud, link, onUnsafe: dropping(readTags) }));
  if (back === null) return { forward, write: forward };
  const write = createWrite({
    back,
    link,
    identity,
    forward,
    // The commit that took it has moved its tags on: to look for them among all that is stored would hold up every hit.
    invalidate: dropping(() => []),
    patience: config.patienceMs,
    maxBodyBytes: config.maxBodyBytes,
  });
  return { forward, write };
}

async function audit({ back, log }: Parts, who: string): Promise<{ run: number }> {
  if (back === null) throw new LarderError('LARDER_NOT_FOUND', 'Without a profile there is no replica.');
  const run = await back.audit();
  log.info({ who, run }, 'audit begun');
  return { run };
}

async function orderBox({ back }: Parts, order: BoxOrder, who: string): Promise<BoxStatus> {
  if (back === null) throw new LarderError('LARDER_NOT_FOUND', 'Without a profile nothing is queued.');
  return back.box(order, who);
}

type Forward = ReturnType<typeof createForward>;

/** The app's sign-in route is one of those that the profile lists neither as a read nor as a write. */
function signingIn(parts: Parts, forward: Forward): Forward {
  const { app, back, known } = parts;
  const signIn = app?.people?.signIn;
  if (signIn === undefined || back === null || known === null) return forward;
  const enter = createSignIn({ ...parts, signIn, back, known });
  return (exchange) => (`${exchange.method} ${exchange.path}` === signIn.route ? enter(exchange) : forward(exchange));
}

function peoplePagesOf(parts: Parts) {
  const { app, known } = parts;
  return app === null || known === null ? {} : createPeoplePages({ ...parts, app, known });
}

const sourcesOf = ({ config, app, back, link, cache, reader, known, clock, tap, tls }: Parts): StatusSources => ({
  name: config.name,
  store: config.store ?? null,
  cloud: config.cloud,
  profile: app === null ? null : { name: app.name, release: app.release },
  link,
  back: () => back?.status ?? null,
  people: () => (known === null ? null : figuresOf(known, clock())),
  cache: () => cache.figures(),
  reads: () => withRepeats(reader.counters, tap?.figures ?? null),
  fastPath: () => tap?.figures ?? null,
  certificate: () => tls?.status ?? null,
});

/** What the fast path answers are hits, too. */
const withRepeats = (reads: Reader['counters'], fast: TapFigures | null) =>
  fast === null ? reads : { ...reads, hit: fast.answers.reduce((sum, count) => sum + count, reads.hit) };

/** Hides scopes: of its own kind, so that a scope that became known would tell nothing of what is sealed. */
export const scopeSecret = ({ sealKey }: DataDirectory) =>
  new Uint8Array(hkdfSync('sha256', sealKey, '', 'larder scope', 32));
