import { expect, test } from 'vitest';
import { Watchdog } from './watchdog.ts';

/** A watchdog with a limit of 10, over an entry and a reason that the test sets. */
function watch() {
  const world = {
    entry: 1 as number | null,
    reason: 'because' as string | null,
    time: 0,
    alarms: [] as unknown[],
    kicks: 0,
  };
  const watchdog = new Watchdog({
    oldest: () => (world.entry === null ? null : { seq: world.entry, route: 'r', state: 'queued', attempts: 3 }),
    reason: () => world.reason,
    limit: 10,
    uptime: () => world.time,
    alarm: (_message, detail) => world.alarms.push(detail),
    kick: () => (world.kicks += 1),
  });
  return {
    world,
    watchdog,
    at(time: number) {
      world.time = time;
      watchdog.look();
    },
  };
}

test('I5: what could be sent and has not settled is said once per limit, with the reason, and tried anew', () => {
  const { world, watchdog, at } = watch();
  for (const time of [0, 5, 9]) at(time);
  expect([world.alarms, world.kicks, watchdog.stalled]).toEqual([[], 0, null]);
  for (const time of [10, 11, 19]) at(time);
  expect(world.alarms).toMatchObject([{ entry: 1, reason: 'because', seconds: 0 }]);
  at(20);
  expect([world.alarms.length, world.kicks, watchdog.stalled]).toEqual([2, 2, 'because']);
});

test('I5: one that settles makes place for the next, whose time begins then', () => {
  const { world, watchdog, at } = watch();
  at(0);
  at(10);
  world.entry = 2;
  at(15);
  expect(watchdog.stalled).toBeNull();
  at(24);
  expect(world.alarms).toHaveLength(1);
  at(25);
  expect(world.alarms).toHaveLength(2);
});

test('while nothing can be sent, nothing is expected to move', () => {
  const { world, watchdog, at } = watch();
  at(0);
  world.reason = null;
  at(100);
  world.reason = 'because';
  at(105);
  expect(world.alarms).toEqual([]);
  world.entry = null;
  at(200);
  expect([world.alarms, watchdog.stalled]).toEqual([[], null]);
});
