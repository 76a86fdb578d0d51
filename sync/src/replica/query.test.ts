import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Doc, Query } from '../profile.ts';
import { Store } from '../store.ts';
import profile from '../test-app/profile.ts';
import { countSql, fewSql, listSql, type Sql } from './query.ts';

const { resources, ...rest } = profile;
const articles = resources['articles'];
if (articles === undefined) throw new Error('the test app has articles');
const app = { ...rest, resources: { articles: { ...articles, index: ['name', 'qty', 'kind', 'shelf'] } } };

const MANY = 3000;
const WORDS = ['tea', 'teapot', 'copper', 'pot', 'crème', 'te', '"quote"', '%', 'a_b', '😀x', 'tea pot'];
const docs: Doc[] = Array.from({ length: MANY }, (_, at) => ({
  id: `a${String(at * 7919).padStart(8, '0')}`,
  name: `${WORDS[at % WORDS.length]} ${WORDS[(at * 7) % 5]} ${at % 100}`,
  qty: at % 50,
  kind: at % 20 === 0 ? 'rare' : 'usual',
  shelf: `s${at % 600}`,
  version: 1,
}));

let data: string;
let store: Store;
beforeAll(() => {
  data = mkdtempSync(join(tmpdir(), 'larder-query-'));
  store = new Store(data, app, 'S1', () => undefined);
  store.commitAs('feed', () => docs.forEach((doc) => store.putBase('articles', String(doc['id']), 1, doc, 1)));
});
afterAll(() => {
  store.close();
  rmSync(data, { recursive: true });
});

const table = () => store.view.table('articles');
const few = (left: Sql) => {
  const { text, values } = fewSql(left);
  return store.db.prepare(text).get(...values)?.['few'] === 1;
};
const planOf = ({ text, values }: Sql): string =>
  store.db
    .prepare(`EXPLAIN QUERY PLAN ${text}`)
    .all(...values)
    .map((row) => String(row['detail']))
    .join('; ');

/** First of all, what the page consists of; only that is read and put in order. */
const PAGE = /^SEARCH doc:articles USING INTEGER PRIMARY KEY \(rowid=\?\); LIST SUBQUERY \d+; /;
/** A step that looks at every document of the table itself. */
const FULL_SCAN = /SCAN doc:articles(?! USING)/;

describe('a list reads no more than it must', () => {
  const cases: [string, Query, RegExp][] = [
    ['in order', { order: [['name', 'asc']] }, /SCAN doc:articles USING INDEX by:articles:name/],
    ['in descending order', { order: [['qty', 'desc']] }, /USING INDEX by:articles:qty/],
    ['by id', {}, /USING INDEX sqlite_autoindex/],
    [
      'a page far in',
      { order: [['name', 'asc']], after: ['pot', 'a1'] },
      /SEARCH doc:articles USING INDEX by:articles:name \(f:name>\?\)/,
    ],
    [
      'what is common, in order',
      { where: { kind: 'usual' }, order: [['name', 'asc']] },
      /SCAN doc:articles USING INDEX by:articles:name/,
    ],
    [
      'what is rare, sorted',
      { where: { shelf: 's7' }, order: [['name', 'asc']] },
      /SEARCH doc:articles USING INDEX by:articles:shelf/,
    ],
    ['between two values', { where: { qty: { gte: 3, lt: 5 } }, order: [['qty', 'asc']] }, /SEARCH .*by:articles:qty/],
    ['by ids', { where: { id: { in: ['a1', 'a2'] } } }, /SEARCH doc:articles USING INDEX sqlite_autoindex/],
    [
      'a word that is rare',
      { terms: ['nowhere'], order: [['name', 'asc']] },
      /^SEARCH doc:articles USING INTEGER PRIMARY/,
    ],
    ['two letters that nothing has', { terms: ['zz'], order: [['name', 'asc']] }, /^SEARCH .* USING INTEGER PRIMARY/],
    [
      'two letters that are common',
      { terms: ['te'], order: [['name', 'asc']] },
      /SCAN doc:articles USING INDEX by:articles:name/,
    ],
    [
      'a word that is common',
      { terms: ['tea'], order: [['name', 'asc']] },
      /SCAN doc:articles USING INDEX by:articles:name/,
    ],
  ];
  test.each(cases)('%s', (_name, query, plan) => {
    const whole = planOf(listSql(table(), { ...query, limit: 51 }, few));
    expect(whole).toMatch(PAGE);
    const found = whole.replace(PAGE, '');
    expect(found).toMatch(plan);
    expect(found).not.toMatch(FULL_SCAN);
    expect(planOf(countSql(table(), query))).not.toMatch(FULL_SCAN);
  });

  test('a count by one condition looks at no document', () => {
    for (const terms of [['tea', 'copper'], ['te'], ['te', 'copper', 'ea']])
      expect(planOf(countSql(table(), { terms }))).not.toContain('doc:articles');
  });
});

