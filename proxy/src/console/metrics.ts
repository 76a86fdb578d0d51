/** The figures of `/metrics`, in Prometheus' text format. Labels are few and fixed: nothing a caller sends becomes one. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Metric } from 'prom-client';
import type { BackStatus } from '@larder/sync/client';
import type { Purge } from '../cache/cache.ts';
import { VERSION } from '../version.ts';
import type { StatusSources } from './status.ts';

export interface Metrics {
  /** Counts one answer. */
  observe(handler: string, status: number, seconds: number): void;
  /** Counts one purge. */
  purged(by: Purge['by'], soft: boolean): void;
  readonly contentType: string;
  render(): Promise<string>;
}

const LINK_STATES = ['online', 'doubtful', 'offline'] as const;
/** From a hit in memory to the longest wait for a cloud, seconds. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Makes the registry of one edge; gauges are read when they are asked for. */
export function createMetrics(sources: StatusSources): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ edge: sources.name, ...(sources.store === null ? {} : { store: sources.store }) });
  collectDefaultMetrics({ register: registry });

  let told: number[] = [];
  const requests = new Counter({
    name: 'larder_requests_total',
    help: 'Answers, by the part that gave them and class of status.',
    labelNames: ['handler', 'status'] as const,
    registers: NOWHERE,
    collect() {
      // Counted there in whole numbers: a look-up by labels for each answer would cost a tenth of it.
      const repeats = sources.fastPath()?.answers ?? [];
      repeats.forEach((count, first) => {
        const more = count - (told[first] ?? 0);
        if (more > 0) this.inc({ handler: 'read', status: `${first}xx` }, more);
      });
      told = [...repeats];
    },
  });
  const duration = new Histogram({
    name: 'larder_request_duration_seconds',
    help: 'From the head of the request to the end of the answer; without those of the fast path.',
    labelNames: ['handler'] as const,
    buckets: BUCKETS,
    registers: NOWHERE,
  });
  const purges = new Counter({
    name: 'larder_purges_total',
    help: 'Purges by the operator: what they named, and whether they dropped it (hard) or made it stale (soft).',
    labelNames: ['by', 'how'] as const,
    registers: NOWHERE,
  });
  // There from the start, so that the first one is seen as a rise.
  for (const by of ['url', 'prefix', 'tag']) for (const how of ['hard', 'soft']) purges.inc({ by, how }, 0);
  const others: Metric[] = [
    requests,
    duration,
    purges,
    ...linkMetrics(sources),
    ...cacheMetrics(sources),
    ...fastPathMetrics(sources),
    ...certificateMetrics(sources),
    ...backMetrics(sources),
  ];
  for (const metric of others) registry.registerMetric(metric);

  return {
    observe(handler, status, seconds) {
      requests.inc({ handler, status: `${Math.floor(status / 100)}xx` });
      duration.observe({ handler }, seconds);
    },
    purged: (by, soft) => purges.inc({ by, how: soft ? 'soft' : 'hard' }),
    contentType: registry.contentType,
    render: () => registry.metrics(),
  };
}

/** prom-client has one registry for the whole process by default; several edges may share a process, in tests at least. */
const NOWHERE: Registry[] = [];

/** A gauge whose one value is looked up at each scrape. */
const gauge = (name: string, help: string, read: () => number) =>
  new Gauge({
    name,
    help,
    registers: NOWHERE,
    collect() {
      this.set(read());
    },
  });

/** A gauge with a value for each label; `read` gives pairs of label and value at each scrape. */
const gauges = <L extends string>(name: string, help: string, label: L, read: () => [string, number][]) =>
  new Gauge({
    name,
    help,
    labelNames: [label],
    registers: NOWHERE,
    collect() {
      this.reset();
      for (const [value, count] of read()) this.set({ [label]: value } as Record<L, string>, count);
    },
  });

function fastPathMetrics({ fastPath }: StatusSources): Metric[] {
  if (fastPath() === null) return [];
  return [
    gauge('larder_fast_path_heads', 'Request heads that the fast path knows.', () => fastPath()?.heads ?? 0),
    gauge('larder_fast_path_bytes', 'Bytes that it holds for them.', () => fastPath()?.bytes ?? 0),
  ];
}

function certificateMetrics({ certificate }: StatusSources): Metric[] {
  if (certificate() === null) return [];
  return [
    gauge('larder_certificate_expiry_seconds', 'When the certificate for TLS expires, Unix time.', () =>
      Math.floor(Date.parse(certificate()?.validTo ?? '') / 1000),
    ),
  ];
}

