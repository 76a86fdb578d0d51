import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seal, unseal } from './seal.ts';
import { until, useEdge } from './test-app/edge.ts';

test('I8: what is sealed opens with the same key and label, and with nothing else, nor with a bit changed', () => {
  const [key, other] = [randomBytes(32), randomBytes(32)];
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.nat(), fc.integer({ min: 0, max: 7 }), (label, text, at, bit) => {
      const sealed = seal(key, label, text);
      expect(unseal(key, label, sealed)).toBe(text);
      expect(unseal(other, label, sealed)).toBe(null);
      expect(unseal(key, `${label}.`, sealed)).toBe(null);
      const changed = Uint8Array.from(sealed);
      changed[at % changed.length] = (changed[at % changed.length] ?? 0) ^ (1 << bit);
      expect(unseal(key, label, changed)).toBe(null);
      expect(unseal(key, label, sealed.subarray(0, at % sealed.length))).toBe(null);
    }),
  );
});

describe('a box', () => {
  const edge = useEdge();

  /** How often it was tried to send what waits. */
  function attempts(): number {
    const db = new DatabaseSync(join(edge.data, 'edge.db'), { readOnly: true });
    const row = db.prepare('SELECT attempts FROM entry').get();
    db.close();
    return Number(row?.['attempts']);
  }

  test('I8: no credential stands in the data directory, and with another key a start has none to send with', async () => {
    await edge.open({ credential: null });
    await edge.call('POST', '/orders', { article: 'a', qty: 1 }, 'k1', { user: 'ann#secret-token' });
    await edge.back.stop();
    for (const name of readdirSync(edge.data)) {
      const file = readFileSync(join(edge.data, name));
      expect([name, file.includes('secret-token')]).toEqual([name, false]);
    }
    await edge.open({ credential: null, sealKey: new Uint8Array(32).fill(8) });
    edge.back.link('online', false);
    await until('it was looked at', () => attempts() > 0);
    expect(edge.cloud.arrived).toEqual([]);
    // Whoever signs in again brings it.
    edge.back.signedIn('ann', 'Bearer ann#secret-token', {});
    await until('it is there', () => edge.cloud.orders.size === 1);
  });
});
