/** Generated reads: every covered route, with what people, programs and fuzzers put into a query. */
import fc from 'fast-check';
import { listParameters } from '../../../inventory-app/rules/list.ts';
import type { ListedResource } from '../../../inventory-app/rules/resources.ts';

export const USERS = ['clerk', 'manager', 'admin'] as const;

/** A read as it is sent to both sides. */
export interface Ask {
  user: (typeof USERS)[number];
  method: 'GET' | 'HEAD';
  /** As in the profile: `GET /api/v1/products/:id`. */
  route: string;
  /** Below the origin, with its query. */
  path: string;
  /** Sends the tag that the first answer had, and compares once more. */
  again: 'no' | 'same tag' | 'weak tag' | 'other tag' | 'any tag';
  /** How many pages are turned, by the cursor of the page before. */
  pages: number;
}

/** Documents in the cloud, for values that match something. */
export type Known = Readonly<Record<string, readonly Record<string, unknown>[]>>;

/** What is easily taken for something else: patterns, signs, cases, composed letters, and what is no text at all. */
const ODD = [
  '', ' ', '%', '_', '\\', "'", '"', '*', 'null', 'undefined', 'true', 'TRUE', '0', '-1', '007', '1e3', '9'.repeat(15),
  '9'.repeat(40), 'S002', 'S999', 'é', 'e\u0301', 'CRÈME', 'ß', 'ﬁ', 'İ', '😀', '\uFF5E', '\u0000', 'a\u0000b', 'a b  c',
  'a b c d e f g h i j', '../products', '<b>', '%25', '%2525', 'a'.repeat(300), '2026-01-05', '2026-01-05T00:00:00Z',
  '2026-01-05T10:00', '2026-13-45T00:00:00Z', '2026-01-05T00:00:00.000Z', '2026-01-05T00:00:00+02:00',
]; // prettier-ignore
/** Query strings that no encoder makes. */
const RAW = ['q=%ff', 'q=%', 'q=%zz', 'q=+a+', '&&', '=', 'limit', 'limit=5&limit=6', 'sort=name;limit=2', '?limit=2'];
const IDS = [
  'nope',
  '%20',
  '%00',
  '%ff',
  '%zz',
  'a%2Fb',
  '.',
  '%2E%2E',
  'A'.repeat(210),
  'A'.repeat(700),
  'é',
  '😀',
  "x'",
];
const LIMITS = ['0', '-1', '1', '500', '501', '50.0', ' 5', '1e2', 'abc', ''];

/** `count` reads over these routes, the same for the same seed. */
export function generate(
  routes: readonly string[],
  known: Known,
  { seed, count }: { seed: number; count: number },
): Ask[] {
  return fc.sample(askOf(routes, known), { seed, numRuns: count });
}

function askOf(routes: readonly string[], known: Known): fc.Arbitrary<Ask> {
  return fc.constantFrom(...routes).chain((route) => {
    const [, path = ''] = route.split(' ');
    const resource = (path.split('/')[3] ?? '') as ListedResource;
    const isItem = path.endsWith('/:id');
    return fc.record({
      user: fc.constantFrom(...USERS),
      method: fc.oneof({ weight: 9, arbitrary: fc.constant('GET' as const) }, fc.constant('HEAD' as const)),
      route: fc.constant(route),
      path: isItem ? itemOf(path, known[resource] ?? []) : listOf(path, resource, known[resource] ?? []),
      again: fc.constantFrom('no', 'no', 'same tag', 'weak tag', 'other tag', 'any tag'),
      pages: isItem ? fc.constant(0) : fc.constantFrom(0, 0, 0, 2, 4),
    });
  });
}

function itemOf(path: string, docs: readonly Record<string, unknown>[]): fc.Arbitrary<string> {
  const real = docs.map(({ id }) => String(id));
  const ids = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...real, 'nope').map(encodeURIComponent) },
    // The same id in other letters, another store's, or written as nobody would.
    { weight: 1, arbitrary: fc.constantFrom(...real, 'nope').map((id) => encodeURIComponent(id.toUpperCase())) },
    { weight: 1, arbitrary: fc.constantFrom(...real, 'nope').map(percented) },
    { weight: 2, arbitrary: fc.constantFrom(...IDS) },
  );
  const tail = fc.oneof({ weight: 8, arbitrary: fc.constant('') }, fc.constantFrom('?', '?x=1', '?limit=0'));
  return fc.tuple(ids, tail).map(([id, end]) => path.replace(':id', id) + end);
}

const percented = (id: string) => [...Buffer.from(id)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

function listOf(
  path: string,
  resource: ListedResource,
  docs: readonly Record<string, unknown>[],
): fc.Arbitrary<string> {
  const parameters = listParameters(resource);
  const pair = fc
    .oneof(
      { weight: 12, arbitrary: fc.constantFrom(...parameters) },
      fc.constantFrom('foo', 'id', 'Limit', 'version', 'q'),
    )
    .chain((name) => valueOf(name, docs).map((value): [string, string] => [name, value]));
  const usual = fc
    .uniqueArray(pair, { maxLength: 3, selector: ([name]) => name })
    .map((pairs) => new URLSearchParams(pairs).toString());
  const query = fc.oneof({ weight: 12, arbitrary: usual }, fc.constantFrom(...RAW));
  return query.map((text) => (text === '' ? path : `${path}?${text}`));
}

function valueOf(name: string, docs: readonly Record<string, unknown>[]): fc.Arbitrary<string> {
  const odd = fc.constantFrom(...ODD);
  const fitting = fittingOf(name, docs);
  return fc.oneof({ weight: 5, arbitrary: fitting }, odd);
}

/** Values that this parameter is meant for. */
function fittingOf(name: string, docs: readonly Record<string, unknown>[]): fc.Arbitrary<string> {
  const fields = [...new Set(docs.flatMap((doc) => Object.keys(doc)))];
  const some = docs.length === 0 ? [{ id: 'nope' }] : docs;
  if (name === 'sort')
    return fc.tuple(fc.constantFrom('', '-'), fc.constantFrom('id', ...fields)).map(([sign, field]) => sign + field);
  if (name === 'limit') return fc.oneof(fc.integer({ min: 1, max: 40 }).map(String), fc.constantFrom(...LIMITS));
  if (name === 'after')
    return fc.oneof(
      fc.constantFrom('zzz', '', 'W10', 'W251bGxd', 'WyIiXQ', 'WyJhIiwiYiJd', 'WzEsImEiXQ'),
      fc.constantFrom(...some).map((doc) => cursorOf([doc['name'] ?? doc['occurredAt'] ?? doc['id'], doc['id']])),
    );
  if (name === 'ids')
    return fc
      .array(fc.constantFrom(...some.map(({ id }) => String(id)), 'nope', ''), { maxLength: 110 })
      .map((ids) => ids.join(','));
  if (name === 'q') return fc.tuple(fc.constantFrom(...some), fc.nat(), fc.integer({ min: 1, max: 5 })).map(partOf);
  const field = name.replace(/(From|To)$/, 'At');
  return fc.constantFrom(...some).map((doc) => String(doc[field] ?? doc['id']));
}

const cursorOf = (values: unknown[]) => Buffer.from(JSON.stringify(values)).toString('base64url');

/** A piece of one of the document's texts. */
function partOf([doc, at, length]: [Record<string, unknown>, number, number]): string {
  const texts = ['name', 'sku', 'barcode', 'code', 'phone']
    .map((field) => doc[field])
    .filter((text) => typeof text === 'string');
  const text = texts[at % Math.max(texts.length, 1)] ?? 'tea';
  const from = at % text.length;
  return text.slice(from, from + length);
}
