/**
 * The operator's rules, compiled: what applies to a path, and what of a request is its key. All rules that match apply;
 * of each field the first that gives it counts.
 */
import type { CacheRule } from '@larder/sync/profile';
import type { Rule } from '../config-rules.ts';

/** What a rule may say of storing; without a `ttl` the origin decides whether and how long. Seconds. */
export interface RuleTerms extends Partial<CacheRule> {
  scope?: 'public' | 'user' | undefined;
}

/** What all the rules that match a path say together. */
export interface Ruling {
  /** The rules, as the operator wrote them. */
  rules: readonly Rule[];
  terms: RuleTerms;
  isDropped(name: string): boolean;
  isSecret(name: string): boolean;
}

/** What tells answers apart, and what the cloud is asked. */
export interface Key {
  uri: string;
  scope: string;
  /** Path and query to ask for. */
  target: string;
}

export interface Rules {
  /** Null where no rule applies. Cheap: on the path of every hit. */
  of(path: string): Ruling | null;
  key(ruling: Ruling, request: { path: string; search: string; scope: string }): Key;
}

/**
 * The scope of what a rule makes public. Not the one of requests without credentials: what was stored under a rule is
 * found by nobody once that rule is gone (I8).
 */
const EVERYBODY = 'rule:public';

/**
 * Encodings of `.`, `/`, `\`, `;`, `%` and NUL, and parameters on dot segments: an app behind may read them as another
 * path than the one that the rule names, and a rule that widens would then share what it was not meant for (I8).
 */
const AMBIGUOUS = /%(?:2e|2f|5c|3b|25|00)|\/\.{1,2};/i;

/** `hide` makes of a secret what tells it from others and gives nothing away. */
export function compileRules(rules: readonly Rule[], hide: (secret: string) => string): Rules {
  const matchers = rules.map((rule) => ({ rule, pattern: patternOf(rule.match) }));
  /** By the rules that match: as many as the configuration can combine, whatever the clients send (I11). */
  const rulings = new Map<string, Ruling>();

  function of(path: string): Ruling | null {
    if (matchers.length === 0 || AMBIGUOUS.test(path)) return null;
    const matching = matchers.filter(({ pattern }) => pattern.test(path)).map(({ rule }) => rule);
    if (matching.length === 0) return null;
    const id = matching.map((rule) => rules.indexOf(rule)).join();
    let ruling = rulings.get(id);
    if (ruling === undefined) rulings.set(id, (ruling = combine(matching)));
    return ruling;
  }

  return {
    of,
    key(ruling, { path, search, scope }) {
      const wide = ruling.terms.scope === 'public' ? EVERYBODY : scope;
      if (search === '') return { uri: path, scope: wide, target: path };
      const parameters = search.slice(1).split('&');
      const sent = parameters.filter((one) => !ruling.isDropped(nameOf(one)));
      const secrets = sent.filter((one) => ruling.isSecret(nameOf(one)));
      const told = sent.filter((one) => !secrets.includes(one));
      return {
        uri: path + searchOf(told),
        scope: secrets.length === 0 ? wide : `query:${hide(JSON.stringify([wide, ...secrets]))}`,
        target: path + searchOf(sent),
      };
    },
  };
}

/** What holds for an answer: the operator's word, then the profile's, then the origin's. */
export function termsOf(ruling: Ruling | null, profile: CacheRule | undefined): RuleTerms | null {
  if (ruling === null) return profile ?? null;
  return profile === undefined ? ruling.terms : { ...profile, ...ruling.terms };
}

function patternOf(match: string): RegExp {
  const isPrefix = match.endsWith('*');
  const text = (isPrefix ? match.slice(0, -1) : match).replaceAll(/[.+?^${}()|[\]\\*]/g, String.raw`\$&`);
  const pattern = text.replaceAll(/\/:[^/]+/g, '/[^/]+');
  return new RegExp(isPrefix ? `^${pattern}` : `^${pattern}$`);
}

const TERMS = ['ttl', 'staleWhileRevalidate', 'staleIfError', 'scope'] as const;

function combine(rules: readonly Rule[]): Ruling {
  const first = <F extends keyof Rule>(field: F) => rules.find((rule) => rule[field] !== undefined)?.[field];
  const said = TERMS.map((field) => [field, first(field)]).filter(([, value]) => value !== undefined);
  return {
    rules,
    terms: Object.fromEntries(said) as RuleTerms,
    isDropped: anyOf(first('dropQuery')),
    isSecret: anyOf(first('secretQuery')),
  };
}

function anyOf(names: readonly string[] = []): (name: string) => boolean {
  const exact = new Set(names.filter((name) => !name.endsWith('*')));
  const beginnings = names.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  return (name) => exact.has(name) || beginnings.some((beginning) => name.startsWith(beginning));
}

/** As an app would read it: what does not decode is taken as it stands. */
function nameOf(parameter: string): string {
  const name = parameter.split('=', 1)[0] ?? '';
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    return name;
  }
}

const searchOf = (parameters: readonly string[]) => (parameters.length === 0 ? '' : `?${parameters.join('&')}`);
