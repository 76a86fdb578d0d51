import { describe, expect, test } from 'vitest';
import * as fc from 'fast-check';
import type { HeaderFields } from '../cloud.ts';
import { fromCloud, toCloud } from './headers.ts';

const client = { address: '192.0.2.7', secure: true };

describe('on the way to the cloud', () => {
  test('fields of one connection end here, also those that Connection names (RFC 9110 §7.6.1)', () => {
    const headers = {
      connection: 'close, X-Hop',
      'x-hop': '1',
      te: 'trailers',
      'keep-alive': 'timeout=5',
      accept: '*/*',
    };
    expect(toCloud(headers, null)).toEqual({ accept: '*/*', via: '1.1 larder' });
  });

  test("a client's word on who it is is replaced by what the edge knows", () => {
    const headers = { host: 'store.example:8443', forwarded: 'for=10.0.0.1', 'x-forwarded-for': '10.0.0.1' };
    expect(toCloud({ ...headers, 'x-forwarded-port': '1', 'x-real-ip': '10.0.0.1' }, client)).toEqual({
      forwarded: 'for=192.0.2.7;proto=https;host="store.example:8443"',
      'x-forwarded-for': '192.0.2.7',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'store.example:8443',
      via: '1.1 larder',
    });
  });

  test('a request whose answer may be shared names nobody', () => {
    expect(toCloud({ host: 'evil.example', 'x-forwarded-host': 'evil.example' }, null)).toEqual({ via: '1.1 larder' });
    const override = { 'x-original-url': '/evil', 'x-http-method-override': 'PUT' };
    expect(toCloud(override, null)).toEqual({ via: '1.1 larder' });
    expect(toCloud(override, client)).toMatchObject(override);
  });

  test.for([
    ['::ffff:192.0.2.7', 'for=192.0.2.7;proto=http'],
    ['2001:db8::1', 'for="[2001:db8::1]";proto=http'],
  ] as const)('the address %s is written as %s (RFC 7239 §6)', ([address, forwarded]) => {
    expect(toCloud({}, { address, secure: false })['forwarded']).toBe(forwarded);
  });

  test('a host that could break out of its quotes is left out', () => {
    const { forwarded } = toCloud({ host: 'a";for=10.0.0.1' }, client);
    expect(forwarded).toBe('for=192.0.2.7;proto=https');
  });

  test('Via keeps the proxies before (RFC 9110 §7.6.3)', () => {
    expect(toCloud({ via: '1.0 fred' }, null)).toEqual({ via: '1.0 fred, 1.1 larder' });
  });
});

test('whatever Connection names never passes, in either direction', () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/).filter((each) => each !== 'connection' && each !== 'via');
  fc.assert(
    fc.property(fc.dictionary(name, fc.constant('v')), fc.array(name), (fields, named) => {
      const headers: HeaderFields = { ...fields, connection: named.join(' , ').toUpperCase() };
      for (const passed of [toCloud(headers, null), fromCloud(headers)])
        for (const each of ['connection', ...named]) expect(passed).not.toHaveProperty([each]);
    }),
  );
});
