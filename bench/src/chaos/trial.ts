/** One trial: the world begins, devices work while faults befall it, all settles, and the judge looks at what is left. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../stage/client.ts';
import { Book } from './book.ts';
import { judge, lostByEdge, nothingFound, type Findings } from './checks.ts';
import { Device } from './device.ts';
import { feedOf, gather, inboxOf, statusOf, waitingIn } from './evidence.ts';
import { befall } from './faults.ts';
import { LOOKED_AT } from './looking.ts';
import { Outbox } from './outbox.ts';
import type { Plan } from './plan.ts';
import type { Template } from './template.ts';
import { World } from './world.ts';

export interface Outcome {
  findings: Findings;
  acknowledged: number;
  reads: number;
  /** From the link's return until nothing waited any more, ms. */
  drained: number;
  /** How long each part of it took, ms. */
  phases: Record<Phase, number>;
}

/** Starting the processes; the devices' work; draining; offering again; comparing what is left. */
export const PHASES = ['start', 'work', 'drain', 'offer', 'compare'] as const;
export type Phase = (typeof PHASES)[number];

class Watch {
  readonly phases: Record<Phase, number> = { start: 0, work: 0, drain: 0, offer: 0, compare: 0 };
  #at = performance.now();

  ended(phase: Phase): void {
    const now = performance.now();
    this.phases[phase] += Math.round(now - this.#at);
    this.#at = now;
  }
}

/** Only a fault takes this long: an entry whose cloud died under it waits half a minute for its lease to run out. ms */
const DRAIN_LIMIT = 120_000;
/** A fault's hold ends even where nobody does a step, ms. */
const HOLD_LIMIT = 2500;

/** Runs a plan in a directory of its own. Rejects where the trial itself cannot be run. */
export async function runTrial(plan: Plan, template: Template, directory: string): Promise<Outcome> {
  mkdirSync(directory, { recursive: true });
  await using parts = new AsyncDisposableStack();
  const watch = new Watch();
  const database = await template.copy(directory);
  const edge = plan.fresh ? null : template.edge;
  const world = parts.adopt(await World.open({ directory, database, edge, rttMs: 20 }), (part) => part.close());
  const book = new Book(template.opening);
  if (!plan.fresh) for (const resource of LOOKED_AT) book.held.add(resource);
  watch.ended('start');
  const steps = new Steps();
  const devices = plan.devices.map(({ user, elsewhere }, at) => {
    const client = template.people[user].at(elsewhere ? world.cloudUrl : world.edgeUrl);
    return new Device({
      client,
      elsewhere,
      book,
      opening: template.products,
      user: { id: `user-${user}`, store: elsewhere ? 'S002' : 'S001' },
      outbox: new Outbox(join(directory, `device-${at}.jsonl`)),
      outages: () => world.outages,
      stepped: () => steps.done(),
    });
  });
  const work = Promise.all(devices.map((device, at) => device.run(plan.devices[at]?.steps ?? []))).finally(() =>
    steps.end(),
  );
  const faults = plan.faults.map(async ({ fault, at, hold, seed }) => {
    await steps.reach(at);
    const end = () => steps.reach(steps.count + hold, HOLD_LIMIT);
    await befall(fault, seed, { world, book, devices, hold: end });
  });
  await Promise.all([work, ...faults]);
  watch.ended('work');
  // Awaited here, or all would be ended first.
  return await settleAndJudge({ world, book, devices, template, watch });
}

interface Aftermath {
  world: World;
  book: Book;
  devices: readonly Device[];
  template: Template;
  watch: Watch;
}

async function settleAndJudge({ world, book, devices, template, watch }: Aftermath): Promise<Outcome> {
  await world.link.set('up');
  const figures = () => ({ acknowledged: book.acknowledged.length, reads: book.reads, phases: watch.phases });
  const lost: string[] = [];
  let drained = 0;
  try {
    // Nobody writes, nobody asks: it drains by itself (I5).
    drained = await drain(world);
    watch.ended('drain');
    const changes = await feedOf(world.cloudUrl, 'S001', template.cursor);
    lost.push(...lostByEdge(book, { changes, inbox: inboxOf(world.edgeData) }));
    await offerAgain(devices);
    await drain(world);
    watch.ended('offer');
  } catch (error) {
    const status = JSON.stringify(await statusOf(world));
    const stuck = [`${String(error)}: ${JSON.stringify(waitingIn(world.edgeData))}; the edge says ${status}`];
    return { findings: { ...nothingFound(), lost, stuck }, ...figures(), drained: DRAIN_LIMIT };
  }
  const findings = judge(book, await gather(world, template));
  findings.lost.push(...lost);
  watch.ended('compare');
  return { findings, ...figures(), drained };
}

/** Until nothing waits, nothing is only in the overlay, and the replica follows the cloud. */
const drain = (world: World) =>
  until(
    'all is settled and in the base',
    async () => {
      const status = await statusOf(world);
      return status !== null && status.replica.complete && status.replica.feed.live && settledOn(world.edgeData);
    },
    DRAIN_LIMIT,
  );

const settledOn = (data: string) => waitingIn(data).length === 0;

/** What has no final word yet is offered under its key until it has. */
async function offerAgain(devices: readonly Device[]): Promise<void> {
  await until(
    'every device has heard what became of what it wrote',
    async () => {
      await Promise.all(devices.map((device) => device.offerAll()));
      return devices.every(({ outbox }) => outbox.offers.length === 0);
    },
    DRAIN_LIMIT,
  );
}

/** Steps done by all devices together: the time in which faults are planned. */
class Steps {
  count = 0;
  #ended = false;
  #waiting: { at: number; resolve(): void }[] = [];

  done(): void {
    this.count += 1;
    this.#wake();
  }

  /** Nobody does a step any more: what waits for one has waited long enough. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  reach(at: number, limit: number | null = null): Promise<void> {
    return new Promise((resolve) => {
      const timer = limit === null ? undefined : setTimeout(resolve, limit);
      this.#waiting.push({
        at,
        resolve() {
          clearTimeout(timer);
          resolve();
        },
      });
      this.#wake();
    });
  }

  #wake(): void {
    const due = (at: number) => this.#ended || at <= this.count;
    for (const { at, resolve } of this.#waiting) if (due(at)) resolve();
    this.#waiting = this.#waiting.filter(({ at }) => !due(at));
  }
}
