import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Back } from './back.ts';
import type { FromWriter } from './messages.ts';
import type { App, Doc } from './profile.ts';
import { Slices } from './slices.ts';
import { Noted } from './store.ts';
import { TestCloud } from './test-app/cloud.ts';
import { until } from './test-app/edge.ts';
import profile from './test-app/profile.ts';

const SLICE = 10;
/** What a slice takes up before it looks again at what it costs. */
const FIRST = SLICE / 2;

/** Slices over a clock that work itself moves on: each unit costs so much, and again so much when views are settled. */
function sliced(each: number, settling: number, fixed: number) {
  const commits: { cost: number; done: number[]; ended: boolean }[] = [];
  let spent = 0;
  let turns = 0;
  const latest = () => {
    const commit = commits.at(-1);
    if (commit === undefined) throw new Error('there was no commit');
    return commit;
  };
  const slices = new Slices({
    store: {
      commitAs<T>(_step: string, work: (noted: Noted) => T): T {
        const begun = spent;
        commits.push({ cost: 0, done: [], ended: false });
        const value = work(new Noted());
        const commit = latest();
        spent += fixed + settling * commit.done.length;
        commit.cost = spent - begun;
        return value;
      },
    },
    spent: () => spent,
    turn: () => Promise.resolve(void (turns += 1)),
  });
  const run = (count: number) =>
    slices.commit(
      'feed',
      Array.from({ length: count }, (_, at) => at),
      (unit) => {
        spent += each;
        latest().done.push(unit);
      },
      () => void (latest().ended = true),
    );
  return { run, commits, turns: () => turns };
}

describe('bulk work', () => {
  const costs = fc.double({ min: 0.001, max: 20, noNaN: true });

  test('is done once each, in order, with a turn for others between any two commits, and its end in the last one', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(200), costs, costs, costs, async (count, each, settling, fixed) => {
        const { run, commits, turns } = sliced(each, settling, fixed);
        await run(count);
        expect(commits.flatMap(({ done }) => done)).toEqual(Array.from({ length: count }, (_, at) => at));
        expect(turns()).toBe(commits.length - 1);
        expect(commits.map(({ ended }) => ended)).toEqual(commits.map((_, at) => at === commits.length - 1));
      }),
    );
  });

  test('is committed every 10 ms, as soon as it is known what bringing the views in line costs', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0.01, max: 0.5, noNaN: true }),
        fc.integer({ min: 0, max: 6 }),
        async (each, times) => {
          const { run, commits } = sliced(each, each * times, 0);
          await run(2000);
          const longest = Math.max(...commits.slice(1).map(({ cost }) => cost));
          expect(longest).toBeLessThan(SLICE + each * (times + 1) + 0.001);
          expect(commits[0]?.cost).toBeLessThan((FIRST + each) * (times + 1) + 0.001);
        },
      ),
    );
  });

  test('goes on where each commit costs more than a slice may', async () => {
    const { run, commits } = sliced(0.1, 0, 50);
    await run(1000);
    expect(Math.min(...commits.slice(0, -1).map(({ done }) => done.length))).toBeGreaterThanOrEqual(10);
  });
});

