import { describe, expect, test } from 'vitest';
import { nextCursor, parseList } from '../rules/list.ts';
import { admin, clerk, manager, replica, request, stranger } from './fixture.test-util.ts';
import profile from './profile.ts';
import type { StaffUser } from './user.ts';

const LIST = (resource: string) => `GET /api/v1/${resource}`;

function list(resource: string, search = '', who: StaffUser | null = clerk, headers = {}) {
  const req = request('GET', `/api/v1/${resource}`, { search, headers });
  return profile.reads[LIST(resource)]?.answer?.(replica(), req, who);
}

function item(resource: string, id: string, who: StaffUser | null = clerk, headers = {}) {
  const req = request('GET', `/api/v1/${resource}/${id}`, { params: { id }, headers });
  return profile.reads[`${LIST(resource)}/:id`]?.answer?.(replica(), req, who);
}

describe('A list from the replica', () => {
  test('is paged, counted and validated as the cloud does it', () => {
    const first = list('products', 'sort=-price&limit=1');
    expect(first).toMatchObject({
      status: 200,
      headers: { etag: expect.stringMatching(/^"l-[0-9a-f]{16}"$/), 'cache-control': 'private, no-cache' },
      body: { data: [{ id: 'p1' }], page: { total: 2 } },
    });
    const next = nextCursor(parseList('products', new URLSearchParams('sort=-price')), { id: 'p1', price: 250 });
    expect(first?.body).toMatchObject({ page: { next } });
    expect(list('products', `sort=-price&limit=1&after=${next}`)).toMatchObject({
      body: { data: [{ id: 'p2' }], page: { next: null, total: 2 } },
    });
    expect(list('products', 'sort=-price&limit=1', clerk, { 'if-none-match': first?.headers.etag })).toMatchObject({
      status: 304,
      body: undefined,
    });
  });

  test('finds by words, whatever their accents', () => {
    expect(list('products', 'q=creme')).toMatchObject({ body: { data: [{ id: 'p2' }], page: { total: 1 } } });
  });

  test('refuses a parameter that it does not know', () => {
    expect(list('products', 'colour=red')).toMatchObject({ status: 400, body: { code: 'invalid-query' } });
  });
});

describe('A document from the replica', () => {
  test('has a tag, and none comes of an unknown id', () => {
    const found = item('products', 'p1');
    expect(found).toMatchObject({ status: 200, headers: { etag: expect.stringMatching(/^"v3-/) }, body: { id: 'p1' } });
    expect(item('products', 'p1', clerk, { 'if-none-match': found?.headers.etag })).toMatchObject({ status: 304 });
    expect(item('products', 'p9')).toMatchObject({ status: 404, body: { code: 'not-found' } });
  });
});

describe('I8: The replica answers only for whom it holds everything', () => {
  test('nobody, and people of another store, are for the cloud', () => {
    for (const who of [null, stranger]) {
      expect(list('products', '', who)).toBe(null);
      expect(item('products', 'p1', who)).toBe(null);
    }
  });

  test('an admin gets what is of all stores or of this one', () => {
    expect(list('products', '', admin)?.status).toBe(200);
    expect(list('stock-levels', '', admin)).toBe(null);
    expect(list('stock-levels', 'storeId=S002', admin)).toBe(null);
    expect(list('stock-levels', 'storeId=S001', admin)).toMatchObject({ body: { page: { total: 1 } } });
    expect(item('customers', 'k1', admin)?.status).toBe(200);
    expect(item('customers', 'k9', admin)).toBe(null);
    expect(item('products', 'p9', admin)?.status).toBe(404);
  });

  test('equal scopes are of one store and one role', () => {
    const req = request('GET', '/api/v1/products');
    const scopes = [clerk, manager, admin, stranger, null].map((who) => profile.scope(who, req));
    expect(new Set(scopes).size).toBe(scopes.length);
    expect(profile.scope({ ...clerk, id: 'u-other' }, req)).toBe(profile.scope(clerk, req));
    expect(profile.scope(null, request('GET', '/assets/index-B3c.js'))).toBe('public');
  });
});

test('Every covered route is tagged by what its answer is made of', () => {
  const req = request('GET', '/api/v1/products/p1', { params: { id: 'p1' } });
  expect(profile.reads['GET /api/v1/products']?.tags(req, clerk)).toEqual(['products']);
  expect(profile.reads['GET /api/v1/products/:id']?.tags(req, clerk)).toEqual(['products/p1']);
});
