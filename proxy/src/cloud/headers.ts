/** Which header fields go on, which end here, and what the edge adds (RFC 9110 §7.6). */
import { isIPv6 } from 'node:net';
import type { Client, HeaderFields } from '../cloud.ts';

/** Fields that speak of one connection only (RFC 9110 §7.6.1), and those that the next hop sets itself. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'te',
  // Trailers are not passed on, so none may be announced.
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** What a client says about who sent it is not believed: the edge is the first to know (RFC 7239 §8.1). */
const isOrigin = (name: string): boolean =>
  name === 'forwarded' || name === 'x-real-ip' || name.startsWith('x-forwarded-');

/**
 * By these some apps and frameworks take another URL, host or method for the request's own. Where an answer may be
 * shared they would change it for everybody, and no Vary speaks of them.
 */
const OVERRIDES = new Set([
  'x-original-url',
  'x-rewrite-url',
  'x-original-uri',
  'x-request-uri',
  'x-host',
  'x-original-host',
  'x-http-host-override',
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
  'x-scheme',
  'x-url-scheme',
  'front-end-https',
]);

/** The name by which this proxy appears in Via (RFC 9110 §7.6.3). */
const VIA = '1.1 larder';

/**
 * The fields of a request as the cloud gets them. Host is left to the connection. `client` null names no client: an
 * answer that several may share must not depend on one of them (an app that builds links from the forwarded host would
 * poison the cache).
 */
export function toCloud(headers: HeaderFields, client: Client | null): HeaderFields {
  const kept = endToEnd(headers, client === null ? isNotForAll : isNotForCloud);
  addVia(kept);
  if (client !== null) Object.assign(kept, origin(client, first(headers['host'])));
  return kept;
}

// The expectation was met when the edge began to read the body (RFC 9110 §10.1.1).
const isNotForCloud = (name: string): boolean => name === 'host' || name === 'expect' || isOrigin(name);

const isNotForAll = (name: string): boolean => isNotForCloud(name) || OVERRIDES.has(name);

/** What this edge says of an answer, nobody behind it can say in its name (I13). */
const OWN_WORD = new Set(['larder-source', 'larder-as-of', 'larder-pending', 'larder-entry']);

/** The fields of the cloud's answer as the edge goes on with them. */
export function fromCloud(headers: Readonly<Record<string, string | string[] | undefined>>): HeaderFields {
  const kept = endToEnd(headers, (name) => OWN_WORD.has(name));
  addVia(kept);
  return kept;
}

function endToEnd(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  isDropped: (name: string) => boolean,
): HeaderFields {
  const named = tokens(headers['connection']);
  const kept: HeaderFields = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && !HOP_BY_HOP.has(name) && !named.includes(name) && !isDropped(name)) kept[name] = value;
  }
  return kept;
}

const NONE: readonly string[] = [];

function tokens(value: string | string[] | undefined): readonly string[] {
  // What nearly all say names a field that ends here in any case.
  if (value === undefined || value === 'keep-alive') return NONE;
  return String(value)
    .split(',')
    .map((token) => token.trim().toLowerCase());
}

function addVia(headers: HeaderFields): void {
  const via = headers['via'];
  headers['via'] = via === undefined ? VIA : `${String(via)}, ${VIA}`;
}

/** Forwarded (RFC 7239), and the same in the older fields that many apps still read. */
function origin(client: Client, host: string | undefined): HeaderFields {
  // A dual-stack socket shows IPv4 peers as IPv6 (RFC 4291 §2.5.5.2).
  const address = client.address.replace(/^::ffff:(?=\d+\.)/, '');
  const proto = client.secure ? 'https' : 'http';
  const parts = [`for=${isIPv6(address) ? `"[${address}]"` : address}`, `proto=${proto}`];
  const fields: HeaderFields = { 'x-forwarded-for': address, 'x-forwarded-proto': proto };
  // Anything else than a host and a port could break out of the quoted string.
  if (host !== undefined && /^[\w.:[\]-]+$/.test(host)) {
    parts.push(`host="${host}"`);
    fields['x-forwarded-host'] = host;
  }
  return { ...fields, forwarded: parts.join(';') };
}

const first = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);
