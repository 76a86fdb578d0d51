import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Doc, Json, Match } from '@larder/sync/profile';
import { itemAnswer, listAnswer, problemAnswer } from './answers.ts';
import { Problem, ProductCreate, ProductEdit } from './documents.ts';
import { PROBLEMS, ProblemError, isProblemCode, problemDocument } from './problems.ts';
import { RESOURCES } from './resources.ts';
import { type Actor, assertMayWrite, mayWrite, subsetOf, visible } from './rights.ts';
import { normalise, searchTerms, searchText } from './search.ts';
import { validate } from './validate.ts';

function errorOf(run: () => unknown): ProblemError {
  try {
    run();
  } catch (error) {
    if (error instanceof ProblemError) return error;
  }
  throw new Error('nothing was thrown');
}

describe('Search', () => {
  test('text and words are normalised alike', () => {
    const text = searchText('products', { name: 'Crème ﬁne', sku: 'CF-01', barcode: null, unit: 'pcs' });
    expect(text).toBe('creme fine cf-01');
    for (const term of searchTerms('FINE  Cf-01 CRÈME')) expect(text).toContain(term);
  });

  test('normalising twice is normalising once', () => {
    const once = fc.string({ unit: 'grapheme' }).map(normalise);
    fc.assert(
      fc.property(once, (text) => {
        expect(normalise(text)).toBe(text);
      }),
    );
  });

  test('looks for eight words at the most', () => {
    expect(searchTerms('a b c d e f g h i j')).toHaveLength(8);
    expect(searchTerms('   ')).toEqual([]);
  });
});

describe('Rights', () => {
  const clerk: Actor = { role: 'clerk', storeId: 'S001' };
  const manager: Actor = { role: 'manager', storeId: 'S001' };
  const admin: Actor = { role: 'admin', storeId: null };

  test('a clerk sells in their own store and changes no price', () => {
    expect(mayWrite('clerk', 'S001', 'POST sales', 'S001')).toBe(true);
    expect(mayWrite('clerk', 'S001', 'PATCH products')).toBe(false);
    expect(() => assertMayWrite(clerk, 'PATCH products')).toThrow(expect.objectContaining({ code: 'forbidden' }));
    expect(() => assertMayWrite(manager, 'POST sales', 'S002')).toThrow(
      expect.objectContaining({ code: 'other-store' }),
    );
    expect(mayWrite('admin', null, 'POST sales', 'S002')).toBe(true);
  });

  const holds = (value: Json | undefined, match: Match): boolean =>
    match !== null && typeof match === 'object' && 'in' in match && Array.isArray(match.in)
      ? match.in.includes(value ?? null)
      : value === match;
  const actors: Actor[] = [
    clerk,
    manager,
    admin,
    { role: 'manager', storeId: 'S002' },
    { role: 'clerk', storeId: null },
  ];

  test.each(RESOURCES)('the subset of %s holds exactly the documents that are visible', (resource) => {
    const docs: Doc[] = [{ storeId: 'S001' }, { storeId: 'S002' }, { storeId: null }];
    for (const actor of actors) {
      if (resource === 'users' && actor.role === 'clerk') continue;
      const conditions = Object.entries(subsetOf(actor, resource));
      for (const doc of docs)
        expect(visible(actor, resource, doc)).toBe(conditions.every(([field, match]) => holds(doc[field], match)));
    }
  });

  test('users are for managers, of their own store', () => {
    expect(visible(clerk, 'users', { storeId: 'S001' })).toBe(false);
    expect(visible(manager, 'users', { storeId: 'S002' })).toBe(false);
  });
});

describe('Validation', () => {
  test('fills in defaults and names every field that is wrong', () => {
    expect(validate(ProductCreate, { sku: 'A', name: ' Tea ', price: 5 })).toMatchObject({ name: 'Tea', active: true });
    const error = errorOf(() => validate(ProductCreate, { sku: '', name: 'Tea', price: -1, colour: 'red' }));
    expect(error.code).toBe('invalid-body');
    expect(error.errors?.map(({ path }) => path)).toEqual(expect.arrayContaining(['sku', 'price', '']));
  });

  test.each(['a\0b', '\ud800'])('text that no database keeps is refused (%j)', (name) => {
    expect(() => validate(ProductEdit, { name, saw: { name: 'Tea' } })).toThrow(ProblemError);
  });
});

describe('Answers', () => {
  test('every code makes a problem document', () => {
    for (const code of Object.keys(PROBLEMS).filter(isProblemCode)) {
      const document = problemDocument(new ProblemError(code, 'Because.'));
      expect(Problem.parse(document)).toEqual(document);
      expect(problemAnswer(new ProblemError(code)).status).toBe(PROBLEMS[code].status);
    }
  });

  test('a foreign error shows nothing of itself', () => {
    expect(JSON.stringify(problemAnswer(new Error('password=secret')))).not.toContain('secret');
  });

  test('who has the tag gets 304 without a body', () => {
    const first = itemAnswer({ id: 'p1', version: 1 });
    expect(first).toMatchObject({ status: 200, body: { id: 'p1' } });
    expect(itemAnswer({ id: 'p1', version: 1 }, first.headers.etag)).toEqual({
      status: 304,
      headers: { etag: first.headers.etag, 'cache-control': 'private, no-cache' },
      body: undefined,
    });
    const list = listAnswer({ data: [], page: { next: null, total: 0 } });
    expect(listAnswer({ data: [], page: { next: null, total: 0 } }, list.headers.etag).status).toBe(304);
  });
});
