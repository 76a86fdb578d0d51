/**
 * The life of a read (DESIGN.md): replica where a waiting write touches it, else memory, disk, the cloud with patience,
 * and when that fails the ladder: replica, stale response, a clear error.
 */
import type { Back } from '@larder/sync/client';
import { LarderError } from '@larder/sync/errors';
import { CloudFault } from '@larder/sync/fault';
import type { LinkState } from '@larder/sync/link';
import type { Link } from './link/link.ts';
import type { Cache } from './cache/cache.ts';
import type { CloudAnswer, Question } from './cache/fetch.ts';
import { Fill } from './cache/fill.ts';
import { NotKept } from './cache/filling.ts';
import type { Ticket } from './cache/fill.ts';
import { partRequest, sliceOf } from './cache/part.ts';
import { decide, mayServeStale, onlyIfCached } from './cache/policy.ts';
import type { Need } from './cache/policy.ts';
import type { CacheRequest, Stored, StoredResponse } from './cache/response.ts';
import { termsOf } from './cache/rules.ts';
import type { Rules } from './cache/rules.ts';
import type { Cloud } from './cloud.ts';
import type { Exchange } from './exchange.ts';
import type { Identity } from './identity/identity.ts';
import { sendInterim } from './respond.ts';
import {
  mustDecode,
  sendFilling,
  sendHit,
  sendPart,
  sendReplica,
  sendStale,
  sendThrough,
  sendWhole,
} from './read/answer.ts';
import { createBypass } from './read/bypass.ts';
import type { Bypass } from './read/bypass.ts';
import { sendOfflinePage } from './read/offline-page.ts';
import { createPatience } from './read/patience.ts';
import type { Patience } from './read/patience.ts';
import { readingOf, ruledRequestOf } from './read/reading.ts';
import type { Reading } from './read/reading.ts';
import { askReplica, mustAskReplica, pendingFor, prefersReplica, wasOvertaken } from './read/replica.ts';
import { createStandings } from './read/standing.ts';
import type { Standings } from './read/standing.ts';

export interface ReaderDeps {
  cache: Cache;
  cloud: Pick<Cloud, 'request'>;
  /** Null without a profile. */
  back: Back | null;
  /** Live: read at every request. `held`: the operator wants nothing sent. */
  link: Pick<Link, 'state' | 'held' | 'slow'>;
  rules: Rules;
  identity: Pick<Identity, 'refusal'>;
  /** ms since 1970. */
  clock: () => number;
  /** Told of each answer given from what is fresh in memory, once it has been written. */
  onFresh?(reading: Reading, stored: StoredResponse): void;
  config: {
    /** Longest wait for the cloud where a lower rung can answer, ms. */
    patienceCeiling: number;
    /** Longest wait for the head of an answer, ms. */
    hardTimeout: number;
    /** Largest answer that is stored, bytes. */
    maxObjectBytes: number;
    /** Replica-first routes are the cloud's while the feed is further behind than this, ms. */
    replicaLag: number;
  };
}

/** How reads were answered. `through`: by the cloud, unstorable. `stored`: by the cloud, or joined. */
export type Outcome = 'hit' | 'stale' | 'validated' | 'stored' | 'through' | 'replica' | 'failed';

export interface Reader {
  /** Answers a GET or HEAD. Rejects with a `LarderError` where nothing can: LARDER_OFFLINE, LARDER_CLOUD_*. */
  read(exchange: Exchange): Promise<void>;
  /** Aborts fetches that nobody waits for: for when the link is found down. */
  abandon(): void;
  /** Answers by outcome, since the start. */
  readonly counters: Readonly<Record<Outcome, number>>;
  /** Whom replica-first routes may answer. */
  readonly standings: Pick<Standings, 'of'>;
}

export function createReader(deps: ReaderDeps): Reader {
  const path = new ReadPath(deps);
  return {
    read: (exchange) => path.read(exchange),
    abandon: () => path.fill.abandon(),
    counters: path.counters,
    standings: path.standings,
  };
}

const DONE = Promise.resolve();
/** Stands for all routes that no profile knows, where latencies are learnt. */
const UNKNOWN_ROUTE = {};
/** The same as the hard timeout while the link is down, ms: for a connection, and for an answer should there be one. */
const OFFLINE_TIMEOUT = 6_000;
/** Failures that the cloud itself reports and a lower rung may cover up (RFC 5861 §4). */
const FAILING = new Set([500, 502, 503, 504]);

type MaybeStored = Stored | null;
/** An answer, and the place in the fetch that gives it. */
type Boarded = { answer: CloudAnswer; ticket: Ticket };

