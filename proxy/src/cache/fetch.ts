/** One fetch: from the question to the cloud, to what is left of its answer in the cache. */
import type { Readable } from 'node:stream';
import { LarderError } from '@larder/sync/errors';
import type { Cloud, CloudResponse, HeaderFields } from '../cloud.ts';
import { LARGEST_IN_MEMORY } from './body-files.ts';
import type { Cache, Lease } from './cache.ts';
import { codingOf, wantedCodings } from './coding.ts';
import { Filling, NotKept } from './filling.ts';
import { combine, headOfWhole, metadataOfPart, partRequest, placeOf } from './part.ts';
import { freshen, store, whyNotStored } from './policy.ts';
import type { Fetched, Refusal } from './policy.ts';
import { isInMemory } from './response.ts';
import type { CacheRequest, Metadata, ResponseHead, Stored } from './response.ts';
import type { RuleTerms } from './rules.ts';

export interface FetchDeps {
  cache: Cache;
  cloud: Pick<Cloud, 'request'>;
  /** ms since 1970. */
  clock: () => number;
  /** Longest wait for the head of an answer, ms. */
  hardTimeout: number;
  /** A larger answer passes without being stored, bytes. */
  maxObjectBytes: number;
}

export interface Question {
  request: CacheRequest;
  /** What is to be validated; null: nothing is stored. */
  stored: Stored | null;
  /** A Range field: no more than that is asked for. Null: the whole. */
  range: string | null;
  tags: readonly string[];
  rule: RuleTerms | null;
  /** Told how long the head of the answer took, ms. */
  onLatency(ms: number): void;
  /** Told of each 1xx answer: for the one who asks first, and for nobody who joins. */
  onInterim(status: number, headers: HeaderFields): void;
}

export type CloudAnswer =
  | WholeAnswer
  | FillingAnswer
  /** For one caller, who must read the body or destroy it. `refusal`: why it is not stored; null: nobody asked. */
  | { type: 'through'; head: ResponseHead; body: Readable; refusal: Refusal | null };

interface Shared {
  /** Somebody else had already asked. */
  joined: boolean;
  /** Set-Cookie, for the one who asked first and for nobody else (I8). */
  cookies: string | string[] | undefined;
}

/** Complete, and for everybody who asked. */
export interface WholeAnswer extends Shared {
  type: 'whole';
  response: Stored;
  /** Others will find it. */
  stored: boolean;
  /** By a 304 of the cloud. */
  validated: boolean;
}

/** For everybody who asked, as it comes. Whoever gets one releases it. */
export interface FillingAnswer extends Shared {
  type: 'filling';
  metadata: Metadata;
  filling: Filling;
  /** When it has come and been stored; rejects as `Filling.whole` does. */
  whole: Promise<WholeAnswer>;
}

/**
 * Asks the cloud, validating what is stored, and stores what may be stored while the lease holds. Rejects with a
 * `CloudFault`, with `LARDER_CLOUD_TIMEOUT`, or with the signal's reason.
 */
export async function fetchOnce(
  deps: FetchDeps,
  question: Question,
  lease: Lease,
  signal: AbortSignal,
): Promise<CloudAnswer> {
  const { cache, clock } = deps;
  const requested = clock();
  const response = await send(deps, question, signal);
  const received = clock();
  question.onLatency(received - requested);
  const { request, rule, tags, stored } = question;
  const cookies = response.headers['set-cookie'];
  const fetched: Fetched = {
    request,
    response,
    rule,
    times: { requested, received },
    tags,
    sequence: lease.sequence,
  };

  if (response.status === 304 && stored !== null) {
    if (response.early() === null) response.body.resume();
    // RFC 9111 §4.3.4: a 304 for something else than what is stored validates nothing.
    if (!isSame(stored, response)) return fetchOnce(deps, { ...question, stored: null }, lease, signal);
    const metadata = freshen(stored, fetched);
    const answer = { ...(metadata ?? stored), body: stored.body };
    const kept = metadata !== null && cache.put(lease, answer);
    if (metadata === null) cache.drop(stored);
    return { type: 'whole', response: answer, stored: kept, validated: true, joined: false, cookies };
  }

  // Nobody asked on a condition, so nobody could use it.
  if (response.status === 304) throw new LarderError('LARDER_CLOUD_FAILED', 'It said 304 to an unconditional request.');

  if (question.range !== null && response.status === 206)
    return fetchPart(deps, fetched, lease, cookies, response.body);

  const metadata = store(fetched);
  const early = response.early();
  const announced = lengthOf(response);
  if (metadata === null || (early?.length ?? announced ?? 0) > deps.maxObjectBytes) {
    // What was stored is no longer what the origin says (RFC 9111 §4.3.3); its failure says nothing.
    if (response.status < 500 && stored?.scope === request.scope) cache.drop(stored);
    const refusal = metadata === null ? whyNotStored(fetched) : 'too-large';
    return { type: 'through', head: response, body: response.body, refusal };
  }
  if (early !== null) return keep(deps.cache, lease, { ...metadata, body: early }, cookies);
  return fillFrom(response.body, { deps, metadata, lease, announced, cookies });
}

