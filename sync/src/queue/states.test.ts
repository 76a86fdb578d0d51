import { describe, expect, test } from 'vitest';
import type { EntryState } from '../client.ts';
import { isSettled, next, TRANSITIONS, type EntryEvent } from './states.ts';

const states = Object.keys(TRANSITIONS) as EntryState[];
const events = Object.keys(TRANSITIONS.queued) as EntryEvent[];

describe('the states of an entry', () => {
  test('I2: what is settled stays settled, but for a refused one that a person gives up and a cloud that was restored', () => {
    for (const state of states.filter(isSettled))
      for (const event of events) {
        const to = TRANSITIONS[state][event];
        if (to === null || to === state) continue;
        expect(['refused discard discarded', 'applied restored unknown']).toContain(`${state} ${event} ${to}`);
      }
  });

  test('I2: what was being sent when the process ended is of unknown outcome', () => {
    expect(next('sending', 'restart')).toBe('unknown');
  });

  test('I2: only a request of which no byte left, or that was throttled, goes back into the queue from sending', () => {
    const back = events.filter((event) => TRANSITIONS.sending[event] === 'queued');
    expect(back).toEqual(['not-sent', 'throttled']);
  });

  test('I5: from every state that is not settled, a settled one can be reached', () => {
    const reach = (state: EntryState, seen = new Set<EntryState>()): boolean => {
      if (isSettled(state)) return true;
      if (seen.has(state)) return false;
      seen.add(state);
      return events.some((event) => {
        const to = TRANSITIONS[state][event];
        return to !== null && reach(to, seen);
      });
    };
    for (const state of states) expect([state, reach(state)]).toEqual([state, true]);
  });

  test('I2: what another copy of the box may have sent is of unknown outcome, unless the cloud has said what became of it', () => {
    const after = (['queued', 'unknown', 'sending', 'applied', 'refused', 'discarded'] as const).map(
      (state) => TRANSITIONS[state].forked,
    );
    expect(after).toEqual(['unknown', 'unknown', null, 'applied', 'refused', 'discarded']);
  });

  test('what cannot happen is a fault that is said', () => {
    expect(() => next('queued', 'done')).toThrow('an entry that is queued cannot meet "done"');
  });
});
