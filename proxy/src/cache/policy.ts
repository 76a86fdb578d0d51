/**
 * RFC 9111 as pure functions: may it be stored, and for whom and until when (`store`); may it be used now (`decide`).
 * Everything that can be known is computed when a response is stored, so that a hit compares numbers.
 */
import type { LinkState } from '@larder/sync/link';
import type { HeaderFields } from '../cloud.ts';
import { codingOf } from './coding.ts';
import { fieldNames, parseDirectives, responseDirectives, seconds } from './directives.ts';
import type { Directives, ResponseDirectives } from './directives.ts';
import {
  birthOf,
  heuristicLifetime,
  HEURISTICALLY_CACHEABLE,
  lastModifiedOf,
  single,
  statedLifetime,
} from './freshness.ts';
import type { FetchTimes } from './freshness.ts';
import type { CacheRequest, Metadata, ResponseHead } from './response.ts';
import type { RuleTerms } from './rules.ts';
import { cacheTagsOf, TAG_FIELDS } from './tags.ts';
import { matches, parseVary, selectionOf } from './vary.ts';

/** How long the cache helps out, where nothing forbids it, while the cloud cannot be reached. */
const OFFLINE_GRACE = 7 * 86_400_000;

/** Statuses whose meaning for a cache is known here, for must-understand (RFC 9111 §5.2.2.3). */
const UNDERSTOOD = new Set([...HEURISTICALLY_CACHEABLE, 302, 303, 307, 400, 401, 403, 500, 502, 503, 504]);

/** Statuses to which an operator's rule applies: errors keep to what the origin says of them. */
const RULED = new Set([200, 203, 204]);

export interface Fetched {
  request: CacheRequest;
  response: ResponseHead;
  rule: RuleTerms | null;
  times: FetchTimes;
  tags: readonly string[];
  /** `Tags.generation(tags)` before the fetch began. */
  sequence: number;
}

/** What store's steps agree about. */
interface Terms extends ResponseDirectives {
  rule: RuleTerms | null;
  scope: string;
  /** Kept for all scopes, under the rules of a shared cache. */
  common: boolean;
}

/** What to remember of an answer; null where it must not be stored, or could never be used. */
export function store(fetched: Fetched): Metadata | null {
  const { request, response, times } = fetched;
  const said = responseDirectives(response.headers);
  const rule = RULED.has(response.status) ? fetched.rule : null;
  if (refusalOf(request, response, said.directives, rule) !== null) return null;
  const named = parseVary(response.headers);
  const scope = scopeOf(request, said, rule);
  const cacheTags = cacheTagsOf(response.headers);
  if (named === null || scope === null || cacheTags === null) return null;
  const terms = { ...said, rule, scope, common: scope === '' };
  const limits = limitsOf(fetched, terms);
  if (typeof limits === 'string') return null;
  const headers = storedHeaders(response.headers, terms, times.received);
  // RFC 9110 §7.7: what is not to be transformed is not decoded either.
  const coding = said.directives.has('no-transform') ? 'other' : codingOf(headers);
  if (coding !== null && coding !== 'other') addVary(headers);
  const isPart = coding === 'other' || !named.includes('accept-encoding');
  const vary = isPart ? named : named.filter((name) => name !== 'accept-encoding');
  return {
    uri: request.uri,
    scope,
    status: response.status,
    headers,
    vary,
    selection: selectionOf(vary, request.headers),
    coding: coding === 'other' ? null : coding,
    etag: single(headers, 'etag') ?? null,
    lastModified: lastModifiedOf(headers, times.received),
    storedAt: times.received,
    tags: fetched.tags,
    sequence: fetched.sequence,
    cacheTags,
    ...limits,
  };
}

/** Why an answer is not stored, as a token for the detail of Cache-Status (RFC 9211 §2.8). docs/caching.md has them. */
export type Refusal =
  | 'request'
  | 'request-no-store'
  | 'status'
  | 'event-stream'
  | 'no-store'
  | 'no-freshness'
  | 'vary'
  | 'tags'
  | 'private'
  | 'credential'
  | 'set-cookie'
  | 'no-use'
  | 'too-large';

