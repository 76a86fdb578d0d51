/** An edge, put together: which parts there are, in which order they begin and end, and who is told what. */
import { join } from 'node:path';
import type { App } from '@larder/sync/profile';
import { createCache } from './cache/cache.ts';
import { compileRules } from './cache/rules.ts';
import { createCloud } from './cloud.ts';
import type { Config } from './config.ts';
import { scopeSecret } from './front.ts';
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
import { createTap } from './tap/tap.ts';

/** Connections to the cloud at the most; each carries one request at a time. */
const CONNECTIONS = 128;
/** So that a signing key that the app has withdrawn does not count for longer. ms */
const KEYS_INTERVAL = 3_600_000;

/** What has begun already. */
type Begun = Pick<Parts, 'config' | 'log' | 'data' | 'tls' | 'app' | 'back'>;

/** Begins all other parts; `begun` ends them. */
export async function assemble(given: Begun, begun: AsyncDisposableStack): Promise<Parts> {
  const { config, log, data, app, back } = given;
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
  const parts = { ...given, link, cloud, cache, rules, clock, reader, identity, known, tap };
  begun.adopt(
    setInterval(() => void identity.refresh(), KEYS_INTERVAL),
    clearInterval,
  );
  connect(parts);
  if (known !== null) begun.adopt(beginContact({ ...parts, ...known, cloud: pool }, edgeClock), (it) => it.stop());
  return parts;
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
function connect({ back, link, cloud, cache, reader, identity, tap, log }: Parts): void {
  // What was purged is not served, whether or not the disk took it.
  const unwritten = (error: unknown) => log.error({ err: error }, 'a restored cloud: not all of the cache is purged');
  back?.link(link.state, link.held);
  back?.on('fate', (fate) => link.report(fate));
  back?.on('restored', () => void cache.purge({ by: 'prefix', value: '/', soft: null }).catch(unwritten));
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
