import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { StateStore } from '@larder/sync/client';
import type { LinkState } from '@larder/sync/link';
import type { App, Doc } from '@larder/sync/profile';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { CryptoKey, JWK } from 'jose';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCloud } from '../cloud.ts';
import type { PooledCloud } from '../cloud.ts';
import { createLog } from '../log.ts';
import { createCredentialScope, createIdentity } from './identity.ts';
import type { Identity } from './identity.ts';
import { GRACE, WARNING } from './grace.ts';
import { openKnown } from './known.ts';

const HOUR = 3_600_000;
const START = Date.parse('2026-11-20T10:00:00Z');
const app: Pick<App, 'keys' | 'user'> = {
  keys: '/jwks.json',
  user: ({ claims }) => ({ id: String(claims?.['sub']), store: 'S1' }),
};
const log = createLog('test', 'silent');

interface Signer {
  kid: string;
  key: CryptoKey;
  jwk: JWK;
}

let server: Server;
let cloud: PooledCloud;
let published: JWK[];
let fetches: number;
let link: { state: LinkState; held: boolean };
let now: number;
let kept: Map<string, string>;
let first: Signer;

const memory = (): StateStore => ({
  get: async (key) => kept.get(key),
  set: async (key, value) => void kept.set(key, value),
  delete: async (key) => kept.delete(key),
  list: async (prefix) => [...kept].filter(([key]) => key.startsWith(prefix)),
});

