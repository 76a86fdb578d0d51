import { beforeEach, expect, test } from 'vitest';
import { Limits } from './limits.ts';

let waiting: { count: number; bytes: number };
let free: number;
let time: number;
let looked: number;

beforeEach(() => {
  waiting = { count: 0, bytes: 0 };
  [free, time, looked] = [1_000_000, 0, 0];
});

function limits(changes: { maxQueue?: number; maxQueueBytes?: number; minFreeBytes?: number }): Limits {
  return new Limits({
    entries: { openSize: () => waiting },
    maxQueue: 1000,
    maxQueueBytes: 1_000_000,
    minFreeBytes: 0,
    free() {
      looked += 1;
      return free;
    },
    uptime: () => time,
    ...changes,
  });
}

test('I11: so many writes may wait, those that came in since the last count included', () => {
  const queue = limits({ maxQueue: 2 });
  queue.admit(10);
  waiting = { count: 1, bytes: 10 };
  queue.admit(10);
  waiting = { count: 2, bytes: 20 };
  expect(() => queue.admit(10)).toThrow(expect.objectContaining({ code: 'LARDER_QUEUE_FULL' }));
  waiting = { count: 1, bytes: 10 };
  queue.admit(10);
});

test('I11: so many bytes may wait', () => {
  const queue = limits({ maxQueueBytes: 100 });
  queue.admit(60);
  waiting = { count: 1, bytes: 60 };
  expect(() => queue.admit(41)).toThrow(expect.objectContaining({ code: 'LARDER_QUEUE_FULL' }));
  queue.admit(40);
});

test('I11: so much of the disk stays free, long before it is full', () => {
  const queue = limits({ minFreeBytes: 1_000_000 });
  expect(() => queue.admit(1)).toThrow(expect.objectContaining({ code: 'LARDER_DISK_LOW' }));
  free = 1_000_001;
  queue.admit(1);
});

test('counts, and asks the disk, now and then only', () => {
  const queue = limits({});
  for (let n = 0; n < 500; n += 1) {
    time += 1;
    queue.admit(1);
  }
  expect(looked).toBe(1);
  time += 2;
  queue.admit(1);
  expect(looked).toBe(2);
});