/** What has come as a whole is stored, or at least given. */
function keep(cache: Cache, lease: Lease, response: Stored, cookies: WholeAnswer['cookies']): WholeAnswer {
  const stored = cache.put(lease, response);
  return { type: 'whole', response, stored, validated: false, joined: false, cookies };
}

/** RFC 9111 §3.3: a part of a body that is not coded, of which is known where it stands. */
function fetchPart(
  deps: FetchDeps,
  fetched: Fetched,
  lease: Lease,
  cookies: WholeAnswer['cookies'],
  body: Readable,
): CloudAnswer {
  const head = headOfWhole(fetched.response);
  const place = placeOf(fetched.response);
  const whole = place === null || codingOf(head.headers) !== null ? null : store({ ...fetched, response: head });
  if (place === null || whole === null) return { type: 'through', head: fetched.response, body, refusal: 'status' };
  const announced = place.last + 1 - place.first;
  const filling = new Filling({ source: body, announced, limit: LARGEST_IN_MEMORY, files: null });
  const metadata = metadataOfPart(whole, place);
  const kept = filling.whole.then((bytes): WholeAnswer => {
    const other = deps.cache.find(partRequest(fetched.request));
    const response = combine(whole, place, bytes as Buffer, other);
    const stored = deps.cache.put(lease, response);
    if (other !== null && response.status === 200) deps.cache.drop(other);
    return { type: 'whole', response, stored, validated: false, joined: false, cookies };
  });
  kept.catch(() => undefined);
  return { type: 'filling', metadata, filling, whole: kept, joined: false, cookies };
}

const lengthOf = ({ headers }: ResponseHead) =>
  headers['content-length'] === undefined ? null : Number(headers['content-length']);

interface FillOptions {
  deps: FetchDeps;
  metadata: Metadata;
  lease: Lease;
  announced: number | null;
  cookies: WholeAnswer['cookies'];
}

/** Begins to store a body that is still coming. Where the rest of it comes at once, it is an answer that is whole. */
async function fillFrom(
  source: Readable,
  { deps, metadata, lease, announced, cookies }: FillOptions,
): Promise<CloudAnswer> {
  const { cache } = deps;
  const filling = new Filling({ source, announced, limit: deps.maxObjectBytes, files: cache.files });
  const whole = filling.whole.then((body) => {
    const answer = keep(cache, lease, { ...metadata, body }, cookies);
    if (answer.stored) filling.keep();
    return answer;
  });
  whole.catch(() => undefined);
  const early = await Promise.race([whole, nextTurn()]).catch(rethrowUnlessNotKept);
  if (early === null || !isInMemory(early.response))
    return { type: 'filling', metadata, filling, whole, joined: false, cookies };
  filling.release();
  return early;
}

const nextTurn = () => new Promise<null>((resolve) => setImmediate(resolve, null));

/** What is merely too large still reaches the one who asked. */
function rethrowUnlessNotKept(error: unknown): null {
  if (error instanceof NotKept) return null;
  throw error;
}

const send = (deps: FetchDeps, question: Question, signal: AbortSignal): Promise<CloudResponse> =>
  deps.cloud.request({
    method: 'GET',
    path: question.request.target ?? question.request.uri,
    headers: fillHeaders(question),
    body: null,
    timeout: deps.hardTimeout,
    signal,
    onInterim: question.onInterim,
  });

/** Fields that ask for less than the whole of what is there: the cache answers them itself. */
const CONDITIONAL = new Set([
  'if-none-match',
  'if-modified-since',
  'if-match',
  'if-unmodified-since',
  'if-range',
  'range',
]);

/** The request's own headers, its conditions replaced by ours (RFC 9111 §4.3.1). */
function fillHeaders({ request, stored, range }: Question): HeaderFields {
  const headers: HeaderFields = {};
  for (const name in request.headers) {
    const value = request.headers[name];
    if (value !== undefined && !CONDITIONAL.has(name)) headers[name] = value;
  }
  // A part of a coded body would be of use to nobody else.
  headers['accept-encoding'] = range === null ? wantedCodings(request.headers) : 'identity';
  if (range !== null) headers['range'] = range;
  if (stored === null) return headers;
  if (stored.etag !== null) headers['if-none-match'] = stored.etag;
  const changed = stored.headers['last-modified'];
  if (changed !== undefined) headers['if-modified-since'] = changed;
  return headers;
}

/** Does the 304 speak of what is stored? Without an ETag of its own it can only be the one that was asked about. */
function isSame(stored: Stored, response: CloudResponse): boolean {
  const etag = response.headers['etag'];
  return etag === undefined || stored.etag === null || weak(String(etag)) === weak(stored.etag);
}

const weak = (etag: string) => etag.replace(/^W\//, '');
