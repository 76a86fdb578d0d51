import { describe, expect, test } from 'vitest';
import type { EdgeStatus } from '../net/edge-status.ts';
import { en } from '../words/en.ts';
import { timesOf } from '../words/times.ts';
import { stripOf } from './strip-words.ts';

const times = timesOf('en-GB', en);

const edge = (link: object = {}, queue: object = {}, replica: object = {}): EdgeStatus => ({
  link: { state: 'online', held: false, ...link },
  queue: { length: 0, inbox: 0, ...queue },
  replica: { complete: true, feed: { asOf: '2026-07-01T10:30:00.000Z' }, ...replica },
  people: null,
});

describe('The strip', () => {
  test('says that all is well', () => {
    expect(stripOf(edge(), 0, en, times)).toEqual({
      tone: 'calm',
      text: 'Connected. Everything is in the cloud',
      waiting: '',
      attention: '',
    });
  });

  test('says while the link is cut what is shown and what waits, in the store and on this device', () => {
    expect(stripOf(edge({ state: 'offline' }, { length: 14 }), 2, en, times)).toMatchObject({
      tone: 'warn',
      text: expect.stringMatching(/^Working from this store’s copy, as of .*\d\d:\d\d/),
      waiting: '16 changes waiting',
    });
  });

  test.each([
    ['none', 'calm', 'Direct to the cloud'],
    ['silent', 'warn', 'No connection in this spot. What you record is kept on this device'],
    [undefined, 'busy', 'Looking for the connection…'],
    [edge({ state: 'doubtful' }), 'busy', 'Checking the connection…'],
    [edge({}, {}, { complete: false }), 'busy', 'Fetching this store’s copy…'],
    [edge({ state: 'offline' }, {}, { complete: false }), 'alarm', en.strip.incompleteOffline],
  ] as const)('of %o is %s: %s', (given, tone, text) => {
    expect(stripOf(given, 0, en, times)).toMatchObject({ tone, text });
  });

  test('says what only this device has, where nobody answers', () => {
    expect(stripOf('silent', 1, en, times)).toMatchObject({ waiting: '1 change only on this device' });
  });

  test('counts one change as one', () => {
    expect(stripOf(edge({}, { length: 1, inbox: 1 }), 0, en, times)).toMatchObject({
      waiting: 'Sending 1 change',
      attention: '1 change needs a manager',
    });
  });
});
