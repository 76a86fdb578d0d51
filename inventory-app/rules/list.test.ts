import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Doc, Json } from '@larder/sync/profile';
import { indexedFields, listBody, listParameters, nextCursor, parseList } from './list.ts';
import { ProblemError } from './problems.ts';
import { RESOURCES } from './resources.ts';

const parse = (resource: Parameters<typeof parseList>[0], query: string) =>
  parseList(resource, new URLSearchParams(query));

function errorOf(query: string, resource: Parameters<typeof parseList>[0] = 'products'): ProblemError {
  try {
    parse(resource, query);
  } catch (error) {
    if (error instanceof ProblemError) return error;
  }
  throw new Error(`"${query}" was taken`);
}

/** By UTF-8 bytes, as both databases order. */
const compare = (a: Json, b: Json) =>
  typeof a === 'number' && typeof b === 'number' ? a - b : Buffer.compare(Buffer.from(`${a}`), Buffer.from(`${b}`));

function inOrder(order: readonly [string, 'asc' | 'desc'][]) {
  return (a: Json[], b: Json[]) => {
    for (const [at, [, direction]] of order.entries()) {
      const by = compare(a[at] ?? null, b[at] ?? null);
      if (by !== 0) return direction === 'asc' ? by : -by;
    }
    return 0;
  };
}

describe('A list query', () => {
  test('of no parameters asks for the first fifty in the default order', () => {
    expect(parse('products', '')).toEqual({
      where: {},
      terms: [],
      order: [
        ['name', 'asc'],
        ['id', 'asc'],
      ],
      after: null,
      limit: 50,
    });
    expect(parse('sales', '').order).toEqual([
      ['occurredAt', 'desc'],
      ['id', 'asc'],
    ]);
    expect(parse('stock-levels', '').order).toEqual([['id', 'asc']]);
  });

  test('takes filters by their type, ids, times and words', () => {
    expect(parse('products', 'sku=A-1&active=true&ids=p1,p2,p1&q=Crème BRÛLÉE crème&limit=500')).toMatchObject({
      where: { sku: 'A-1', active: true, id: { in: ['p1', 'p2'] } },
      terms: ['creme', 'brulee'],
      limit: 500,
    });
    expect(parse('sales', 'occurredFrom=2026-01-01T00:00Z&occurredTo=2026-02-01T00:00:00.000Z').where).toEqual({
      occurredAt: { gte: '2026-01-01T00:00:00.000Z', lt: '2026-02-01T00:00:00.000Z' },
    });
  });

  test.each([
    ['colour=red', 'colour'],
    ['sku=a&sku=b', 'sku'],
    ['active=yes', 'active'],
    ['limit=0', 'limit'],
    ['limit=501', 'limit'],
    ['limit=1e2', 'limit'],
    ['sort=barcode', 'sort'],
    ['sort=--name', 'sort'],
    ['sort=constructor', 'sort'],
    ['q=%00', 'q'],
    ['after=nonsense', 'after'],
    [`ids=${Array.from({ length: 101 }, (_, at) => `p${at}`).join(',')}`, 'ids'],
  ])('%s is refused by the name of the parameter', (query, parameter) => {
    const error = errorOf(query);
    expect(error.code).toBe('invalid-query');
    expect(error.errors).toMatchObject([{ path: parameter }]);
  });

  test('searches only where there is something to search', () => {
    expect(errorOf('q=tea', 'stores').errors).toMatchObject([{ path: 'q' }]);
  });

  test('takes no cursor of another order', () => {
    const cursor = nextCursor(parse('products', 'sort=price'), { price: 5, id: 'p1' });
    expect(parse('products', `sort=-price&after=${cursor}`).after).toEqual([5, 'p1']);
    expect(errorOf(`sort=name&after=${cursor}`).errors).toMatchObject([{ path: 'after' }]);
  });

  test.each(RESOURCES)('of %s has every field it filters or sorts by indexed', (resource) => {
    const fields = indexedFields(resource);
    const given = listParameters(resource).filter((name) => !/^(q|sort|limit|after|ids|occurred(From|To))$/.test(name));
    expect(fields).toEqual(expect.arrayContaining([...given, 'id']));
    expect(fields).toContain(parse(resource, '').order[0]?.[0]);
  });
});

test('Pages, one after the other, hold every document exactly once and in order', () => {
  const docs = fc.uniqueArray(
    fc.record({
      id: fc.string({ unit: 'binary', minLength: 1 }),
      name: fc.constantFrom('a', 'b', 'é', 'z\u{1F600}', '\uFFFD'),
      price: fc.integer({ min: 0, max: 3 }),
    }),
    { selector: (doc) => doc.id, maxLength: 40 },
  );
  const sorts = fc.constantFrom('name', '-name', 'price', '-price', 'id', '-id');
  fc.assert(
    fc.property(docs, sorts, fc.integer({ min: 1, max: 7 }), (all, sort, limit) => {
      const usable = all.filter(({ id }) => !id.includes('\0'));
      const { order } = parse('products', `sort=${sort}`);
      const keyOf = (doc: Doc) => order.map(([field]) => doc[field] ?? null);
      const byOrder = inOrder(order);
      const sorted: Doc[] = [...usable].sort((a, b) => byOrder(keyOf(a), keyOf(b)));
      const seen: Doc[] = [];
      for (let next: string | null = ''; next !== null;) {
        const spec = parse('products', `sort=${sort}&limit=${limit}${next === '' ? '' : `&after=${next}`}`);
        const after = spec.after;
        const rest = after === null ? sorted : sorted.filter((doc) => byOrder(keyOf(doc), after) > 0);
        const body = listBody(spec, rest.slice(0, limit + 1), sorted.length);
        expect(body.page.total).toBe(sorted.length);
        seen.push(...body.data);
        next = body.page.next;
      }
      expect(seen).toEqual(sorted);
    }),
  );
});
