import { expect, test } from 'vitest';
import type { Doc, Json, Res } from '@larder/sync/profile';
import { problemAnswer } from '../rules/answers.ts';
import { ProblemError, type Conflict, type ProblemCode } from '../rules/problems.ts';
import { admin, clerk, manager, replica, request, stranger, take } from './fixture.test-util.ts';
import profile from './profile.ts';

const refusal = (code: ProblemCode, conflicts: Conflict[] = []): Res =>
  problemAnswer(new ProblemError(code, '', { conflicts }));
const read = (method: string, body: Json | undefined, res: Res, db = replica()) =>
  profile.conflict?.(
    db,
    request(method, '/api/v1/products/p1', { params: { id: 'p1' }, ...(body === undefined ? {} : { body }) }),
    res,
  );

const AT = '2026-07-01T10:00:00.000Z';
const price: Conflict = { field: 'price', saw: 250, current: 300, wanted: 280, by: 'Max', at: AT };

test('the same field twice: both values, who, and when', () => {
  expect(read('PATCH', { price: 280 }, refusal('conflict', [price]))).toEqual({
    type: 'same-field',
    fields: [{ field: 'price', saw: 250, current: 300, wanted: 280 }],
    by: 'Max',
    at: AT,
  });
});

test('what has changed again since the refusal is shown as it is now; a replica that lags behind it is not believed', () => {
  const later = replica();
  const known = later.get('products', 'p1');
  later.put('products', { ...known, price: 310, updatedAt: '2026-07-01T11:00:00.000Z' });
  expect(read('PATCH', { price: 280 }, refusal('conflict', [price]), later)).toMatchObject({
    fields: [{ current: 310 }],
    by: null,
    at: '2026-07-01T11:00:00.000Z',
  });
  const behind = replica();
  expect(behind.get('products', 'p1')).toMatchObject({ price: 250 });
  expect(read('PATCH', { price: 280 }, refusal('conflict', [price]), behind)).toMatchObject({
    fields: [{ current: 300 }],
  });
});

test('an edit of what is gone, and a deletion of what has changed', () => {
  const gone = refusal('deleted', [{ field: 'id', saw: 'p1', current: null, wanted: 'p1', by: 'Max', at: AT }]);
  expect(read('PATCH', { price: 280, saw: { price: 250 } }, gone)).toEqual({
    type: 'edit-of-deleted',
    fields: [{ field: 'price', saw: 250, current: null, wanted: 280 }],
    by: 'Max',
    at: AT,
  });
  const changed = refusal('conflict', [{ ...price, wanted: null }]);
  expect(read('DELETE', undefined, changed)).toMatchObject({ type: 'delete-of-edited', by: 'Max' });
});

test('a refusal for another reason is no conflict', () => {
  expect(read('PATCH', { price: 280 }, refusal('forbidden'))).toBeNull();
  expect(read('DELETE', undefined, refusal('in-use'))).toBeNull();
  expect(read('DELETE', undefined, refusal('not-found'))).toBeNull();
});

test('a deletion carries what its author saw, and tried again what is there then', () => {
  const db = replica();
  const req = request('DELETE', '/api/v1/products/p2', { params: { id: 'p2' } });
  const { body } = take(db, manager, 'DELETE /api/v1/products/:id', req);
  expect((body as Doc).saw).toMatchObject({ price: 180, name: 'Crème fraîche' });
  expect((body as Doc).saw).not.toHaveProperty('saw');
  expect(profile.writes['DELETE /api/v1/products/:id']?.renew?.({ ...req, body })).toBeUndefined();
});

test('an edit that is tried again leaves out what its author saw', () => {
  const body = { price: 280, saw: { price: 250 } };
  const req = request('PATCH', '/api/v1/products/p1', { params: { id: 'p1' }, body });
  expect(profile.writes['PATCH /api/v1/products/:id']?.renew?.(req)).toEqual({ price: 280 });
});

test('I8: managers of this store and admins work off the inbox, nobody else', () => {
  const may = [clerk, manager, admin, stranger].map((user) => profile.manages?.(user, 'S001'));
  expect(may).toEqual([false, true, true, false]);
  expect(profile.manages?.(manager, 'S002')).toBe(false);
});
