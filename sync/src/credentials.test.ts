import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Credentials } from './credentials.ts';
import { Store } from './store.ts';
import profile from './test-app/profile.ts';

const ENTRY = { kind: 'proposal', user: { id: 'ann', store: 'S1' } } as const;

let data: string;
let store: Store;
let credentials: Credentials;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'larder-credentials-'));
  store = new Store(data, profile, 'S1', () => undefined);
  credentials = new Credentials(store.db, new Uint8Array(32), null);
});
afterEach(() => {
  store.close();
  rmSync(data, { recursive: true });
});

const rememberIn = (authorization: string) => credentials.remember('ann', authorization, null);
const remember = (authorization: string) => store.commitAs('signed-in', () => rememberIn(authorization));
const sentWith = () => credentials.identity(ENTRY, 0)?.authorization ?? null;

test('the latest credential of a user is the one in use, however often those before were read', () => {
  expect([remember('one'), sentWith(), remember('one'), sentWith()]).toEqual([true, 'one', false, 'one']);
  expect([remember('two'), sentWith(), remember('two'), sentWith()]).toEqual([true, 'two', false, 'two']);
  expect([remember('one'), sentWith()]).toEqual([true, 'one']);
});

test('I12: a credential whose transaction was taken back is news the next time', () => {
  remember('one');
  const takenBack = () =>
    store.commitAs('signed-in', () => {
      expect([rememberIn('two'), sentWith()]).toEqual([true, 'two']);
      throw new Error('taken back');
    });
  expect(takenBack).toThrow('taken back');
  expect([sentWith(), remember('two'), sentWith()]).toEqual(['one', true, 'two']);
});
