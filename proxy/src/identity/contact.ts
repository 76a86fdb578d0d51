/**
 * What identity does by the time and at each contact: the cloud's word on everybody known here is asked for as soon as
 * the link is back, and every minute while it is there; sessions of the edge's own end; the clock is kept.
 */
import type { Ask, Standings } from '@larder/sync/profile';
import { readBounded } from '../cloud/read-bounded.ts';
import type { Cloud } from '../cloud.ts';
import type { Link } from '../link/link.ts';
import type { Logger } from '../log.ts';
import type { EdgeClock } from './clock.ts';
import type { People } from './people.ts';

export interface ContactDeps {
  /** Null: the profile, or want of a credential, leaves it at what the cloud says to the users themselves. */
  standings: Standings | null;
  /** The edge's own credential. */
  credential: string | undefined;
  cloud: Pick<Cloud, 'request'>;
  people: People;
  link: Pick<Link, 'state' | 'held'>;
  clock: EdgeClock;
  log: Logger;
}

export interface Contact {
  /** The link's state has changed. */
  changed(): void;
  stop(): void;
}

const EVERY = 60_000;
/** How long the link has to be there before the edge's own sessions end: time enough to sign in again, ms. */
export const SETTLED = 15 * 60_000;
const AT_ONCE = 200;
const TIMEOUT = 10_000;
const MAX_BYTES = 1024 * 1024;

export function keepContact(deps: ContactDeps): Contact {
  const { link, clock, people, log } = deps;
  let onlineSince: number | null = null;
  let asking: Promise<void> | null = null;

  async function work(): Promise<void> {
    await clock.keep();
    if (onlineSince === null) return;
    await askAbout(deps);
    if (clock.now() - onlineSince >= SETTLED) await people.settle();
  }
  const look = () => {
    asking ??= work()
      .catch((error: unknown) => log.warn({ err: error }, "the cloud's word on the people here was not had"))
      .finally(() => (asking = null));
  };
  const timer = setInterval(look, EVERY);
  return {
    changed() {
      const isOnline = link.state === 'online' && !link.held;
      if (isOnline === (onlineSince !== null)) return;
      onlineSince = isOnline ? clock.now() : null;
      if (isOnline) look();
    },
    stop: () => clearInterval(timer),
  };
}

/** Asks about everybody, and takes the word as it is: who is missing is known here no more. */
export async function askAbout({ standings, credential, cloud, people, clock }: ContactDeps): Promise<void> {
  if (standings === null || credential === undefined) return;
  const ids = people.all().map(({ id }) => id);
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const some = ids.slice(at, at + AT_ONCE);
    const said = standings.read(await answerTo(standings.ask(some), credential, cloud));
    if (clock.correct(said.at)) await people.clampTo(clock.now());
    for (const id of some) {
      const claims = said.claims[id];
      if (claims === undefined) await people.revoke({ id, claims: {}, saidAt: said.at });
      else await people.say({ id, claims, saidAt: said.at });
    }
  }
}

async function answerTo({ method = 'GET', path, headers }: Ask, authorization: string, cloud: ContactDeps['cloud']) {
  const answer = await cloud.request({
    method,
    path,
    headers: { accept: 'application/json', ...headers, authorization },
    body: null,
    signal: AbortSignal.timeout(TIMEOUT),
  });
  const text = await readBounded(answer.body, MAX_BYTES);
  if (answer.status !== 200) throw new Error(`${path.split('?', 1)[0]} answered ${answer.status}`);
  return { status: answer.status, headers: {}, body: JSON.parse(text) };
}
