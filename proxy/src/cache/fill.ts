/**
 * One fetch for all who ask the same at the same time: the same scope, URI and values of the headers that the last
 * answer varied by.
 */
import { LarderError } from '@larder/sync/errors';
import type { Lease } from './cache.ts';
import { fetchOnce } from './fetch.ts';
import type { CloudAnswer, FetchDeps, FillingAnswer, Question, WholeAnswer } from './fetch.ts';
import { NotKept } from './filling.ts';
import { decide } from './policy.ts';
import type { CacheRequest, Metadata } from './response.ts';
import { matches, selectionOf } from './vary.ts';

/** A caller's place in a fetch. `answer` rejects with a `CloudFault` or a `LarderError`. */
export interface Ticket {
  answer: Promise<CloudAnswer>;
  /** The caller wants the answer no more, or has all of it; the fetch goes on. */
  leave(): void;
}

interface Flight {
  lease: Lease;
  /** Callers who still wait. */
  waiting: number;
  abort: AbortController;
  answer: Promise<CloudAnswer>;
  /** By which others find it; empty: nobody joins it. */
  keys: string[];
  /** Its body is still coming. */
  streaming: Metadata | null;
  isOver: boolean;
}

/** A URI whose answer could not be shared is not waited for again so soon, ms. */
const HIT_FOR_MISS = 60_000;
/** URIs of which something is remembered. */
const MOST_REMEMBERED = 10_000;
/** Fetches that may go on with nobody waiting. */
const MOST_ABANDONED = 64;

const ABANDONED = new LarderError('LARDER_CLOUD_TIMEOUT', 'Nobody waited for it any more.');

export class Fill {
  readonly #deps: FetchDeps;
  /** Those that can be joined. */
  readonly #flights = new Map<string, Flight>();
  readonly #abandoned = new Set<Flight>();
  /** By scope and URI: the names in the last Vary, and until when it is hit-for-miss. */
  readonly #lastVary = new Map<string, readonly string[]>();
  readonly #hitForMiss = new Map<string, number>();

  constructor(deps: FetchDeps) {
    this.#deps = deps;
  }

  /** Joins the fetch that is under way, or starts one. */
  fetch(question: Question): Ticket {
    if (this.isHitForMiss(question.request)) return this.#alone(question);
    const underWay = this.#joinable(question);
    return underWay === null ? this.#board(this.#depart(question)) : this.#join(underWay, question);
  }

  /** Fetches a part, for one caller. */
  part(question: Question): Ticket {
    return this.#alone(question);
  }

  /** Its last answer could not be shared: the next one is not waited for. */
  isHitForMiss(request: CacheRequest): boolean {
    return (this.#hitForMiss.get(resourceOf(request)) ?? 0) > this.#deps.clock();
  }

  /** Fetches behind the answer, if nobody does so already. */
  refresh(question: Question): void {
    if (this.#joinable(question) === null) this.#board(this.#depart(question)).leave();
  }

  /** Aborts what nobody waits for. */
  abandon(): void {
    for (const flight of this.#abandoned) flight.abort.abort(ABANDONED);
  }

  /**
   * The fetch that a new caller may join: not one begun before an invalidation (I10), nor one whose answer, as far as
   * its head is known, does not do for this request.
   */
  #joinable(question: Question): Flight | null {
    const { cache, clock } = this.#deps;
    const flight = this.#flights.get(this.#keyOf(question));
    if (flight === undefined || !cache.holds(flight.lease)) return null;
    const { streaming } = flight;
    const isUsable = streaming === null || decide(question.request, streaming, clock(), 'online').type === 'fresh';
    return isUsable ? flight : null;
  }

  /** Starts a fetch that others may join. */
  #depart(question: Question): Flight {
    const flight = this.#start(question);
    this.#list(flight, question);
    return flight;
  }

  #list(flight: Flight, question: Question): void {
    const key = this.#keyOf(question);
    flight.keys.push(key);
    this.#flights.set(key, flight);
  }

  #start(question: Question): Flight {
    const { cache } = this.#deps;
    const abort = new AbortController();
    const lease = cache.lease(question.request.uri, question.tags);
    const answer = fetchOnce(this.#deps, question, lease, abort.signal);
    const flight: Flight = { lease, waiting: 0, abort, answer, keys: [], streaming: null, isOver: false };
    void this.#follow(flight, question);
    return flight;
  }

