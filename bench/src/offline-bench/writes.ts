/** Sales from many tills at once, and what the disk beneath them takes for one fsync. */
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { API } from '../../../inventory-app/rules/resources.ts';
import type { Caller } from './caller.ts';
import { figuresOf, type Figures } from './figures.ts';
import { randomOf, whole } from './random.ts';
import { productId, SHOP_STORE, type ShopSize } from './shop.ts';

export interface WriteFigures extends Figures {
  perSecond: number;
  /** Answers that did not have the status that was expected. */
  odd: number;
}

export interface Selling {
  /** Origin that takes the sales. */
  at: string;
  size: ShopSize;
  writers: number;
  count: number;
  /** 202 from an edge that is cut off, 201 from the cloud. */
  expected: number;
}

/** `count` sales, none of which has to do with another, by `writers` who each wait for their answer. */
export async function sell(caller: Caller, { at, size, writers, count, expected }: Selling): Promise<WriteFigures> {
  const random = randomOf(3);
  const times: number[] = [];
  let [left, odd] = [count, 0];
  const writer = async () => {
    while (left > 0) {
      left -= 1;
      const { status, ms } = await caller.post(`${at}${API}/sales`, randomUUID(), saleOf(size, random));
      if (status === expected) times.push(ms);
      else odd += 1;
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: writers }, writer));
  return { ...figuresOf(times), perSecond: (count * 1000) / (performance.now() - started), odd };
}

export interface Rate {
  perSecond: number;
  count: number;
}

/**
 * Sales that come at a constant rate, whether or not those before them have been answered. Each is timed from the moment at
 * which it was to be sent, so that a stall counts for all who come into it.
 */
export async function sellSteadily(
  caller: Caller,
  { at, size, expected }: Pick<Selling, 'at' | 'size' | 'expected'>,
  { perSecond, count }: Rate,
): Promise<WriteFigures> {
  const random = randomOf(4);
  const times: number[] = [];
  let odd = 0;
  const started = performance.now();
  const sale = async (nth: number) => {
    const intended = started + (nth * 1000) / perSecond;
    await sleep(Math.max(0, intended - performance.now()));
    const { status } = await caller.post(`${at}${API}/sales`, randomUUID(), saleOf(size, random));
    if (status === expected) times.push(performance.now() - intended);
    else odd += 1;
  };
  await Promise.all(Array.from({ length: count }, (_, nth) => sale(nth)));
  return { ...figuresOf(times), perSecond: (count * 1000) / (performance.now() - started), odd };
}

function saleOf({ products }: ShopSize, random: () => number): object {
  const line = () => ({ productId: productId(whole(random, 0, products - 1)), qty: 1, unitPrice: 250 });
  return { storeId: SHOP_STORE, till: '1', lines: Array.from({ length: whole(random, 1, 3) }, line) };
}

const PAGE = 4096;
const ROUNDS = 200;

/** What appending a page and an fsync take on the disk of this directory, ms. */
export function measureFsync(directory: string): Figures {
  const path = join(directory, `fsync-${process.pid}`);
  const file = openSync(path, 'w');
  const page = Buffer.alloc(PAGE, 1);
  try {
    const times = Array.from({ length: ROUNDS }, () => {
      writeSync(file, page);
      const started = performance.now();
      fsyncSync(file);
      return performance.now() - started;
    });
    return figuresOf(times);
  } finally {
    closeSync(file);
    rmSync(path, { force: true });
  }
}