class ReadPath {
  readonly counters: Record<Outcome, number> = {
    hit: 0,
    stale: 0,
    validated: 0,
    stored: 0,
    through: 0,
    replica: 0,
    failed: 0,
  };
  readonly fill: Fill;
  readonly standings: Standings;
  readonly #deps: ReaderDeps;
  readonly #bypass: Bypass;
  readonly #patience: Patience;

  constructor(deps: ReaderDeps) {
    const { cache, cloud, clock, config } = deps;
    this.#deps = deps;
    this.fill = new Fill({ cache, cloud, clock, ...config });
    this.#bypass = createBypass({ cloud, hardTimeout: config.hardTimeout });
    this.#patience = createPatience(config.patienceCeiling);
    this.standings = createStandings(clock);
  }

  read(exchange: Exchange): Promise<void> {
    const { back, cache, rules } = this.#deps;
    const ruled = ruledRequestOf(exchange, rules);
    const found = cache.find(ruled.request);
    const reading = readingOf(exchange, found, ruled, back);
    if (mustAskReplica(back, reading) || isLocal(reading)) return this.#readReplica(reading);
    // Nothing up to here, and nothing in the next lines, waits for anything.
    if (found !== null && this.#answeredBy(found, reading)) {
      this.#tellOfHit(reading, found);
      return DONE;
    }
    return this.#isReplicaFirst(reading) ? this.#readReplica(reading) : this.#readBelowMemory(reading, found);
  }

