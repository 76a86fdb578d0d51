/** What `/_edge/status` shows: how this edge is, in counts and times. No personal data, no documents, no addresses of pages. */
import type { BackStatus } from '@larder/sync/client';
import type { Fault, LinkState } from '@larder/sync/link';
import type { CacheFigures } from '../cache/cache.ts';
import { VERSION } from '../version.ts';

/** The link as the console shows it. */
export interface LinkView {
  readonly state: LinkState;
  /** Since when, ms since 1970. */
  readonly since: number;
  /** The operator wants nothing sent. */
  readonly held: boolean;
  /** Why it is not online; null while it is. */
  readonly fault: Fault | null;
  /** Latest first. */
  readonly timeline: readonly { at: number; state: LinkState; fault: Fault | null }[];
}

export interface StatusSources {
  name: string;
  store: string | null;
  cloud: URL;
  profile: { name: string; release: number } | null;
  link: LinkView;
  /** Null without a profile. */
  back(): BackStatus | null;
  cache(): CacheFigures;
  /** Answers to reads by outcome, since the start. */
  reads(): Readonly<Record<string, number>>;
}

/** The document of `/_edge/status`. Times are ISO 8601 UTC, sizes bytes, `uptime` seconds. */
export interface Status {
  name: string;
  version: string;
  store: string | null;
  cloud: string;
  profile: { name: string; release: number } | null;
  uptime: number;
  link: {
    state: LinkState;
    since: string;
    held: boolean;
    fault: Fault | null;
    timeline: { at: string; state: LinkState; fault: Fault | null }[];
  };
  queue: BackStatus['queue'] | null;
  replica: BackStatus['replica'] | null;
  cache: CacheFigures & { reads: Readonly<Record<string, number>> };
  memory: { rss: number; heapUsed: number };
}

const iso = (ms: number) => new Date(ms).toISOString();

export function statusOf(sources: StatusSources): Status {
  const { link } = sources;
  const back = sources.back();
  const { rss, heapUsed } = process.memoryUsage();
  return {
    name: sources.name,
    version: VERSION,
    store: sources.store,
    cloud: sources.cloud.origin,
    profile: sources.profile,
    uptime: Math.round(process.uptime()),
    link: {
      state: link.state,
      since: iso(link.since),
      held: link.held,
      fault: link.fault,
      timeline: link.timeline.map((turn) => ({ ...turn, at: iso(turn.at) })),
    },
    queue: back?.queue ?? null,
    replica: back?.replica ?? null,
    cache: { ...sources.cache(), reads: sources.reads() },
    memory: { rss, heapUsed },
  };
}
