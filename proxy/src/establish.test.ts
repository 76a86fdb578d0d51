import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Doc, Read } from '@larder/sync/profile';
import { expect, test } from 'vitest';
import { createEstablish } from './establish.ts';
import type { EstablishDeps } from './establish.ts';
import { verified } from './identity/caller.ts';

const read: Read<never> = { tags: () => [] };

const app: EstablishDeps['app'] = {
  user: (req) => (req.claims === null ? null : { id: String(req.claims['sub']), store: req.query.get('store') }),
  scope: (user, req) => (req.path === '/public' ? '' : (user?.id ?? 'nobody')),
  reads: { 'GET /items/:id': read, 'GET /public': read },
  writes: {},
};

function establish(deps: Partial<EstablishDeps>, method: string, target: string, claims: Doc | null = null) {
  const request = Object.assign(new IncomingMessage(new Socket()), { method, url: target });
  const [path = '', query] = target.split('?');
  return createEstablish({
    app,
    identity: { identify: () => (claims === null ? null : verified(claims)) },
    credentialScope: () => 'credential:x',
    ...deps,
  })(request, new ServerResponse(request), { path, search: query === undefined ? '' : `?${query}` });
}

test('a covered route is found, for HEAD as for GET, with its parameters decoded', () => {
  expect(establish({}, 'GET', '/items/a%20b')).toMatchObject({ read, write: null, params: { id: 'a b' } });
  expect(establish({}, 'HEAD', '/items/1')).toMatchObject({ read });
  expect(establish({}, 'POST', '/items/1')).toMatchObject({ read: null, write: null });
});

test("a verified user's scope is the app's, and never equal to that of a credential", () => {
  const exchange = establish({}, 'GET', '/items/1?store=S1', { sub: 'u1' });
  expect(exchange).toMatchObject({ scope: 'app:u1', user: { id: 'u1', store: 'S1' }, claims: { sub: 'u1' } });
  expect(establish({}, 'GET', '/items/1', { sub: 'credential:x' })).toMatchObject({ scope: 'app:credential:x' });
});

test('what the app says is for everybody is for everybody', () => {
  expect(establish({}, 'GET', '/public', { sub: 'u1' })).toMatchObject({ scope: '' });
});

test('I8: a credential that does not verify is a scope of its own, whatever the app would say of nobody', () => {
  expect(establish({}, 'GET', '/items/1')).toMatchObject({ scope: 'credential:x', user: null });
  expect(establish({ app: null }, 'GET', '/items/1')).toMatchObject({ scope: 'credential:x', user: null, read: null });
});

test('a token that is verified for the first time is waited for', async () => {
  const identity = { identify: () => Promise.resolve(verified({ sub: 'u1' })) };
  const exchange = establish({ identity }, 'GET', '/items/1');
  expect(exchange).toBeInstanceOf(Promise);
  expect(await exchange).toMatchObject({ scope: 'app:u1' });
});
