/** What brings an edge past each of its crash points: the shortest piece of a store's day that does. */
import { randomUUID } from 'node:crypto';
import type { CrashPoint } from '../../../sync/src/crash-point.ts';
import type { BackStep } from '../../../sync/src/test-app/back-steps.ts';
import type { Link } from '../link-simulator/link.ts';
import type { Client } from '../stage/client.ts';
import type { Offer } from './outbox.ts';

export interface CrashStage {
  /** At the edge that is going to die. */
  clerk: Client;
  manager: Client;
  /** In another store, straight at the cloud. */
  elsewhere: Client;
  link: Link;
  /** Offers a write, and remembers it; null: no answer came. */
  offer(client: Client, write: Omit<Offer, 'key'>, key?: string): Promise<number | null>;
  /** Waits until the edge has done what was asked, or has died. */
  untilSettled(): Promise<void>;
  untilOffline(): Promise<void>;
  /** The operator says that the cloud's history was replaced. */
  newEpoch(): Promise<void>;
  /** A person gives up all that lies in the inbox. */
  discardAll(): Promise<void>;
  /** A product that nobody has sold. */
  product: string;
}

type Day = (stage: CrashStage) => Promise<void>;

const saleOf = (product: string): Omit<Offer, 'key'> => {
  const now = new Date().toISOString();
  const stated = { id: randomUUID(), occurredAt: now, businessDate: now.slice(0, 10) };
  const lines = [{ productId: product, qty: 1, unitPrice: 100 }];
  return { method: 'POST', path: '/sales', body: { ...stated, number: `C-${stated.id}`, storeId: 'S001', lines } };
};

const sell: Day = async ({ clerk, offer, product, untilSettled }) => {
  await offer(clerk, saleOf(product));
  await untilSettled();
};

/** The edge starts with nothing: that alone is the day. */
const bootstrap: Day = async () => {};

const sellCutOff: Day = async (stage) => {
  await stage.link.set('down');
  await stage.untilOffline();
  await stage.offer(stage.clerk, saleOf(stage.product));
  // A delay is what the link's return ends: one sending that comes to nothing gives it one.
  await stage.link.set('reset-request');
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await stage.link.set('up');
  await stage.untilSettled();
};

/** The answer breaks off: nobody knows what became of it, and it is asked for again. */
const sellIntoDoubt: Day = async (stage) => {
  await stage.link.set('reset');
  await stage.offer(stage.clerk, saleOf(stage.product));
  await stage.link.set('up');
  await stage.untilSettled();
};

/** Edits that wait for each other: each one's arrival in the base has the next ones run again. */
const editInARow: Day = async (stage) => {
  await stage.link.set('down');
  await stage.untilOffline();
  for (let n = 1; n <= 6; n += 1)
    await stage.offer(stage.manager, { method: 'PATCH', path: `/products/${stage.product}`, body: { price: 100 + n } });
  await stage.link.set('up');
  await stage.untilSettled();
};

/** Sold in another store only, so that the cloud alone knows that it cannot be deleted. */
const beRefused: Day = async (stage) => {
  const id = await soldElsewhere(stage);
  await stage.offer(stage.manager, { method: 'DELETE', path: `/products/${id}`, body: undefined });
  await stage.untilSettled();
};

/** The same after a 202: it lies in the inbox, and somebody sees to it. */
const giveUp: Day = async (stage) => {
  const id = await soldElsewhere(stage);
  await stage.link.set('down');
  await stage.untilOffline();
  await stage.offer(stage.manager, { method: 'DELETE', path: `/products/${id}`, body: undefined });
  await stage.link.set('up');
  await stage.untilSettled();
  await stage.discardAll();
};

async function soldElsewhere(stage: CrashStage): Promise<string> {
  const id = randomUUID();
  await stage.elsewhere.write('POST', '/products', { id, sku: id, name: 'Elsewhere', price: 1 });
  await stage.elsewhere.write('POST', '/sales', { storeId: 'S002', lines: [{ productId: id, qty: 1, unitPrice: 1 }] });
  const known = async () => (await stage.manager.get(`/products/${id}`).catch(() => null))?.status === 200;
  while (!(await known())) await new Promise((resolve) => setTimeout(resolve, 50));
  return id;
}