describe('a page of the feed', () => {
  const MANY = 4000;
  const ids = Array.from({ length: MANY }, (_, at) => `x${String(at).padStart(5, '0')}`);
  const order = (key: string) => ({
    type: 'accept' as const,
    id: 1,
    options: { patience: 0 },
    call: {
      method: 'POST',
      path: '/orders',
      search: '',
      headers: { authorization: 'Bearer ann', 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify({ article: 'x00000', qty: 1 }),
      claims: { sub: 'ann' },
      user: { id: 'ann', store: 'S1' },
    },
  });
  let cloud: TestCloud;
  let data: string;
  let back: Back;
  let posted: FromWriter[];
  let onPost: (message: FromWriter) => void;

  beforeEach(async () => {
    cloud = new TestCloud();
    data = mkdtempSync(join(tmpdir(), 'larder-slices-'));
    await open(await cloud.listen());
    await until('the feed is live', () => latestStatus()?.replica.feed.live === true);
  });
  afterEach(async () => {
    await stop();
    await cloud.close();
    rmSync(data, { recursive: true });
  });

  let origin: URL;
  /** The writer's part in this thread, so that a message can come in at a moment that the test chooses. */
  async function open(at: URL): Promise<void> {
    origin = at;
    posted = [];
    onPost = () => undefined;
    const options = {
      data,
      profile: null,
      cloud: at.href,
      store: 'S1',
      credential: 'Bearer edge',
      sealKey: new Uint8Array(32).fill(7),
      maxQueue: 1000,
      maxQueueBytes: 100_000_000,
      minFreeBytes: 0,
      stallAfter: 60_000,
      keepSettled: 0,
      connectTimeout: 500,
      answerTimeout: 5000,
      auditSchedule: null,
    };
    back = new Back(options, profile as unknown as App, (message) => {
      posted.push(message);
      onPost(message);
    });
    back.receive({ type: 'link', state: 'online', held: false, contact: 1 });
  }
  async function stop(): Promise<void> {
    back.receive({ type: 'stop' });
    await until('it has stopped', () => posted.some(({ type }) => type === 'stopped'));
  }
  const latestStatus = () => posted.findLast((message) => message.type === 'status')?.status;
  const bumps = () => posted.filter((message) => message.type === 'bump').map(({ bump }) => bump);
  const isChange = ({ tags }: { tags: string[] }) => tags.some((tag) => tag.startsWith('articles/x'));
  const publish = (fields: Doc) => cloud.setArticles(ids.map((id) => ({ id, fields })));
  const last = `articles/${ids.at(-1)}`;
  const allIn = () => until('the page is in', () => bumps().some(({ tags }) => tags.includes(last)));

  const moments: [string, (come: () => void) => void][] = [
    ['during a slice', (come) => come()],
    // Between two, as messages do.
    ['between two slices', (come) => void setTimeout(come, 0)],
  ];
  test.each(moments)('holds up no write that comes in %s for longer than that', async (_when, wait) => {
    let seen = 0;
    onPost = (message) => {
      if (message.type !== 'bump' || !isChange(message.bump)) return;
      onPost = () => undefined;
      wait(() => {
        seen = posted.length;
        back.receive(order('k1'));
      });
    };
    publish({ name: 'x', qty: 100 });
    await allIn();
    const kinds = posted.slice(seen).flatMap((message): string[] => {
      if (message.type === 'accepted') return ['answer'];
      if (message.type !== 'bump') return [];
      return [message.bump.opened.length > 0 ? 'write' : 'slice'];
    });
    expect(kinds.slice(0, 3)).toEqual(['write', 'answer', 'slice']);
  });

  test('shows nobody half of what one transaction of the cloud did', async () => {
    publish({ name: 'x', qty: 100 });
    await allIn();
    cloud.feedHeld = true;
    posted = [];
    for (const [at, article] of ids.entries())
      cloud.writeDirectly('POST', '/orders', { id: `o-${article}`, article, qty: 1 }, { user: 'eve', key: `k${at}` });
    cloud.feedHeld = false;
    await allIn();
    const slices = bumps().filter(isChange);
    expect(slices.length).toBeGreaterThan(1);
    for (const { tags } of slices) {
      const articles = tags.filter((tag) => tag.startsWith('articles/')).map((tag) => tag.slice('articles/'.length));
      const orders = tags.filter((tag) => tag.startsWith('orders/')).map((tag) => tag.slice('orders/o-'.length));
      expect(orders).toEqual(articles);
    }
  });

  test('I12: that was cut in the middle is asked for again', async () => {
    onPost = (message) => {
      if (message.type !== 'bump' || !isChange(message.bump)) return;
      onPost = () => undefined;
      back.receive({ type: 'stop' });
    };
    publish({ name: 'x', qty: 100 });
    await until('it has stopped', () => posted.some(({ type }) => type === 'stopped'));
    expect(bumps().some(({ tags }) => tags.includes(last))).toBe(false);
    await open(origin);
    await allIn();
    await until('all are counted', () => latestStatus()?.replica.resources['articles']?.documents === MANY);
  });
});
