import { describe, expect, test } from 'vitest';
import { problemAnswer } from '../rules/answers.ts';
import { isProblemCode, ProblemError } from '../rules/problems.ts';
import { clerk, NOW, request } from './fixture.test-util.ts';
import profile from './profile.ts';

const req = request('POST', '/api/v1/sales', { body: { storeId: 'S001' } });
const OURS = { 'inventory-app': 'demo' };

describe('The verdict', () => {
  test.each([
    ['exists', 'refused'],
    ['conflict', 'refused'],
    ['forbidden', 'refused'],
    ['precondition-failed', 'refused'],
    ['invalid-body', 'refused'],
    ['in-flight', 'in-flight'],
    ['key-mismatch', 'key-mismatch'],
    ['unauthenticated', 'identity'],
    ['throttled', 'throttled'],
    ['internal', 'unavailable'],
    ['unavailable', 'unavailable'],
  ])('on the app’s own problem %s is %s', (code, verdict) => {
    const res = problemAnswer(isProblemCode(code) ? new ProblemError(code) : null);
    expect(profile.classify(req, { ...res, headers: { ...res.headers, ...OURS } })).toBe(verdict);
  });

  test('on success says whether it had happened before', () => {
    expect(profile.classify(req, { status: 201, headers: OURS, body: {} })).toBe('done');
    expect(profile.classify(req, { status: 201, headers: { ...OURS, 'idempotent-replayed': 'true' }, body: {} })).toBe(
      'already-done',
    );
  });

  test('is none where the answer is not the app’s own', () => {
    expect(profile.classify(req, { status: 200, headers: {}, body: undefined })).toBe('unavailable');
    expect(profile.classify(req, { status: 403, headers: {}, body: { code: 'forbidden' } })).toBe('unavailable');
    expect(profile.classify(req, { status: 404, headers: OURS, body: undefined })).toBe('unavailable');
    expect(profile.classify(req, { status: 302, headers: OURS, body: undefined })).toBe('unavailable');
  });
});

describe('A write goes out', () => {
  const entry = { seq: 1, key: 'k-1', route: 'POST /api/v1/sales', release: 1, user: clerk, at: NOW };
  const headers = {
    'content-type': 'application/json',
    'if-match': '"v1"',
    'on-behalf-of': 'u-admin',
    authorization: 'x',
  };

  test('under its key, with the user’s own credential', () => {
    const sent = profile.send({ ...req, headers }, entry, { type: 'user', authorization: 'Bearer user' });
    expect(sent.headers).toEqual({
      'content-type': 'application/json',
      authorization: 'Bearer user',
      'idempotency-key': 'k-1',
    });
    expect(sent.body).toBe(req.body);
  });

  test('or with the edge’s, on the user’s behalf', () => {
    const sent = profile.send({ ...req, headers }, entry, { type: 'edge', authorization: 'Bearer edge_1' });
    expect(sent.headers).toMatchObject({ authorization: 'Bearer edge_1', 'on-behalf-of': 'u-clerk' });
  });
});

describe('The user', () => {
  const claims = { sub: 'u1', storeId: 'S001', role: 'clerk', username: 'clerk', name: 'Cleo' };

  test('is who the claims say', () => {
    expect(profile.user({ ...req, claims })).toEqual({
      id: 'u1',
      store: 'S001',
      role: 'clerk',
      username: 'clerk',
      name: 'Cleo',
    });
    expect(profile.user({ ...req, claims: { ...claims, role: 'admin', storeId: null } })).toMatchObject({
      store: null,
    });
  });

  test.each([null, { ...claims, role: 'root' }, { ...claims, sub: 7 }, { ...claims, storeId: 1 }])(
    'is nobody by the claims %o',
    (wrong) => {
      expect(profile.user({ ...req, claims: wrong })).toBe(null);
    },
  );
});
