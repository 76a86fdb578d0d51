import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { Accepted, AcceptOptions, Call } from '@larder/sync/client';
import { LarderError } from '@larder/sync/errors';
import type { LinkState } from '@larder/sync/link';
import { request } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEstablish } from './establish.ts';
import type { EstablishDeps } from './establish.ts';
import { verified } from './identity/caller.ts';
import { NOBODY } from './identity/identity.ts';
import { createLog } from './log.ts';
import { createFrontServer } from './server.ts';
import type { FrontServer } from './server.ts';
import { createWrite } from './write.ts';

const MAX_BODY = 1000;
/** A bound, not a measure. */
const PATIENT = { timeout: 20_000 };

/** Whoever says so in `authorization` is that user; enough of an app for the way to the back and back again. */
const app: EstablishDeps['app'] = {
  user: (req) => (req.claims === null ? null : { id: String(req.claims['sub']), store: 'S1' }),
  scope: (user) => user?.id ?? '',
  reads: {},
  writes: {
    'POST /orders': {
      kind: 'fact',
      check: () => ({}),
      apply: () => undefined,
      answer: () => ({ status: 201, headers: {}, body: {} }),
    },
  },
};

let front: FrontServer;
let url: string;
let link: { state: LinkState; held: boolean; slow(): void };
let accept: (call: Call, options: AcceptOptions) => Promise<Accepted>;
let calls: { call: Call; options: AcceptOptions }[];
let delivered: number[];
let invalidated: string[];

const queued: Accepted = {
  type: 'queued',
  entry: 7,
  state: 'queued',
  answer: { status: 201, headers: { location: '/orders/1', 'content-type': 'application/json' }, body: '{"id":"1"}' },
};

beforeEach(async () => {
  link = { state: 'online', held: false, slow() {} };
  accept = async () => queued;
  [calls, delivered, invalidated] = [[], [], []];
  const forward = async ({ response }: { response: { end(text: string): unknown } }) => void response.end('forwarded');
  const write = createWrite({
    back: {
      accept(call, options) {
        calls.push({ call, options });
        return accept(call, options);
      },
      delivered: (entry) => void delivered.push(entry),
    },
    link,
    identity: NOBODY,
    forward,
    invalidate: async ({ path }, status) => void invalidated.push(`${path} ${status}`),
    patience: 800,
    maxBodyBytes: MAX_BODY,
  });
  const identify = ({ authorization }: { authorization?: string }) =>
    authorization === undefined ? null : verified({ sub: authorization });
  front = createFrontServer({
    establish: createEstablish({ app, identity: { identify }, credentialScope: () => '' }),
    read: forward,
    write,
    forward,
    forwardUpgrade: () => undefined,
    console: async () => undefined,
    observe: () => undefined,
    log: createLog('test', 'silent'),
  });
  front.server.listen(0, '127.0.0.1');
  await once(front.server, 'listening');
  url = `http://127.0.0.1:${(front.server.address() as AddressInfo).port}`;
});

afterEach(() => front.drain(0));

const JSON_FIELDS = { authorization: 'u1', 'content-type': 'application/json' };

async function order(body: string | Buffer, headers: Record<string, string> = JSON_FIELDS) {
  const answer = await request(`${url}/orders?till=3`, { method: 'POST', headers, body });
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
}