beforeEach(async () => {
  fetches = 0;
  server = createServer((_request, response) => {
    fetches++;
    response.end(JSON.stringify({ keys: published }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cloud = createCloud({
    origin: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    report: () => undefined,
    connectTimeout: 1000,
    headersTimeout: 5000,
    bodyTimeout: 5000,
    connections: 4,
  });
  link = { state: 'online', held: false };
  now = START;
  kept = new Map();
  first = await signer('first');
  published = [first.jwk];
});

afterEach(async () => {
  await cloud.close();
  server.closeAllConnections();
  if (server.listening) await new Promise((resolve) => server.close(resolve));
});

/** Cuts the way to the keys, as the link does. */
async function cut(): Promise<void> {
  link.state = 'offline';
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

async function signer(kid: string): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { kid, key: privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' } };
}

const sign = ({ kid, key }: Signer, claims: Doc = {}) =>
  new SignJWT({ sub: 'u1', exp: Math.floor((START + 12 * HOUR) / 1000), ...claims })
    .setProtectedHeader({ alg: 'ES256', kid })
    .sign(key);

const knownNow = () =>
  openKnown({
    state: memory(),
    sealKey: new Uint8Array(32),
    clock: () => now,
    timeZone: 'Europe/London',
    log,
    cost: 4,
  });
const start = async (): Promise<Identity> =>
  createIdentity({ app, cloud, known: await knownNow(), state: memory(), clock: () => now, link, log });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('a token signed by the app', () => {
  test('is verified, and from then on answered without a promise', async () => {
    const identity = await start();
    const token = await sign(first);
    expect(await identity.identify(bearer(token))).toMatchObject({ claims: { sub: 'u1' } });
    expect(identity.identify(bearer(token))).toMatchObject({ claims: { sub: 'u1' } });
    expect(identity.identify({ authorization: `bearer ${token}` })).toMatchObject({ claims: { sub: 'u1' } });
  });

  test('is verified while cut off, after a restart, by the keys that were kept', async () => {
    await (await start()).refresh();
    await cut();
    expect(await (await start()).identify(bearer(await sign(first)))).toMatchObject({ claims: { sub: 'u1' } });
  });

  test('by a new key makes the keys be fetched once, however many bring it', async () => {
    const identity = await start();
    await identity.refresh();
    now += HOUR;
    const second = await signer('second');
    published = [first.jwk, second.jwk];
    const tokens = await Promise.all([1, 2, 3].map((n) => sign(second, { sub: `u${n}` })));
    const claims = await Promise.all(tokens.map((token) => identity.identify(bearer(token))));
    expect(claims.map((claim) => claim?.claims['sub'])).toEqual(['u1', 'u2', 'u3']);
    expect(fetches).toBe(2);
  });

  test('by a key that the app has withdrawn counts no longer, even if it was known', async () => {
    const identity = await start();
    const token = await sign(first);
    expect(await identity.identify(bearer(token))).not.toBeNull();
    published = [(await signer('second')).jwk];
    await identity.refresh();
    expect(await identity.identify(bearer(token))).toBeNull();
  });

  test('cannot be verified while cut off if no keys were ever seen', async () => {
    await cut();
    const identity = await start();
    const headers = bearer(await sign(first));
    expect(await identity.identify(headers)).toBeNull();
    // Not that they are not signed in: that would sign them out.
    expect(identity.refusal(headers).code).toBe('LARDER_KEYS_UNKNOWN');
    expect(identity.refusal({}).code).toBe('LARDER_UNAUTHENTICATED');
  });

  test('for the first time is not put off for long by a fetch of the keys that failed', async () => {
    const [listening] = server.listeners('request') as (() => void)[];
    server.removeAllListeners('request').once('request', ({ socket }: { socket: { destroy(): void } }) => {
      socket.destroy();
      if (listening !== undefined) server.on('request', listening);
    });
    const identity = await start();
    const headers = bearer(await sign(first));
    expect(await identity.identify(headers)).toBeNull();
    expect(fetches).toBe(0);
    now += 1000;
    expect(await identity.identify(headers)).toMatchObject({ claims: { sub: 'u1' } });
    expect(fetches).toBe(1);
  });
});

test('while the operator holds the link nothing is asked of the cloud, and the grace period counts', async () => {
  const identity = await start();
  await identity.refresh();
  link.held = true;
  now = START + 13 * HOUR;
  await identity.refresh();
  const token = await sign(first, { iat: START / 1000 });
  expect(await identity.identify(bearer(token))).toMatchObject({ claims: { sub: 'u1' } });
  expect(await identity.identify(bearer(await sign(await signer('second'))))).toBeNull();
  expect(fetches).toBe(1);
});

describe('time', () => {
  const token = () => sign(first, { exp: Math.floor((START + HOUR) / 1000) });

  test('I8: a token that has run out counts for nothing while online, known or new', async () => {
    const identity = await start();
    const known = await token();
    await identity.identify(bearer(known));
    now = START + HOUR;
    expect(identity.identify(bearer(known))).toBeNull();
    expect(await identity.identify(bearer(await token()))).toBeNull();
  });

  test('I8: while cut off it counts for the grace period from its issue, and then for facts only', async () => {
    const identity = await start();
    const known = await sign(first, { iat: START / 1000, exp: Math.floor((START + HOUR) / 1000) });
    await identity.identify(bearer(known));
    await cut();
    now = START + WARNING - 1;
    expect(identity.identify(bearer(known))).toMatchObject({ allowed: 'all', graceLeft: null });
    now += 1;
    expect(identity.identify(bearer(known))).toMatchObject({ allowed: 'all', graceLeft: (GRACE - WARNING) / 1000 });
    now = START + GRACE - 1;
    expect(identity.identify(bearer(known))).toMatchObject({ allowed: 'all', graceLeft: 1 });
    now += 1;
    expect(identity.identify(bearer(known))).toMatchObject({ allowed: 'facts', graceLeft: 0 });
  });

  test('I8: a token that outlives the grace period is worth no more than one that does not', async () => {
    const identity = await start();
    const long = await sign(first, { iat: START / 1000, exp: (START + 30 * 24 * HOUR) / 1000 });
    await identity.identify(bearer(long));
    await cut();
    now = START + GRACE;
    expect(identity.identify(bearer(long))).toMatchObject({ allowed: 'facts' });
  });

  test('I8: a token that does not say when it was issued counts until its end, and not a moment longer', async () => {
    const identity = await start();
    const known = await token();
    await identity.refresh();
    await cut();
    now = START + HOUR - 1;
    expect(await identity.identify(bearer(known))).toMatchObject({ allowed: 'all' });
    now += 1;
    expect(identity.identify(bearer(known))).toBeNull();
  });

  test('the grace period counts from the last time that the cloud accepted the credential, over a restart', async () => {
    const identity = await start();
    const known = await sign(first, { iat: START / 1000 });
    await identity.identify(bearer(known));
    now = START + 6 * HOUR;
    identity.heard(bearer(known).authorization, 200);
    await cut();
    now = START + 6 * HOUR + GRACE - 1;
    expect(await (await start()).identify(bearer(known))).toMatchObject({ allowed: 'all' });
    now += 1;
    expect(await (await start()).identify(bearer(known))).toMatchObject({ allowed: 'facts' });
  });

  test('I8: what the cloud does not accept any more is nothing here either, after a restart and after a new token', async () => {
    const identity = await start();
    const known = await sign(first, { iat: START / 1000 });
    await identity.identify(bearer(known));
    identity.heard(bearer(known).authorization, 200);
    identity.heard(bearer(known).authorization, 401);
    expect(identity.identify(bearer(known))).toBeNull();
    await cut();
    const again = await start();
    expect(await again.identify(bearer(known))).toBeNull();
    const later = await sign(first, { iat: START / 1000 + 1 });
    expect(await again.identify(bearer(later))).toMatchObject({ allowed: 'all' });
  });

  test('a token that is not valid yet, or has no end, is not taken', async () => {
    const identity = await start();
    const later = await sign(first, { nbf: Math.floor((START + HOUR) / 1000) });
    expect(await identity.identify(bearer(later))).toBeNull();
    const endless = await new SignJWT({ sub: 'u1' }).setProtectedHeader({ alg: 'ES256', kid: 'first' }).sign(first.key);
    expect(await identity.identify(bearer(endless))).toBeNull();
  });
});

describe('forgeries', () => {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { sub: 'admin', exp: Math.floor((START + HOUR) / 1000) };

  test.each([
    ['no signature', async () => `${part({ alg: 'none' })}.${part(claims)}.`],
    ['no signature, with a stub of one', async () => `${part({ alg: 'none', kid: 'first' })}.${part(claims)}.AA`],
    [
      "an HMAC under the app's public key",
      () =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: 'HS256', kid: 'first' })
          .sign(Buffer.from(JSON.stringify(first.jwk))),
    ],
    ['a signature by another key under the same name', async () => sign({ ...(await signer('first')) }, claims)],
    [
      'other claims under a good signature',
      async () => {
        const [head, , signature] = (await sign(first)).split('.');
        return `${head}.${part(claims)}.${signature}`;
      },
    ],
    [
      'a key of its own in its header',
      async () => {
        const own = await signer('own');
        return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', jwk: own.jwk }).sign(own.key);
      },
    ],
    ['no token', async () => 'edge_demo_S001'],
    ['a token beyond all size', async () => `${'a'.repeat(9000)}.${part(claims)}.AA`],
  ])('%s', async (_name, forge) => {
    const identity = await start();
    await identity.refresh();
    expect(await identity.identify(bearer(await forge()))).toBeNull();
  });

  test('I11: tokens of made-up keys do not load the cloud', async () => {
    const identity = await start();
    for (let n = 0; n < 20; n++) await identity.identify(bearer(await sign(await signer(`made-up-${n}`))));
    expect(fetches).toBe(1);
  });

  test('a symmetric key in the set is not used', async () => {
    const secret = Buffer.alloc(32, 1);
    published = [{ kty: 'oct', kid: 'shared', k: secret.toString('base64url') }];
    const token = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'shared' }).sign(secret);
    expect(await (await start()).identify(bearer(token))).toBeNull();
  });
});

test('without keys in the profile nobody is verified', async () => {
  const { user } = app;
  const identity = createIdentity({
    app: { user },
    cloud,
    known: await knownNow(),
    state: memory(),
    clock: () => now,
    link,
    log,
  });
  expect(identity.identify(bearer('a.b.c'))).toBeNull();
});

describe('the scope of credentials that cannot be checked', () => {
  const scopeOf = createCredentialScope(Buffer.alloc(32, 1));

  test('I8: is one for each credential, and shows nothing of it', () => {
    const seen = [
      scopeOf({ authorization: 'Bearer a' }),
      scopeOf({ authorization: 'Bearer b' }),
      scopeOf({ cookie: 'Bearer a' }),
      scopeOf({ authorization: 'Bearer a', cookie: 'c=1' }),
      scopeOf({ authorization: 'Bearer a","c=1' }),
    ];
    expect(new Set(seen).size).toBe(seen.length);
    expect(scopeOf({ authorization: 'Bearer a' })).toBe(seen[0]);
    for (const scope of seen) expect(scope).not.toContain('Bearer');
  });

  test('is everybody for a request without any', () => {
    expect(scopeOf({})).toBe('');
  });

  test('differs from one edge to another', () => {
    const other = createCredentialScope(Buffer.alloc(32, 2));
    expect(other({ cookie: 'a' })).not.toBe(scopeOf({ cookie: 'a' }));
  });
});
