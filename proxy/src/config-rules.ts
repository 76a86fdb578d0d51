/** Caching rules of the operator: the schema of one rule, which is also its documentation. */
import * as z from 'zod';

/** A route without its names, or a prefix; see `match` below. */
const MATCH = /^(?:GET )?(\/(?:[\x21\x22\x24-\x29\x2b-\x3e\x40-\x5b\x5d-\x7e]*)\*?)$/;

const YEAR = 31_536_000;
const seconds = (about: string) =>
  z
    .int({ error: `must be a whole number of seconds from 0 to ${YEAR}` })
    .min(0)
    .max(YEAR)
    .optional()
    .describe(about);

const names = (about: string) =>
  z
    .array(z.string().regex(/^[^&=#\s*]+\*?$|^\*$/, { error: 'must be a name, or the beginning of names and a *' }))
    .min(1)
    .max(64)
    .optional()
    .describe(about);

const Fields = z.strictObject({
  match: z
    .string()
    .regex(MATCH, { error: 'must be a path such as "GET /api/products/:id", or a prefix such as "/static/*"' })
    .transform((match) => match.replace(/^GET /, ''))
    .describe('What it applies to: "GET /api/products/:id", where :id is any one segment; or "/static/*", a prefix.'),
  ttl: seconds('How long an answer is fresh, in seconds, whatever the app says, no-store included.'),
  staleWhileRevalidate: seconds('How long after that it is still given at once, while a new one is fetched.'),
  staleIfError: seconds('How long after that it is given when the app fails or is slow.'),
  scope: z
    .enum(['public', 'user'], { error: 'must be "public" or "user"' })
    .optional()
    .describe(
      'Who may share an answer: "public" means everybody, signed in or not; "user" means each credential its own, even ' +
        'where the app says public.',
    ),
  dropQuery: names(
    'Query parameters, such as utm_*, that neither tell answers apart nor reach the app on reads that may be cached.',
  ),
  secretQuery: names(
    'Query parameters that are credentials: sent to the app, stored only as a hash, and each value a scope of its own.',
  ),
});

export const Rule = Fields.refine((rule) => Object.keys(rule).length > 1, {
  error: 'must say something besides match',
});
export type Rule = z.output<typeof Rule>;

const fromJson = (value: unknown) => {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    // Told by the schema: a text is no list of rules.
    return value;
  }
};

/** In the order of their importance. As JSON text, too, where they stand in the environment. */
export const Rules = z.preprocess(fromJson, z.array(Rule, { error: 'must be a list of rules' }).max(256)).default([]);

/** Name and meaning of every field of a rule. */
export const RULE_FIELDS: [string, string][] = Object.entries(Fields.shape).map(([name, field]) => [
  name,
  field.description ?? '',
]);