/** Why `store` gives null. */
export function whyNotStored(fetched: Fetched): Refusal {
  const { request, response } = fetched;
  const said = responseDirectives(response.headers);
  const rule = RULED.has(response.status) ? fetched.rule : null;
  const refusal = refusalOf(request, response, said.directives, rule);
  if (refusal !== null) return refusal;
  if (parseVary(response.headers) === null) return 'vary';
  if (cacheTagsOf(response.headers) === null) return 'tags';
  const scope = scopeOf(request, said, rule);
  if (scope === null) return said.directives.has('private') ? 'private' : 'credential';
  const limits = limitsOf(fetched, { ...said, rule, scope, common: scope === '' });
  return typeof limits === 'string' ? limits : 'no-use';
}

/** RFC 9111 §3; null: it may be stored. */
function refusalOf(
  request: CacheRequest,
  response: ResponseHead,
  said: Directives,
  rule: RuleTerms | null,
): Refusal | null {
  const { status, headers } = response;
  if (request.method !== 'GET' || request.headers.range !== undefined) return 'request';
  if (status < 200 || status === 206 || status === 304) return 'status';
  if (parseDirectives(request.headers['cache-control']).has('no-store')) return 'request-no-store';
  // A stream of events has no end to wait for.
  if (single(headers, 'content-type')?.startsWith('text/event-stream') === true) return 'event-stream';
  if (rule?.ttl !== undefined) return null;
  if (said.has('must-understand') && !UNDERSTOOD.has(status)) return 'status';
  if (!said.has('must-understand') && said.has('no-store')) return 'no-store';
  const explicit = ['public', 'private', 'max-age', 's-maxage'].some((name) => said.has(name));
  return explicit || headers['expires'] !== undefined || HEURISTICALLY_CACHEABLE.has(status) ? null : 'no-freshness';
}

/**
 * I8: an answer to a credential is for that credential's scope, as in a private cache, unless the origin shares it (RFC
 * 9111 §3.5; RFC 9213). A credential that came without a scope is stored only if the operator or the origin says so.
 */
function scopeOf(request: CacheRequest, said: ResponseDirectives, rule: RuleTerms | null): string | null {
  const isPrivate = fieldNames(said.directives, 'private') === null;
  const isRuled = rule?.ttl !== undefined;
  if (isPrivate) return request.scope === '' && !isRuled ? null : request.scope;
  if (isShared(said) && rule?.scope !== 'user') return '';
  const withCredential = request.headers.authorization !== undefined || request.headers.cookie !== undefined;
  return request.scope === '' && withCredential && !isRuled ? null : request.scope;
}

const isShared = ({ own, directives }: ResponseDirectives) =>
  own || ['public', 's-maxage', 'must-revalidate'].some((name) => directives.has(name));

type Limits = Pick<
  Metadata,
  'shared' | 'birth' | 'freshUntil' | 'staleWhileRevalidateUntil' | 'staleIfErrorUntil' | 'staleIfOfflineUntil'
>;