  /** I8: for those only whom the cloud has lately accepted here. */
  #isReplicaFirst(reading: Reading): boolean {
    const { back, clock, config, link } = this.#deps;
    if (!prefersReplica(back, reading, { now: clock(), mostLag: config.replicaLag })) return false;
    const { exchange } = reading;
    const standing = this.standings.of(exchange);
    const mayAsk = standing === 'ageing' && link.state !== 'offline' && !link.held;
    if (mayAsk && this.standings.mayAsk(exchange)) void this.#prove(reading);
    return standing !== 'unproved';
  }

  /** Behind an answer of the replica: would the cloud still give one? Its answer, where it may be, is stored. */
  async #prove(reading: Reading): Promise<void> {
    const ticket = this.#board(reading, null);
    try {
      const answer = await ticket.answer;
      this.#learn(reading, answer);
      if (answer.type === 'through') answer.body.destroy();
    } catch {
      // The link has heard of it. While it is down, the ladder decides.
    } finally {
      ticket.leave();
    }
  }

  /** What another caller of the same scope was told says nothing of this one. */
  #learn({ exchange }: Reading, answer: CloudAnswer): void {
    if (exchange.read?.replicaFirst !== true) return;
    if (answer.type === 'through') return this.standings.learn(exchange, answer.head.status);
    if (answer.joined) return;
    const { status } = answer.type === 'filling' ? answer.metadata : answer.response;
    this.standings.learn(exchange, status);
  }

  async #readReplica(reading: Reading): Promise<void> {
    if (await this.#answeredByReplica(reading)) return;
    const found = this.#deps.cache.find(reading.request);
    if (found === null || !this.#answeredBy(found, reading)) await this.#readBelowMemory(reading, found);
  }

  async #readBelowMemory(reading: Reading, inMemory: MaybeStored): Promise<void> {
    const { cache, link } = this.#deps;
    const finding = inMemory === null ? cache.findOnDisk(reading.request) : null;
    const onDisk = finding instanceof Promise ? await finding : finding;
    if (onDisk !== null && this.#answeredBy(onDisk, reading)) return;
    if (this.#answeredByPart(reading)) return;
    const stored = inMemory ?? onDisk;
    const isCutOff = link.state === 'offline' || link.held || isLocal(reading);
    // The link's state chooses the order; only the operator's hold forbids.
    if (isCutOff && (await this.#answeredHere(reading, stored, 'unreachable', 'offline'))) return;
    // I8: nobody here can tell who that is, and the cloud, which could, is not there.
    if (isCutOff && reading.covered && reading.exchange.user === null)
      return this.#fail(reading, this.#deps.identity.refusal(reading.exchange.request.headers));
    if (isLocal(reading)) return this.#fail(reading, new LarderError('LARDER_LOCAL_SESSION'));
    if (onlyIfCached(reading.request))
      return this.#fail(reading, new LarderError('LARDER_CLOUD_TIMEOUT', 'Only what is here was wanted.'));
    if (link.held) return this.#fail(reading, new LarderError('LARDER_OFFLINE', 'The operator holds the link.'));
    await this.#readCloud(reading, stored);
  }

  async #readCloud(reading: Reading, stored: MaybeStored): Promise<void> {
    const forward = this.#forwardReason(reading, stored);
    const { clock, back } = this.#deps;
    // What waits now may have settled by the time the answer is here, which was made before that (I6, I9).
    const waited = pendingFor(back, reading);
    const boarded = await this.#askCloud(reading, stored);
    if (boarded === null) return;
    const { answer, ticket } = boarded;
    this.#learn(reading, answer);
    if (await this.#answeredBetter(reading, stored, answer)) return ticket.leave();
    const { exchange } = reading;
    const pending = Math.max(waited, pendingFor(back, reading));
    if (answer.type === 'through') {
      this.counters.through++;
      await sendThrough(exchange, answer, forward, clock(), pending);
    } else if (answer.type === 'filling') {
      this.counters.stored++;
      // Whether the caller has it all or has gone: the rest still comes, to be stored.
      await sendFilling(exchange, answer, forward, clock(), pending).finally(() => ticket.leave());
    } else {
      this.counters[answer.validated ? 'validated' : 'stored']++;
      sendWhole(exchange, answer, forward, clock(), pending);
    }
  }

  /** Waits for the cloud as long as nobody here could answer sooner; null: answered from here, or failed. */
  async #askCloud(reading: Reading, stored: MaybeStored): Promise<Boarded | null> {
    const { link } = this.#deps;
    const ticket = this.#board(reading, stored);
    const isTrial = link.state === 'offline';
    try {
      const patience = this.#patienceFor(reading, stored);
      if (patience === Infinity && !isTrial) return { answer: await ticket.answer, ticket };
      const wanted = patience === Infinity ? ticket.answer : ticket.answer.then(hasCome);
      const answer = await withinTime(wanted, isTrial ? OFFLINE_TIMEOUT : patience);
      if (answer !== null) return { answer, ticket };
      if (!isTrial) link.slow();
      // A lower rung answers, while the fetch goes on; where none can, it is waited for after all.
      const isAnswered = await this.#answeredHere(reading, stored, 'slow', 'slow');
      if (!isAnswered && !isTrial) return { answer: await ticket.answer, ticket };
      ticket.leave();
      if (!isAnswered) throw new LarderError('LARDER_OFFLINE');
    } catch (error) {
      const fault = error instanceof CloudFault ? error.fault : 'silent';
      if (!(await this.#answeredHere(reading, stored, 'unreachable', fault)))
        this.#fail(reading, explain(error, this.#deps.link.state));
    }
    return null;
  }

  #board(reading: Reading, stored: MaybeStored): Ticket {
    if (this.#mustBypass(reading)) return this.#bypass.fetch(reading.exchange);
    const { range } = reading.request.headers;
    if (range === undefined) return this.fill.fetch(this.#questionOf(reading, stored));
    return this.fill.part({ ...this.#questionOf(reading, null), range });
  }

  /** What is not stored anyway keeps the client's own condition: a 304 costs less. */
  #mustBypass({ exchange, request }: Reading): boolean {
    if (this.#bypass.isNeeded(exchange)) return true;
    return this.#bypass.isConditional(exchange) && this.fill.isHitForMiss(request);
  }

  /** Patience is for those whom a lower rung can answer. */
  #patienceFor(reading: Reading, stored: MaybeStored): number {
    const hasLowerRung = reading.covered || (stored !== null && mayServeStale(stored, this.#deps.clock(), 'slow'));
    return hasLowerRung ? this.#patience.of(routeOf(reading), this.#deps.link.state) : Infinity;
  }

  /** Is there something here that must, or had better, be given instead of the cloud's answer? */
  async #answeredBetter(reading: Reading, stored: MaybeStored, answer: CloudAnswer): Promise<boolean> {
    if (wasOvertaken(this.#deps.back, reading)) return this.#answeredByReplica(reading);
    const isFailing = answer.type === 'through' && FAILING.has(answer.head.status);
    return isFailing && this.#answeredHere(reading, stored, 'failed', 'error');
  }

  /** The ladder: the replica, then a stale response if the rules allow. `why`: a token for Cache-Status. */
  async #answeredHere(reading: Reading, stored: MaybeStored, need: Need, why: string): Promise<boolean> {
    if (await this.#answeredByReplica(reading)) return true;
    const { back, cache, clock } = this.#deps;
    if (stored === null || this.#bypass.hasPrecondition(reading.exchange)) return false;
    if (!cache.isCurrent(stored) || !mayServeStale(stored, clock(), need)) return false;
    this.counters.stale++;
    sendStale(reading.exchange, stored, clock(), pendingFor(back, reading), why);
    return true;
  }

  async #answeredByReplica(reading: Reading): Promise<boolean> {
    const answer = await askReplica(this.#deps.back, reading);
    if (answer === null) return false;
    this.counters.replica++;
    sendReplica(reading.exchange, answer, this.#deps.clock());
    return true;
  }

  /** Answers at once from what is stored, if the rules let it stand by itself. */
  #answeredBy(stored: Stored, reading: Reading): boolean {
    const { back, clock, link } = this.#deps;
    const { exchange, request } = reading;
    const now = clock();
    const { type } = decide(request, stored, now, link.state);
    if ((type !== 'fresh' && type !== 'stale-while-revalidate') || this.#bypass.hasPrecondition(exchange)) return false;
    this.counters[type === 'fresh' ? 'hit' : 'stale']++;
    sendHit(exchange, stored, now, pendingFor(back, reading));
    const mayRefresh = link.state !== 'offline' && !link.held && !isLocal(reading);
    if (type === 'stale-while-revalidate' && mayRefresh) this.fill.refresh(this.#questionOf(reading, stored));
    return true;
  }

  /** Not of what came from disk: what is asked for once only is not worth remembering. */
  #tellOfHit(reading: Reading, stored: StoredResponse): void {
    const { clock, onFresh } = this.#deps;
    if (clock() < stored.freshUntil && !mustDecode(reading.exchange.request, stored)) onFresh?.(reading, stored);
  }

  /** Answers a range at once from a part that is stored. */
  #answeredByPart(reading: Reading): boolean {
    const { exchange, request } = reading;
    if (!this.#bypass.isForPart(exchange) || this.#bypass.isNeeded(exchange)) return false;
    const { back, cache, clock, link } = this.#deps;
    const asked = partRequest(request);
    const part = cache.find(asked);
    const slice = part === null ? null : sliceOf(asked, part);
    if (part === null || slice === null || decide(asked, part, clock(), link.state).type !== 'fresh') return false;
    this.counters.hit++;
    sendPart(exchange, part, slice, clock(), pendingFor(back, reading));
    return true;
  }

  /** The last rung. */
  #fail({ exchange }: Reading, error: LarderError): void {
    this.counters.failed++;
    const isPage = exchange.request.headers.accept?.includes('text/html') === true;
    if (error.code !== 'LARDER_OFFLINE' || !isPage) throw error;
    sendOfflinePage(exchange.response);
  }

  /** Why the cloud is asked, in the words of RFC 9211 §2.2. */
  #forwardReason(reading: Reading, stored: MaybeStored): string {
    const { cache, clock, link } = this.#deps;
    const { request } = reading;
    const decision = decide(request, stored, clock(), link.state);
    if (this.#mustBypass(reading)) return 'bypass';
    if (decision.type === 'revalidate') return decision.reason;
    if (decision.type !== 'miss') return 'stale';
    return cache.has(request.uri) ? 'miss' : 'uri-miss';
  }

  /** For the whole, whatever part of it the caller wants. */
  #questionOf(reading: Reading, stored: MaybeStored): Question {
    return {
      request: withoutRange(reading.request),
      stored,
      tags: reading.tags,
      range: null,
      rule: termsOf(reading.ruling, reading.exchange.read?.cache),
      onLatency: (ms) => this.#patience.learn(routeOf(reading), ms),
      onInterim: (status, headers) => sendInterim(reading.exchange.response, status, headers),
    };
  }
}

function withoutRange(request: CacheRequest): CacheRequest {
  if (request.headers.range === undefined) return request;
  const { range: _range, ...headers } = request.headers;
  return { ...request, headers };
}

/** I8: the cloud knows nothing of this session, and is asked nothing under it. */
const isLocal = ({ exchange }: Reading): boolean => exchange.caller?.isLocal === true;

const routeOf = ({ exchange }: Reading): object => exchange.read ?? UNKNOWN_ROUTE;

/** Where this box could answer itself a head is not enough: a link that stalls lets heads through, and then no more. */
async function hasCome(answer: CloudAnswer): Promise<CloudAnswer> {
  if (answer.type !== 'filling') return answer;
  try {
    await answer.whole;
  } catch (error) {
    // Too large to be kept is no fault: it is read as it comes.
    if (!(error instanceof NotKept)) throw error;
  }
  return answer;
}

/** Null where the time runs out first. */
async function withinTime<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  const { promise: timeout, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(resolve, ms, null);
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** What the failure means to the caller. */
function explain(error: unknown, state: LinkState): LarderError {
  if (error instanceof LarderError) return error;
  if (!(error instanceof CloudFault)) return new LarderError('LARDER_INTERNAL', '', { cause: error });
  if (error.fault === 'reset') return new LarderError('LARDER_CLOUD_FAILED', '', { cause: error });
  if (error.fault === 'silent' && state !== 'offline')
    return new LarderError('LARDER_CLOUD_TIMEOUT', '', { cause: error });
  return new LarderError('LARDER_OFFLINE', '', { cause: error });
}
