/** Cache directives, read as from somebody who means ill: what forbids counts however badly written, what allows does not. */
import { parseDictionary } from './structured.ts';
import type { HeaderFields } from '../cloud.ts';

/**
 * A directive's argument: text; null where it has none; `malformed` where something stands there that is no argument.
 * Names are lower-case.
 */
export type Directives = ReadonlyMap<string, string | null | typeof MALFORMED>;

const MALFORMED = Symbol('malformed');

/** RFC 9111 §1.2.2: what is larger is taken for this. */
const LONGEST = 2 ** 31;

const NONE: Directives = new Map();

/** Fields aimed at a cache like this one, the nearest first (RFC 9213 §2.2). */
const OWN = 'larder-cache-control';
const TARGETED = [OWN, 'cdn-cache-control'];

export interface ResponseDirectives {
  directives: Directives;
  /** From a targeted field: Expires does not count. */
  targeted: boolean;
  /** From the field that is meant for nobody but Larder. */
  own: boolean;
}

const TOKEN = String.raw`[!#$%&'*+.^_\`|~\w-]+`;
const QUOTED = String.raw`"(?:[^"\\]|\\.)*"`;
/** What stands between two commas; a comma within a quoted string does not count, an unclosed quote is a character. */
const MEMBER = new RegExp(`(?:${QUOTED}|[^,])+`, 'g');
const WELL_FORMED = new RegExp(`^[ \\t]*(${TOKEN})(?:=(?:(${TOKEN})|(${QUOTED})))?[ \\t]*$`);
const NAME = new RegExp(`^[ \\t]*(${TOKEN})`);

/** Directives whose argument is a list of field names: repeated, they add up. */
const LISTS = new Set(['no-cache', 'private']);

type Argument = string | null | typeof MALFORMED;

/** Reads Cache-Control, of a request or a response. */
export function parseDirectives(value: string | readonly string[] | undefined): Directives {
  if (value === undefined) return NONE;
  const text = typeof value === 'string' ? value : value.join(',');
  const found = new Map<string, Argument>();
  for (const member of text.match(MEMBER) ?? []) {
    const wellFormed = WELL_FORMED.exec(member);
    const name = (wellFormed ?? NAME.exec(member))?.[1]?.toLowerCase();
    if (name === undefined) continue;
    const argument = wellFormed === null ? MALFORMED : (wellFormed[2] ?? unquote(wellFormed[3]));
    found.set(name, found.has(name) ? repeated(name, found.get(name) ?? null, argument) : argument);
  }
  return found;
}

const unquote = (text: string | undefined) => text?.slice(1, -1).replaceAll(/\\(.)/g, '$1') ?? null;

/** RFC 9111 §4.2.1: the first counts; save that one without a proper argument forbids more than one with. */
function repeated(name: string, first: Argument, next: Argument): Argument {
  if (typeof first !== 'string' || typeof next !== 'string') return null;
  return LISTS.has(name) ? `${first},${next}` : first;
}

/**
 * The directives that a cache at this place obeys, and whether they were aimed at it: a targeted field that is well
 * formed and not empty replaces Cache-Control and Expires altogether (RFC 9213 §2.2).
 */
export function responseDirectives(headers: HeaderFields): ResponseDirectives {
  for (const name of TARGETED) {
    const value = headers[name];
    if (value === undefined) continue;
    const dictionary = parseDictionary(typeof value === 'string' ? value : value.join(','));
    if (dictionary !== null && dictionary.size > 0)
      return { directives: ofDictionary(dictionary), targeted: true, own: name === OWN };
  }
  return { directives: parseDirectives(headers['cache-control']), targeted: false, own: false };
}

/** RFC 9213 §2.1: an Integer for seconds, true for a bare directive; members of any other type are ignored. */
function ofDictionary(dictionary: ReadonlyMap<string, unknown>): Directives {
  const found = new Map<string, string | null>();
  for (const [name, value] of dictionary) {
    if (value === true) found.set(name, null);
    else if (typeof value === 'number' && Number.isInteger(value)) found.set(name, String(value));
  }
  return found;
}

/**
 * Seconds of a directive; null where it is absent, 0 where it is not a whole number: such a response is stale (RFC 9111
 * §4.2.1).
 */
export function seconds(directives: Directives, name: string): number | null {
  const value = directives.get(name);
  if (value === undefined) return null;
  if (typeof value !== 'string' || !/^\d+$/.test(value)) return 0;
  return Math.min(Number(value), LONGEST);
}

/**
 * The field names of the qualified form, lower-case (RFC 9111 §5.2.2.4, §5.2.2.7); null where the directive stands
 * without any, and so means the whole response; empty where it is absent.
 */
export function fieldNames(directives: Directives, name: string): readonly string[] | null {
  const value = directives.get(name);
  if (value === undefined) return [];
  if (typeof value !== 'string' || value === '') return null;
  return value
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((field) => field !== '');
}