/** The device had offered it to the cloud itself: its marker lies behind the edge's cursor. */
const sellTwice: Day = async (stage) => {
  const [sale, key] = [saleOf(stage.product), randomUUID()];
  const number = (sale.body as { id: string }).id;
  await stage.offer(stage.clerk.at(stage.elsewhere.base), sale, key);
  const known = async () => (await stage.clerk.get(`/sales/${number}`).catch(() => null))?.status === 200;
  while (!(await known())) await new Promise((resolve) => setTimeout(resolve, 50));
  // Past the page that brought it.
  await stage.offer(stage.clerk, saleOf(stage.product));
  await stage.offer(stage.clerk, sale, key);
  await stage.untilSettled();
};

const loseHistory: Day = async (stage) => {
  await stage.newEpoch();
  await stage.untilSettled();
};

/** The clock is off, which the first answer says: `clockFor`. By the hour it tidies up, some seconds later. */
const wait: Day = ({ untilSettled }) => untilSettled();

/**
 * Killed by sync's own tests: crash-steps.test.ts; a new release by replica/rebuild.test.ts; copies of a box by
 * boxes.test.ts.
 */
type Unreached = `${BackStep | 'rebuild' | 'rebuilt' | 'cleared' | 'box'}:${'uncommitted' | 'committed'}`;

/** Every point has a day that reaches it: one without does not compile. */
export const DAYS: Record<Exclude<CrashPoint, Unreached>, Day> = {
  'accept:uncommitted': sell,
  'accept:committed': sell,
  'send:uncommitted': sell,
  'send:committed': sell,
  answered: sell,
  'settle:uncommitted': sell,
  'settle:committed': sell,
  'feed:uncommitted': sell,
  'feed:committed': sell,
  'hurry:uncommitted': sellCutOff,
  'hurry:committed': sellCutOff,
  'retry:uncommitted': sellIntoDoubt,
  'retry:committed': sellIntoDoubt,
  rebase: editInARow,
  'heard:uncommitted': beRefused,
  'heard:committed': beRefused,
  'inbox:uncommitted': giveUp,
  'inbox:committed': giveUp,
  'contained:uncommitted': sellTwice,
  'contained:committed': sellTwice,
  'restored:uncommitted': loseHistory,
  'restored:committed': loseHistory,
  'clock:uncommitted': wait,
  'clock:committed': wait,
  'tidied:uncommitted': sell,
  'tidied:committed': sell,
  'walk-begun:uncommitted': bootstrap,
  'walk-begun:committed': bootstrap,
  'walk-cursor:uncommitted': bootstrap,
  'walk-cursor:committed': bootstrap,
  'walk-page:uncommitted': bootstrap,
  'walk-page:committed': bootstrap,
  'walk-ended:uncommitted': bootstrap,
  'walk-ended:committed': bootstrap,
  'complete:uncommitted': bootstrap,
  'complete:committed': bootstrap,
};

export type ReachedPoint = keyof typeof DAYS;
export const REACHED = Object.keys(DAYS) as ReachedPoint[];

const MINUTE = 60_000;
/** Past each hour, in minutes, of what the edge does by the hour; and how long a day before that may take, ms. */
const TIDIES_AT = 17;
const BEFOREHAND = 20_000;

/** How far the clock of the edge that dies is off, ms: far enough to be learnt, or just before it tidies up. */
export function clockFor(point: ReachedPoint, now: Date): number {
  if (point.startsWith('clock:')) return 3 * 60 * MINUTE;
  if (!point.startsWith('tidied:')) return 0;
  const next = new Date(now);
  next.setMinutes(TIDIES_AT, 0, 0);
  return next.getTime() - BEFOREHAND - now.getTime();
}

/** Does the edge begin with nothing on this day? */
export const isFresh = (point: ReachedPoint): boolean => DAYS[point] === bootstrap;
