/** What `/_edge/status` shows: how this edge is, in counts and times. No personal data, no documents, no addresses of pages. */
import type { BackStatus } from '@larder/sync/client';
import type { Fault, LinkState } from '@larder/sync/link';
import type { CacheFigures } from '../cache/cache.ts';
import type { PeopleFigures } from '../identity/known.ts';
import type { Link } from '../link/link.ts';
import type { TapFigures } from '../tap/tap.ts';
import type { CertificateStatus } from '../tls/renewal.ts';
import { VERSION } from '../version.ts';

export interface StatusSources {
  name: string;
  store: string | null;
  cloud: URL;
  profile: { name: string; release: number } | null;
  link: Pick<Link, 'state' | 'since' | 'held' | 'timeline'>;
  /** Null without a profile. */
  back(): BackStatus | null;
  /** Null without a profile. */
  people(): PeopleFigures | null;
  cache(): CacheFigures;
  /** Answers to reads by outcome, since the start. */
  reads(): Readonly<Record<string, number>>;
  /** What the fast path has answered and holds; null: switched off. */
  fastPath(): TapFigures | null;
  /** What browsers are shown; null: clear HTTP. */
  certificate(): CertificateStatus | null;
}

export interface LinkStatus {
  state: LinkState;
  since: string;
  held: boolean;
  /** What took it out of `online`; null while it is. */
  fault: Fault | null;
  /** Latest changes of state, oldest first; `seconds` is how long the state before had lasted. */
  timeline: { at: string; state: LinkState; fault: Fault | null; seconds: number }[];
}

/** The document of `/_edge/status`. Times are ISO 8601 UTC, sizes bytes, `uptime` seconds. */
export interface Status {
  name: string;
  version: string;
  store: string | null;
  cloud: string;
  profile: { name: string; release: number } | null;
  uptime: number;
  /** Null: clear HTTP. */
  certificate: CertificateStatus | null;
  link: LinkStatus;
  box: BackStatus['box'] | null;
  clock: BackStatus['clock'] | null;
  queue: BackStatus['queue'] | null;
  replica: BackStatus['replica'] | null;
  people: PeopleFigures | null;
  cache: CacheFigures & { reads: Readonly<Record<string, number>> };
  memory: { rss: number; heapUsed: number };
}

const iso = (ms: number) => new Date(ms).toISOString();

export function linkStatusOf(link: StatusSources['link']): LinkStatus {
  return {
    state: link.state,
    since: iso(link.since),
    held: link.held,
    fault: link.state === 'online' ? null : (link.timeline.at(-1)?.fault ?? null),
    timeline: link.timeline.map(({ at, state, fault, after }) => ({
      at: iso(at),
      state,
      fault,
      seconds: Math.round(after / 1000),
    })),
  };
}

export function statusOf(sources: StatusSources): Status {
  const back = sources.back();
  const { rss, heapUsed } = process.memoryUsage();
  return {
    name: sources.name,
    version: VERSION,
    store: sources.store,
    cloud: sources.cloud.origin,
    profile: sources.profile,
    uptime: Math.round(process.uptime()),
    certificate: sources.certificate(),
    link: linkStatusOf(sources.link),
    box: back?.box ?? null,
    clock: back?.clock ?? null,
    queue: back?.queue ?? null,
    replica: back?.replica ?? null,
    people: sources.people(),
    cache: { ...sources.cache(), reads: sources.reads() },
    memory: { rss, heapUsed },
  };
}