/** Refused where the response could never be used again, or brings a cookie that nobody said may be taken off it. */
function limitsOf(fetched: Fetched, terms: Terms): Limits | 'set-cookie' | 'no-use' {
  const { times, response } = fetched;
  const { directives, rule, common, targeted } = terms;
  const birth = birthOf(response.headers, times);
  const mayShare = common && rule?.scope !== 'user';
  if (rule?.ttl !== undefined) return ruledLimits(rule, rule.ttl, birth, times.received, mayShare && isShared(terms));

  const stated = statedLifetime(directives, response.headers, { shared: common, targeted, received: times.received });
  const isPublic = directives.has('public');
  if (response.headers['set-cookie'] !== undefined && stated === null && !isPublic) return 'set-cookie';
  const mustAsk = fieldNames(directives, 'no-cache') === null;
  const freshUntil = birth + (mustAsk ? 0 : (stated ?? guessedLifetime(fetched, isPublic)));
  const mayBeStale = !mustAsk && !forbidsStale(directives, common);
  const validator = response.headers['etag'] !== undefined || response.headers['last-modified'] !== undefined;
  if (!mayBeStale && !validator && freshUntil <= times.received) return 'no-use';
  const until = (name: string, ruled: number | undefined) => {
    if (ruled === undefined && !mayBeStale) return 0;
    return freshUntil + (ruled ?? seconds(directives, name) ?? 0) * 1000;
  };
  const staleIfErrorUntil = until('stale-if-error', rule?.staleIfError);
  return {
    shared: mayShare && (isShared(terms) || (stated ?? 0) > 0),
    birth,
    freshUntil,
    staleWhileRevalidateUntil: until('stale-while-revalidate', rule?.staleWhileRevalidate),
    staleIfErrorUntil,
    staleIfOfflineUntil: Math.max(staleIfErrorUntil, mayBeStale ? freshUntil + OFFLINE_GRACE : 0),
  };
}

/** The operator's word goes before the origin's, and counts from when the answer came. */
function ruledLimits(rule: RuleTerms, ttl: number, birth: number, received: number, shared: boolean): Limits {
  const freshUntil = received + ttl * 1000;
  const staleIfErrorUntil = freshUntil + (rule.staleIfError ?? 0) * 1000;
  return {
    shared,
    birth,
    freshUntil,
    staleWhileRevalidateUntil: freshUntil + (rule.staleWhileRevalidate ?? 0) * 1000,
    staleIfErrorUntil,
    staleIfOfflineUntil: Math.max(staleIfErrorUntil, freshUntil + OFFLINE_GRACE),
  };
}

/** RFC 9111 §4.2.2, and only where nobody has signed in: a person's own data is never guessed to be fresh. */
function guessedLifetime({ request, response, times }: Fetched, isPublic: boolean): number {
  if (request.scope !== '' || !(isPublic || HEURISTICALLY_CACHEABLE.has(response.status))) return 0;
  return heuristicLifetime(response.headers, times.received);
}

/** RFC 9111 §4.2.4; s-maxage speaks as proxy-revalidate (§5.2.2.10), and neither to a private cache. */
const forbidsStale = (said: Directives, common: boolean) =>
  said.has('must-revalidate') || (common && (said.has('proxy-revalidate') || said.has('s-maxage')));

const NEVER_KEPT: ReadonlySet<string> = new Set(['set-cookie', 'age', ...TAG_FIELDS]);

/** RFC 9111 §3.1, §5.2.2.4, §5.2.2.7. Set-Cookie is never kept (I8); Age is told anew each time. */
function storedHeaders(headers: HeaderFields, { directives, common }: Terms, received: number): HeaderFields {
  const named = [
    ...(fieldNames(directives, 'no-cache') ?? []),
    ...((common ? fieldNames(directives, 'private') : null) ?? []),
  ];
  const kept: HeaderFields = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && !NEVER_KEPT.has(name) && !named.includes(name)) kept[name] = value;
  }
  // RFC 9110 §6.6.1: who keeps an answer without a Date adds one.
  kept['date'] ??= new Date(received).toUTCString();
  return kept;
}

/** What is decoded for some depends on Accept-Encoding, whether the origin says so or not. */
function addVary(headers: HeaderFields): void {
  const vary = headers['vary'];
  if (vary === undefined) headers['vary'] = 'accept-encoding';
  else if (parseVary(headers)?.includes('accept-encoding') === false)
    headers['vary'] = `${String(vary)}, accept-encoding`;
}

/** Fields that describe the stored body, which a 304 does not bring (RFC 9111 §3.2). */
const OF_THE_BODY = new Set(['content-length', 'content-encoding', 'content-range', 'content-md5', 'etag']);

