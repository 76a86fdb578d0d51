import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Store } from '../store.ts';
import profile from '../test-app/profile.ts';

test('a new entry is what its row says, before its first run and after', () => {
  const data = mkdtempSync(join(tmpdir(), 'larder-entries-'));
  const store = new Store(data, profile, 'S1', () => undefined);
  const entry = store.entries.insert({
    key: 'k1',
    user: { id: 'ann', store: 'S1' },
    route: 'POST /articles',
    kind: 'proposal',
    release: 1,
    method: 'POST',
    path: '/articles',
    search: '?a=1',
    headers: { accept: '*/*' },
    body: '{"name":"new one"}',
    fingerprint: 'f',
    at: new Date(0).toISOString(),
  });
  expect(store.entries.get(entry.seq)).toEqual(entry);
  const run = store.rebase.first(entry);
  expect(run.temporary).toHaveLength(1);
  expect(store.entries.get(entry.seq)).toEqual(run);
  store.close();
  rmSync(data, { recursive: true });
});