function linkMetrics({ link }: StatusSources): Metric[] {
  return [
    gauges('larder_info', 'This build; always 1.', 'version', () => [[VERSION, 1]]),
    gauges('larder_link_state', 'The state of the link to the cloud: 1 for the present one.', 'state', () =>
      LINK_STATES.map((state) => [state, link.state === state ? 1 : 0]),
    ),
    gauge('larder_link_held', 'Whether the operator holds the link.', () => (link.held ? 1 : 0)),
    gauge('larder_link_since_seconds', 'When the link came to its state, Unix time.', () => link.since / 1000),
  ];
}

function cacheMetrics({ cache, reads }: StatusSources): Metric[] {
  const byTier = (field: 'bytes' | 'responses') => (): [string, number][] => {
    const { memory, disk } = cache();
    return [['memory', memory[field]], ...(disk === null ? [] : [['disk', disk[field]] satisfies [string, number]])];
  };
  return [
    new Counter({
      name: 'larder_reads_total',
      help: 'Answers to reads, by outcome.',
      labelNames: ['outcome'],
      registers: NOWHERE,
      collect() {
        this.reset();
        for (const [outcome, count] of Object.entries(reads())) this.inc({ outcome }, count);
      },
    }),
    gauges('larder_cache_bytes', 'Bytes of stored answers.', 'tier', byTier('bytes')),
    gauges('larder_cache_responses', 'Number of stored answers.', 'tier', byTier('responses')),
    gauge('larder_cache_disk_faults', 'Faults of the disk tier.', () => cache().disk?.faults ?? 0),
  ];
}

function backMetrics({ back }: StatusSources): Metric[] {
  if (back() === null) return [];
  const queue = () => back()?.queue;
  const replica = () => back()?.replica;
  return [
    gauges('larder_box_standing', 'Is this box the current one of its edge: 1 for how it stands.', 'standing', () =>
      BOX_STANDINGS.map((standing) => [standing, back()?.box.standing === standing ? 1 : 0]),
    ),
    gauge('larder_box_held', 'Writes that wait for a person to let this box send them.', () =>
      isHeld(back()) ? (queue()?.length ?? 0) : 0,
    ),
    gauge('larder_queue_length', 'Writes that are not settled.', () => queue()?.length ?? 0),
    gauges('larder_queue_entries', 'Writes known here, by state.', 'state', () =>
      Object.entries(queue()?.states ?? {}),
    ),
    gauge('larder_queue_oldest_seconds', 'Age of the oldest write that is not settled.', () => ageOf(queue()?.oldest)),
    gauge(
      'larder_clock_skew_seconds',
      "How far this box's clock is ahead of the cloud's.",
      () => (back()?.clock.skew ?? 0) / 1000,
    ),
    gauge('larder_queue_stalled', 'Whether the oldest write that could be sent does not get through.', () =>
      typeof queue()?.stalled === 'string' ? 1 : 0,
    ),
    gauge('larder_inbox_length', 'Writes that need a person.', () => queue()?.inbox ?? 0),
    gauges('larder_inbox_entries', 'Writes that need a person, by why.', 'kind', () =>
      Object.entries(queue()?.inboxKinds ?? {}),
    ),
    gauge('larder_inbox_oldest_seconds', 'Age of the oldest of them.', () => ageOf(queue()?.inboxOldest)),
    gauge('larder_replica_complete', 'Whether the replica is complete.', () => (replica()?.complete ? 1 : 0)),
    gauges('larder_replica_documents', 'Documents in the replica.', 'resource', () =>
      Object.entries(replica()?.resources ?? {}).map(([resource, { documents }]) => [resource, documents]),
    ),
    gauge('larder_feed_live', 'Whether the feed of changes is live.', () => (replica()?.feed.live ? 1 : 0)),
    gauge('larder_audit_time_seconds', 'When the last finished audit of the replica began, Unix time; 0: never.', () =>
      timeOf(replica()?.audit.last?.at),
    ),
    gauge('larder_audit_documents', 'Documents that it checked.', () => replica()?.audit.last?.checked ?? 0),
    gauge(
      'larder_audit_drifted',
      'Documents that it found other than in the cloud, and mended.',
      () => replica()?.audit.last?.drifted ?? 0,
    ),
    gauge(
      'larder_audit_unconfirmed',
      'Documents that differed and could not be confirmed.',
      () => replica()?.audit.last?.unconfirmed ?? 0,
    ),
    gauge('larder_feed_lag_seconds', 'Since the replica was last known to equal the cloud.', () =>
      ageOf(replica()?.feed.asOf),
    ),
  ];
}

const BOX_STANDINGS: readonly BackStatus['box']['standing'][] = ['current', 'fork', 'superseded', 'unasked', 'off'];

const isHeld = (back: BackStatus | null) => back !== null && back.box.since !== null && back.box.authorised === null;

const timeOf = (time: string | undefined) => (time === undefined ? 0 : Date.parse(time) / 1000);

const ageOf = (time: string | null | undefined) =>
  typeof time === 'string' ? Math.max(0, (Date.now() - Date.parse(time)) / 1000) : 0;