describe('a write', () => {
  test('goes to the back with its key, its user and its bytes as they are', async () => {
    await order('{ "qty": 1 }', { ...JSON_FIELDS, 'idempotency-key': 'key-1' });
    expect(calls).toEqual([
      {
        call: expect.objectContaining({
          method: 'POST',
          path: '/orders',
          search: '?till=3',
          body: '{ "qty": 1 }',
          claims: { sub: 'u1' },
          user: { id: 'u1', store: 'S1' },
          headers: expect.objectContaining({ authorization: 'u1', 'idempotency-key': 'key-1' }),
        }),
        options: { patience: 800 },
      },
    ]);
  });

  test('without a key gets one of its own each time', async () => {
    await order('{}');
    await order('{}');
    const keys = calls.map(({ call }) => call.headers['idempotency-key']);
    expect(new Set(keys).size).toBe(2);
    for (const key of keys) expect(key).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('waits for no verdict while cut off or held', async () => {
    link.state = 'offline';
    await order('{}');
    link.state = 'online';
    link.held = true;
    await order('{}');
    link.held = false;
    link.state = 'doubtful';
    await order('{}');
    expect(calls.map(({ options }) => options.patience)).toEqual([0, 0, 800]);
  });
});

describe('the answer', () => {
  test('to a queued write is a 202 with the document as it will look', async () => {
    const { status, headers, text } = await order('{}');
    expect(status).toBe(202);
    expect(headers).toMatchObject({
      'larder-entry': '7; state=queued',
      'larder-source': 'replica',
      location: '/orders/1',
    });
    expect(text).toBe('{"id":"1"}');
    expect(invalidated).toEqual(['/orders 201']);
  });

  test("of the cloud is the cloud's, and the entry's state beside it", async () => {
    const answer = { status: 201, headers: { etag: '"v1"', 'content-length': '999' }, body: '{"id":"ä"}' };
    accept = async () => ({ type: 'cloud', entry: 8, answer });
    const { status, headers, text } = await order('{}');
    expect({ status, text }).toEqual({ status: 201, text: answer.body });
    expect(headers).toMatchObject({
      etag: '"v1"',
      'content-length': '11',
      'larder-entry': '8; state=applied',
      'larder-source': 'cloud',
    });
  });

  test('of the cloud may be a refusal', async () => {
    accept = async () => ({ type: 'cloud', entry: 9, answer: { status: 409, headers: {}, body: '{}' } });
    const { status, headers } = await order('{}');
    expect({ status, entry: headers['larder-entry'] }).toEqual({ status: 409, entry: '9; state=refused' });
    await expect.poll(() => delivered, PATIENT).toEqual([9]);
  });

  test('that refuses without an entry is given as it is', async () => {
    accept = async () => ({ type: 'refused', answer: { status: 403, headers: {}, body: '{"code":"forbidden"}' } });
    const { status, headers, text } = await order('{}');
    expect({ status, text }).toEqual({ status: 403, text: '{"code":"forbidden"}' });
    expect(headers['larder-entry']).toBeUndefined();
    expect(invalidated).toEqual([]);
  });

  test('that cannot be given because the queue is full is a problem document', async () => {
    accept = () => Promise.reject(new LarderError('LARDER_QUEUE_FULL'));
    const { status, text } = await order('{}');
    expect({ status, code: JSON.parse(text).code }).toEqual({ status: 507, code: 'LARDER_QUEUE_FULL' });
  });

  test('I2: a refusal whose caller has gone is not reported as delivered', async () => {
    let refuse = (_accepted: Accepted): void => undefined;
    accept = () => new Promise((resolve) => (refuse = resolve));
    const leaving = new AbortController();
    const asked = request(`${url}/orders`, {
      method: 'POST',
      headers: JSON_FIELDS,
      body: '{}',
      signal: leaving.signal,
    });
    await expect.poll(() => calls.length, PATIENT).toBe(1);
    leaving.abort();
    await expect(asked).rejects.toThrow('aborted');
    await expect.poll(() => connectionsOf(front), PATIENT).toBe(0);
    refuse({ type: 'cloud', entry: 10, answer: { status: 409, headers: {}, body: '{}' } });
    await expect.poll(() => invalidated.length, PATIENT).toBe(1);
    expect(delivered).toEqual([]);
  });
});

const connectionsOf = ({ server }: FrontServer) =>
  new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));

describe('what is refused before the back sees it', () => {
  test.each([
    ['a key with a space', '{}', { 'idempotency-key': 'a b' }, 400, 'LARDER_KEY_INVALID'],
    ['a key beyond all size', '{}', { 'idempotency-key': 'a'.repeat(256) }, 400, 'LARDER_KEY_INVALID'],
    ['no JSON', '{', {}, 400, 'LARDER_BODY_INVALID'],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), {}, 400, 'LARDER_BODY_INVALID'],
    ['I11: a body beyond the limit', `"${'a'.repeat(MAX_BODY)}"`, {}, 413, 'LARDER_BODY_TOO_LARGE'],
  ])('%s', async (_name, body, fields, status, code) => {
    const answer = await order(body, { ...JSON_FIELDS, ...(fields as Record<string, string>) });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text).code).toBe(code);
    expect(calls).toEqual([]);
  });

  test.each(['offline', 'held'])(
    'I11: a body beyond the limit while %s: it says so and why, and nothing is kept',
    async (how) => {
      if (how === 'offline') link.state = 'offline';
      else link.held = true;
      const { status, headers, text } = await order(`"${'a'.repeat(MAX_BODY)}"`);
      expect(status).toBe(413);
      expect(headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(JSON.parse(text)).toMatchObject({
        code: 'LARDER_BODY_TOO_LARGE',
        title: 'The request is too large.',
        detail: expect.stringContaining('At most 1000 bytes are taken.'),
      });
      expect(headers['larder-entry']).toBeUndefined();
      expect({ calls, invalidated }).toEqual({ calls: [], invalidated: [] });
      // The edge goes on: what fits is taken.
      expect((await order('{}')).status).toBe(202);
    },
  );

  test('I11: a body beyond the limit that does not say so in advance', async () => {
    async function* endless() {
      for (let n = 0; n < 100; n++) yield Buffer.alloc(100, 0x20);
    }
    const answer = await request(`${url}/orders`, {
      method: 'POST',
      headers: JSON_FIELDS,
      body: Readable.from(endless()),
    });
    expect(answer.statusCode).toBe(413);
    await answer.body.dump();
  });

  test('I8: somebody who cannot be verified while cut off', async () => {
    link.state = 'offline';
    const { status, headers } = await order('{}', { 'content-type': 'application/json' });
    expect({ status, asks: headers['www-authenticate'] }).toEqual({ status: 401, asks: 'Bearer' });
  });
});

describe('what the cloud itself must judge is forwarded', () => {
  test.each([
    ['the write of somebody who cannot be verified', { 'content-type': 'application/json' }],
    ['a form', { authorization: 'u1', 'content-type': 'application/x-www-form-urlencoded' }],
    ['a compressed body', { ...JSON_FIELDS, 'content-encoding': 'gzip' }],
  ])('%s', async (_name, headers) => {
    expect((await order('{}', headers as Record<string, string>)).text).toBe('forwarded');
    expect(calls).toEqual([]);
  });
});