describe('a list has what the simplest reading of the query has', () => {
  const matches = (query: Query, doc: Doc) =>
    Object.entries(query.where ?? {}).every(([field, value]) => doc[field] === value) &&
    (query.terms ?? []).every((term) => String(doc['name']).toLowerCase().includes(term));
  const bytes = (a: unknown, b: unknown) =>
    typeof a === 'number' ? a - Number(b) : Buffer.compare(Buffer.from(String(a)), Buffer.from(String(b)));

  function simplest(query: Query): Doc[] {
    const order = [...(query.order ?? []), ['id', 'asc'] as const];
    const compare = (a: (field: string) => unknown, b: (field: string) => unknown) => {
      for (const [field, direction] of order) {
        const by = bytes(a(field), b(field));
        if (by !== 0) return direction === 'asc' ? by : -by;
      }
      return 0;
    };
    const after = query.after;
    const place = (field: string) => after?.[order.findIndex(([name]) => name === field)];
    return docs
      .filter((doc) => matches(query, doc))
      .filter((doc) => after === undefined || compare((field) => doc[field], place) > 0)
      .sort((a, b) =>
        compare(
          (field) => a[field],
          (field) => b[field],
        ),
      );
  }

  const queries = fc.record(
    {
      where: fc.record(
        {
          kind: fc.constantFrom('rare', 'usual', 'none'),
          shelf: fc.integer({ min: 0, max: 620 }).map((at) => `s${at}`),
        },
        { requiredKeys: [] },
      ),
      terms: fc.array(fc.constantFrom(...WORDS, 'ea', 'e', 'eap', 'pot 1', 'nowhere', '"', '99'), { maxLength: 3 }),
      order: fc.constantFrom<Query['order'][]>(
        [['name', 'asc']],
        [['name', 'desc']],
        [['qty', 'asc']],
        [['qty', 'desc']],
        [],
      ),
      limit: fc.integer({ min: 1, max: 60 }),
    },
    { requiredKeys: ['order', 'limit'] },
  );

  test('for any filter, words, order, and page', () => {
    fc.assert(
      fc.property(queries, fc.option(fc.nat(MANY - 1)), (given, at) => {
        const doc = at === null ? undefined : docs[at];
        const order = given.order ?? [];
        const after =
          doc === undefined ? {} : { after: [...order.map(([field]) => doc[field] ?? null), doc['id'] ?? null] };
        const query = { ...given, ...after } as Query;
        expect(store.view.list('articles', query)).toEqual(simplest(query).slice(0, given.limit));
        const { limit: _limit, after: _after, ...counted } = query;
        expect(store.view.count('articles', counted)).toBe(simplest(counted).length);
      }),
      { numRuns: 300 },
    );
  });
});

test('what two letters find in very many documents is met in order, and counted in the index', () => {
  const dense = {
    ...table(),
    threes: (pair: string) => ({ grams: [], ...table().threes(pair), documents: 1_000_000 }),
  };
  const query: Query = { terms: ['te'], order: [['name', 'asc']], limit: 20 };
  const list = listSql(dense, query, few);
  expect(list.text).toContain('instr');
  const views = store.db.prepare(list.text).all(...list.values);
  expect(views.map(({ view }) => JSON.parse(String(view)) as Doc)).toEqual(store.view.list('articles', query));
  expect(planOf(countSql(dense, { terms: ['te'] }))).not.toContain('doc:articles');
});

test('what is no longer shown is no longer found', () => {
  const [first] = docs;
  if (first === undefined) throw new Error('there are articles');
  const id = String(first['id']);
  const count = (term: string) => store.view.count('articles', { terms: [term] });
  const before = count('tea');
  store.commitAs('feed', () => store.putBase('articles', id, 2, { ...first, name: 'unmistakable' }, 1));
  expect([count('tea'), count('unmistakable')]).toEqual([before - 1, 1]);
  store.commitAs('feed', () => store.putBase('articles', id, 3, null, 1));
  expect([count('tea'), count('unmistakable')]).toEqual([before - 1, 0]);
  store.commitAs('feed', () => store.putBase('articles', id, 4, first, 1));
  expect([count('tea'), count('unmistakable')]).toEqual([before, 0]);
});