  /** Until the last byte has come, or never will. */
  async #follow(flight: Flight, question: Question): Promise<void> {
    try {
      const given = await flight.answer;
      // What becomes of a part says nothing of the whole.
      if (question.range === null) this.#learn(question, given);
      if (given.type !== 'filling') return;
      flight.streaming = given.metadata;
      // What it varies by is known now, and with it by which key others look for it.
      if (flight.keys.length > 0) this.#list(flight, question);
      await given.whole;
    } catch (error) {
      // Whoever waits for it hears of any other failure.
      if (error instanceof NotKept) this.#avoidWaiting(question);
    } finally {
      flight.isOver = true;
      this.#deps.cache.release(flight.lease);
      this.#abandoned.delete(flight);
      for (const key of flight.keys) if (this.#flights.get(key) === flight) this.#flights.delete(key);
    }
  }

  /** What the next ones need to know before they wait for one another. */
  #learn(question: Question, answer: CloudAnswer): void {
    const resource = resourceOf(question.request);
    if (answer.type !== 'through') {
      const { vary } = answer.type === 'whole' ? answer.response : answer.metadata;
      this.#hitForMiss.delete(resource);
      if (vary.length > 0) remember(this.#lastVary, resource, vary);
    } else if (answer.head.status < 500) {
      // A failing cloud, on the other hand, is no reason to ask it more often.
      this.#avoidWaiting(question);
    }
  }

  #avoidWaiting({ request }: Question): void {
    remember(this.#hitForMiss, resourceOf(request), this.#deps.clock() + HIT_FOR_MISS);
  }

  #board(flight: Flight): Ticket {
    return this.#ticket(flight, flight.answer);
  }

  #join(flight: Flight, question: Question): Ticket {
    const answer = flight.answer.then((given) => {
      const found = given.type === 'whole' ? given.response : given.type === 'filling' ? given.metadata : null;
      // It was for somebody else: everybody now goes by themselves, at the same time.
      if (found === null || !matches(found, question.request)) return this.#alone(question).answer;
      return given.type === 'filling' ? this.#joinFilling(given, question) : shared(given as WholeAnswer);
    });
    return this.#ticket(flight, answer);
  }

  /** Where nobody knows how long it is, it is waited for: what grows past the limit only one can have. */
  async #joinFilling(given: FillingAnswer, question: Question): Promise<CloudAnswer> {
    const { filling } = given;
    filling.claim();
    try {
      if (filling.announced === null) await given.whole;
      return shared(given);
    } catch (error) {
      filling.release();
      if (error instanceof NotKept) return this.#alone(question).answer;
      throw error;
    }
  }

  #alone(question: Question): Ticket {
    return this.#board(this.#start(question));
  }

  #ticket(flight: Flight, answer: Promise<CloudAnswer>): Ticket {
    flight.waiting++;
    this.#abandoned.delete(flight);
    // Whoever leaves does not hear of its failure.
    answer.catch(ignore);
    let left = false;
    const leave = () => {
      if (left) return;
      left = true;
      answer.then(dismiss, ignore);
      flight.waiting--;
      if (flight.waiting === 0 && !flight.isOver) this.#letGo(flight);
    };
    return { answer, leave };
  }

  #letGo(flight: Flight): void {
    this.#abandoned.add(flight);
    const [oldest] = this.#abandoned;
    if (this.#abandoned.size <= MOST_ABANDONED || oldest === undefined) return;
    this.#abandoned.delete(oldest);
    oldest.abort.abort(ABANDONED);
  }

  #keyOf({ request }: Question): string {
    const resource = resourceOf(request);
    return `${resource} ${selectionOf(this.#lastVary.get(resource) ?? [], request.headers)}`;
  }
}

/** Ends an answer that nobody will read. */
function dismiss(answer: CloudAnswer): void {
  if (answer.type === 'through') answer.body.destroy();
  if (answer.type === 'filling') answer.filling.release();
}

/** As one who joined gets it. */
const shared = <A extends WholeAnswer | FillingAnswer>(answer: A): A => ({
  ...answer,
  joined: true,
  cookies: undefined,
});

const ignore = () => undefined;
/** A URI holds no space, so two of these are equal only if both parts are. */
const resourceOf = ({ uri, scope }: CacheRequest) => `${uri} ${scope}`;

/** Bounded: the oldest is forgotten, which costs a little waiting and nothing else. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > MOST_REMEMBERED && oldest !== undefined) map.delete(oldest);
}
