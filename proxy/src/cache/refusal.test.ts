import { expect, test } from 'vitest';
import type { HeaderFields } from '../cloud.ts';
import { store, whyNotStored } from './policy.ts';
import type { Fetched, Refusal } from './policy.ts';

const NOW = Date.parse('2026-11-21T06:00:00Z');
const cc = (value: string): HeaderFields => ({ 'cache-control': value });

type Asked = Partial<Fetched['request']> & { status?: number };
const cases: [Refusal, HeaderFields, Asked][] = [
  ['request', cc('max-age=60'), { headers: { range: 'bytes=0-1' } }],
  ['request-no-store', cc('max-age=60'), { headers: { 'cache-control': 'no-store' } }],
  ['status', cc('max-age=60'), { status: 206 }],
  ['status', cc('max-age=60, must-understand'), { status: 299 }],
  ['event-stream', { ...cc('max-age=60'), 'content-type': 'text/event-stream' }, {}],
  ['no-store', cc('no-store, max-age=60'), {}],
  ['no-freshness', {}, { status: 500 }],
  ['vary', { ...cc('max-age=60'), vary: '*' }, {}],
  ['tags', { ...cc('max-age=60'), 'cache-tag': 'x'.repeat(257) }, {}],
  ['private', cc('private, max-age=60'), {}],
  ['credential', cc('max-age=60'), { headers: { authorization: 'Bearer x' } }],
  ['set-cookie', { 'set-cookie': 'a=1' }, {}],
  ['no-use', cc('no-cache'), {}],
];

test.each(cases)('%s is why %j is not stored', (refusal, headers, { status = 200, ...request }) => {
  const fetched: Fetched = {
    request: { method: 'GET', uri: '/a', headers: {}, scope: '', ...request },
    response: { status, headers },
    rule: null,
    times: { requested: NOW, received: NOW },
    tags: [],
    sequence: 0,
  };
  expect(store(fetched)).toBeNull();
  expect(whyNotStored(fetched)).toBe(refusal);
});
