import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { transaction } from '../database.ts';
import { Store } from '../store.ts';
import profile from '../test-app/profile.ts';
import type { Effect, Operation } from './overlay.ts';

let data: string;
let store: Store;
let keys = 0;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'larder-overlay-'));
  store = new Store(data, profile, 'S1', () => undefined);
});
afterEach(() => {
  store.close();
  rmSync(data, { recursive: true });
});

const [resource, id] = ['articles', 'x'];
const OPERATIONS = {
  put: { type: 'put', resource, id, doc: { id } },
  remove: { type: 'remove', resource, id },
  add: { type: 'add', resource, id, field: 'qty', by: -1, missing: null },
} satisfies Record<string, Operation>;
type Touch = keyof typeof OPERATIONS | 'name';

const effectOf = (touch: Touch): Effect => ({
  operations: touch === 'name' ? [] : [OPERATIONS[touch]],
  reads: touch === 'name' ? [{ resource, id }] : [],
  temporary: [],
});

/** Takes writes that touch the article in these ways, one after the other; returns what the last one waits for. */
function needsOfLast(...touches: Touch[]): number[] {
  return transaction(store.db, 'accept', () => touches.map(needsOf).at(-1)) ?? [];
}

function needsOf(touch: Touch): number[] {
  const { seq } = store.entries.insert({
    key: `k${(keys += 1)}`,
    user: { id: 'ann', store: 'S1' },
    route: 'POST /orders',
    kind: 'fact',
    release: 1,
    method: 'POST',
    path: '/orders',
    search: '',
    headers: {},
    body: null,
    fingerprint: '',
    at: new Date(0).toISOString(),
  });
  store.overlay.keep(seq, effectOf(touch));
  return [...store.overlay.needs(seq, effectOf(touch))].sort();
}

const put = (): boolean => store.commitAs('feed', () => store.putBase(resource, id, 1, { id, version: 1 }, 0));

describe('of an article that the base lacks', () => {
  test.each<[what: string, touches: Touch[], needs: number[]]>([
    ['what names it waits for its making', ['put', 'name'], [1]],
    ['what adds to it waits for its making', ['put', 'add'], [1]],
    ['I4: what names it does not wait for edits of it', ['put', 'put', 'put', 'name'], [1]],
    ['I4: what adds to it does not wait for edits of it', ['put', 'put', 'put', 'add'], [1]],
    ['what edits it waits for its making and for the last edit', ['put', 'put', 'put', 'put'], [1, 3]],
    ['what removes it waits for its making and for the last edit', ['put', 'put', 'remove'], [1, 2]],
    ['what names it waits for its latest making', ['put', 'remove', 'put', 'put', 'name'], [3]],
    ['what names it waits for its making, though it is removed', ['put', 'remove', 'name'], [1]],
    ['additions make nothing', ['add', 'add', 'name'], []],
  ])('I3: %s', (_what, touches, needs) => {
    expect(needsOfLast(...touches)).toEqual(needs);
  });

  test('I4: what names it waits for nothing once its making has settled, though edits of it wait', () => {
    needsOfLast('put');
    transaction(store.db, 'settle', () => {
      store.entries.move(1, 'send');
      store.entries.settle(1, 'done', 'done', null, new Date(0).toISOString());
    });
    expect(needsOfLast('put', 'name')).toEqual([]);
  });
});

describe('of an article that the base contains', () => {
  test.each<[what: string, touches: Touch[], needs: number[]]>([
    ['what names it waits for nothing', ['put', 'name'], []],
    ['what adds to it waits for nothing', ['put', 'add', 'add'], []],
    ['what edits it waits for the last edit', ['put', 'put', 'add', 'name', 'put'], [2]],
    ['what edits it waits for a removal', ['put', 'remove', 'put'], [2]],
  ])('I3, I4: %s', (_what, touches, needs) => {
    put();
    expect(needsOfLast(...touches)).toEqual(needs);
  });
});