/** The stored response under the headers of a 304 that validated it (RFC 9111 §4.3.4); null as for `store`. */
export function freshen(stored: Metadata, validated: Fetched): Metadata | null {
  const headers: HeaderFields = { ...stored.headers };
  delete headers['date'];
  for (const [name, value] of Object.entries(validated.response.headers))
    if (!OF_THE_BODY.has(name)) headers[name] = value;
  const fresh = store({ ...validated, response: { status: stored.status, headers } });
  // Taken off when it was stored; a 304 that brings none leaves it the ones it had.
  return fresh === null || fresh.cacheTags.length > 0 ? fresh : { ...fresh, cacheTags: stored.cacheTags };
}

/**
 * What to do for a request.
 *
 * - `fresh`: answer. `stale-while-revalidate`: answer, and fetch behind it. `stale-if-offline`: answer, the cloud is away.
 * - `revalidate`: ask the cloud, `reason` in the words of Cache-Status (RFC 9211 §2.2).
 * - `miss`: nothing stored that this request may have.
 */
export type Decision =
  | { readonly type: 'fresh' | 'stale-while-revalidate' | 'stale-if-offline' | 'miss' }
  | { readonly type: 'revalidate'; readonly reason: 'stale' | 'request' };

const MISS: Decision = { type: 'miss' };
const FRESH: Decision = { type: 'fresh' };
const BEHIND: Decision = { type: 'stale-while-revalidate' };
const OFFLINE: Decision = { type: 'stale-if-offline' };
const STALE: Decision = { type: 'revalidate', reason: 'stale' };
const DEMANDED: Decision = { type: 'revalidate', reason: 'request' };

/** Decides by the rules alone; invalidation by tag is the cache's own affair. `now`: ms since 1970. */
export function decide(request: CacheRequest, stored: Metadata | null, now: number, link: LinkState): Decision {
  if (stored === null || !matches(stored, request)) return MISS;
  const { headers } = request;
  if (headers['cache-control'] !== undefined || headers.pragma !== undefined) {
    const demanded = demand(request, stored, now);
    if (demanded !== null) return link === 'offline' && now < stored.staleIfOfflineUntil ? OFFLINE : demanded;
  }
  if (now < stored.freshUntil) return FRESH;
  if (now < stored.staleWhileRevalidateUntil) return BEHIND;
  if (link === 'offline' && now < stored.staleIfOfflineUntil) return OFFLINE;
  return STALE;
}

/** What the request's own directives change (RFC 9111 §5.2.1, §5.4); null where they change nothing. */
function demand({ headers }: CacheRequest, stored: Metadata, now: number): Decision | null {
  const asked = parseDirectives(headers['cache-control'] ?? headers.pragma);
  if (asked.size === 0) return null;
  if (asked.has('no-cache')) return DEMANDED;
  const maxAge = seconds(asked, 'max-age');
  if (maxAge !== null && now - stored.birth >= maxAge * 1000) return DEMANDED;
  const minFresh = seconds(asked, 'min-fresh');
  if (minFresh !== null && stored.freshUntil - now < minFresh * 1000) return DEMANDED;
  const maxStale = asked.has('max-stale') ? (seconds(asked, 'max-stale') ?? 0) : null;
  const tolerated = maxStale !== null && stored.staleIfOfflineUntil > 0 && now < stored.freshUntil + maxStale * 1000;
  return tolerated && now >= stored.freshUntil ? BEHIND : null;
}

/** RFC 9111 §5.2.1.7. */
export const onlyIfCached = (request: CacheRequest) =>
  request.headers['cache-control'] !== undefined &&
  parseDirectives(request.headers['cache-control']).has('only-if-cached');

/** Why a stored response is wanted although it is not fresh. */
export type Need = 'slow' | 'failed' | 'unreachable';

/** RFC 9111 §4.2.4, RFC 5861 §4. An answer that says 5xx is a failure; no answer at all is being disconnected. */
export const mayServeStale = (stored: Metadata, now: number, need: Need): boolean =>
  now < (need === 'unreachable' ? stored.staleIfOfflineUntil : Math.max(stored.freshUntil, stored.staleIfErrorUntil));
