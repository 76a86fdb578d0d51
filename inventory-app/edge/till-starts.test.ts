import { describe, expect, test } from 'vitest';
import { TillStart } from '../rules/documents.ts';
import { admin, clerk, manager, NOW, replica, request, stranger, take } from './fixture.test-util.ts';

const STARTS = 'POST /api/v1/till-starts';
const start = (more: object = {}) =>
  request('POST', '/api/v1/till-starts', { body: { storeId: 'S001', till: 'T2', device: 'Tablet', ...more } });
const known = (generation: number, more: object = {}) => ({
  id: `known-${generation}`, storeId: 'S001', till: 'T2', generation, device: 'Old', startedAt: NOW, userId: 'u', version: 1, ...more,
}); // prettier-ignore

describe('A till that starts at a box', () => {
  test('gets an even generation, which is sent as it was answered', () => {
    const db = replica();
    const { res, body } = take(db, clerk, STARTS, start());
    expect(res.status).toBe(201);
    expect(TillStart.strict().parse(res.body)).toMatchObject({ generation: 2, startedAt: NOW, userId: 'u-clerk' });
    expect(body).toEqual({
      storeId: 'S001', till: 'T2', device: 'Tablet', generation: 2, startedAt: NOW, id: (res.body as { id: string }).id,
    }); // prettier-ignore
    expect(db.list('till-starts', {})).toEqual([res.body]);
  });

  test('gets one beyond those of its till that are known, what waits included', () => {
    const db = replica();
    db.put('till-starts', known(9));
    db.put('till-starts', known(10, { id: 'other', till: 'T3' }));
    const generations = [start(), start(), start({ till: 'T3' }), start({ till: 'T4' })].map(
      (req) => take(db, clerk, STARTS, req).res.body,
    );
    expect(generations).toMatchObject([{ generation: 10 }, { generation: 12 }, { generation: 12 }, { generation: 2 }]);
  });

  test('and is offered again under its id gets the same, whoever offers it', () => {
    const db = replica();
    const first = take(db, clerk, STARTS, start({ id: 'x' }));
    const again = take(db, manager, STARTS, start({ id: 'x' }));
    expect(again.res).toEqual(first.res);
    expect(again.body).toEqual(first.body);
    expect(take(db, clerk, STARTS, start({ id: 'x', generation: 2 })).res).toEqual(first.res);
    expect(db.list('till-starts', {})).toHaveLength(1);
  });

  test('that has a generation from a box that was lost keeps it', () => {
    const db = replica();
    expect(take(db, clerk, STARTS, start({ generation: 8 })).res.body).toMatchObject({ generation: 8 });
    expect(take(db, clerk, STARTS, start()).res.body).toMatchObject({ generation: 10 });
  });

  test.each([
    [clerk, { storeId: 'S002' }, 403, 'other-store'],
    [stranger, { storeId: 'S002' }, 403, 'other-store'],
    [admin, { storeId: 'S002' }, 403, 'other-store'],
    [clerk, { till: 'T100' }, 400, 'invalid-body'],
    [clerk, { device: ' ' }, 400, 'invalid-body'],
    [clerk, { id: 'known-9', till: 'T3' }, 409, 'exists'],
    [clerk, { id: 'known-9', device: 'Old', generation: 10 }, 409, 'exists'],
  ])('by $username with %o is refused with %i %s', (who, more, status, code) => {
    const db = replica();
    db.put('till-starts', known(9));
    expect(take(db, who, STARTS, start(more)).res).toMatchObject({ status, body: { code } });
    expect(db.list('till-starts', {})).toHaveLength(1);
  });
});
