import assert from 'node:assert/strict';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { ARTICLES, Book, type Wish } from './test-app/model-book.ts';
import { type AskFate, type Backup, FATES, ModelCloud } from './test-app/model-cloud.ts';
import { LONG, type ModelEdge, ModelEdges, runsOf } from './test-app/model-edge.ts';

const setting = runsOf(300);
/** More cases than usual take longer than usual, ms. */
const PATIENCE = 60_000 + 300 * setting.numRuns;
const KEEP = 24 * 3600 * 1000;
const STOCK = 100;
/** The feed's delays are at most this, where its jitter is none, ms. */
const DELAY = 200;
/** What is offered again is waited for no longer than this, ms. */
const TOO_LONG = 61_000;

const edges = new ModelEdges();
beforeAll(() => {
  // The feed waits by the system's timers: here time passes when a case says so.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
});
afterAll(() => {
  vi.useRealTimers();
  edges.close();
});

type Ending = 'answered' | 'answer-lost' | 'given-up' | 'not-sent' | 'crashed' | 'late';

type Step =
  | { type: 'write'; wishes: Wish[] }
  /** Somebody elsewhere renames an article: a transaction that no write of this edge made. */
  | { type: 'elsewhere'; article: string; name: string }
  | { type: 'end'; n: number; ending: Ending }
  | { type: 'deliver' }
  | { type: 'arrive-late' }
  | { type: 'ask'; n: number; fate: AskFate }
  | { type: 'tell'; transactions: number }
  | { type: 'back-up' }
  | { type: 'put-back' }
  | { type: 'link'; up: boolean }
  | { type: 'pass' }
  /** Longer than what is offered again is waited for. */
  | { type: 'wait' }
  | { type: 'crash' };

const wish: fc.Arbitrary<Wish> = fc
  .record({
    type: fc.constantFrom('order' as const, 'order' as const, 'order' as const, 'edit' as const, 'make' as const),
    user: fc.constantFrom('ann' as const, 'bob' as const),
    target: fc.nat({ max: 3 }),
    value: fc.integer({ min: 1, max: 5 }),
  })
  // An edit of what the cloud has lost, under way as that is put back, is for people: 0007.
  .map((wished) => (wished.type === 'edit' ? { ...wished, target: wished.target % ARTICLES.length } : wished));

const just = <T extends Step['type']>(type: T) => fc.constant({ type } as Extract<Step, { type: T }>);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.array(wish, { minLength: 1, maxLength: 2 }).map((wishes) => ({ type: 'write' as const, wishes })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...ARTICLES), fc.constantFrom('x', 'y'))
      .map(([article, name]) => ({ type: 'elsewhere' as const, article, name })),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('end' as const),
      n: fc.nat({ max: 2 }),
      ending: fc.constantFrom<Ending>(
        'answered',
        'answered',
        'answered',
        'answer-lost',
        'given-up',
        'not-sent',
        'crashed',
        'late',
      ),
    }),
  },
  { weight: 1, arbitrary: just('deliver') },
  { weight: 1, arbitrary: just('arrive-late') },
  {
    weight: 12,
    arbitrary: fc.record({
      type: fc.constant('ask' as const),
      n: fc.nat({ max: 1 }),
      fate: fc.constantFrom<AskFate>('answered', 'answered', 'answered', 'answered', ...FATES),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.integer({ min: 1, max: 3 }).map((transactions) => ({ type: 'tell' as const, transactions })),
  },
  { weight: 2, arbitrary: just('back-up') },
  { weight: 2, arbitrary: just('put-back') },
  { weight: 2, arbitrary: fc.boolean().map((up) => ({ type: 'link' as const, up })) },
  { weight: 6, arbitrary: just('pass') },
  { weight: 1, arbitrary: just('wait') },
  { weight: 1, arbitrary: just('crash') },
);

class Run {
  readonly cloud = new ModelCloud();
  readonly edge: ModelEdge;
  readonly book: Book;
  readonly #fresh: boolean;
  #backup: Backup;

  private constructor(fresh: boolean, pageSize: number) {
    for (const id of ARTICLES) this.cloud.setArticle(id, { name: id, qty: STOCK });
    this.cloud.pageSize = pageSize;
    this.#fresh = fresh;
    this.edge = edges.make(this.cloud, { feed: true, keepSettled: KEEP });
    this.book = new Book(this.edge);
    this.#backup = this.cloud.backup();
  }

  /** With a complete replica that follows the feed, or with an empty one. */
  static async begin(fresh: boolean, pageSize: number): Promise<Run> {
    const run = new Run(fresh, pageSize);
    run.edge.link(true);
    if (!fresh) while (run.edge.view.count('articles', {}) < ARTICLES.length) await run.edge.settle();
    await run.edge.settle();
    run.cloud.holdsAsks = true;
    return run;
  }

  async take(each: Step): Promise<void> {
    const { cloud, edge } = this;
    switch (each.type) {
      case 'write':
        this.book.write(each.wishes);
        break;
      case 'elsewhere':
        cloud.setArticle(each.article, { name: each.name });
        break;
      case 'end':
        if (each.ending === 'late') cloud.answerLate(each.n);
        else cloud.end(each.n, each.ending);
        break;
      case 'deliver':
        cloud.deliver();
        break;
      case 'arrive-late':
        cloud.arriveLate(0);
        break;
      case 'ask':
        cloud.endAsk(each.n, each.fate);
        break;
      case 'tell':
        cloud.tell(each.transactions);
        break;
      case 'back-up':
        this.#backup = cloud.backup();
        break;
      case 'put-back':
        cloud.putBack(this.#backup);
        break;
      case 'link':
        edge.link(each.up);
        break;
      case 'pass':
        this.#pass();
        break;
      case 'wait':
        vi.advanceTimersByTime(TOO_LONG);
        break;
      case 'crash':
        edge.crash();
        break;
    }
    await edge.settle();
    this.assert();
  }

  #pass(): void {
    vi.advanceTimersByTime(DELAY);
    this.cloud.idle();
    this.edge.pass(LONG);
  }

  /**
   * Nobody else sells here. So what is left of each article is what there was without all that was acknowledged: not one
   * too many, and not one too few, whatever the cloud has and has not by now.
   */
  assert(): void {
    this.book.assertKept();
    assert.deepEqual(this.edge.alarms, []);
    const { view } = this.edge;
    for (const id of ARTICLES) {
      const doc = view.get('articles', id);
      if (doc === null && this.#fresh) continue;
      assert.deepEqual([id, doc?.['qty']], [id, STOCK - this.#sold(id)]);
    }
    for (const { type, article } of this.book.written) {
      if (type !== 'make') continue;
      // Under the name that it was given here, whatever the cloud has called it by now.
      assert.notDeepEqual([article, view.get('articles', article)], [article, null]);
    }
    for (const { type, key, seq } of this.book.written)
      if (type === 'order') assert.notDeepEqual([key, view.get('orders', this.#orderOf(seq))], [key, null]);
  }

  #sold(id: string): number {
    return this.book.written
      .filter(({ type, article }) => type === 'order' && article === id)
      .reduce((sum, { value }) => sum + value, 0);
  }

  #orderOf(seq: number): string {
    const { id } = JSON.parse(this.edge.store.entries.get(seq).body ?? '{}') as { id: string };
    return id;
  }

  /** All ends well: then the cloud has each write once, and nothing is left of the overlay. */
  async drain(): Promise<void> {
    const { cloud, edge } = this;
    edge.link(true);
    for (let round = 0; !this.#isDrained() && round < 1000; round += 1) {
      cloud.deliver();
      while (cloud.sendings.length > 0) cloud.end(0, 'answered');
      while (cloud.asks.length > 0) cloud.endAsk(0, 'answered');
      cloud.tell(Infinity);
      await edge.settle();
      this.assert();
      this.#pass();
      await edge.settle();
      this.assert();
    }
    assert.deepEqual(
      edge.rows().filter(({ overlaid, state }) => overlaid === 1 || state !== 'applied'),
      [],
    );
    for (const id of ARTICLES) assert.equal(cloud.article(id)?.['qty'], STOCK - this.#sold(id));
    for (const { type, article } of this.book.written)
      if (type === 'make') assert.notEqual(cloud.article(edge.view.settledId(article)), undefined);
  }

  #isDrained(): boolean {
    const { store } = this.edge;
    const isCaughtUp = store.meta('cursor') === this.cloud.present && store.meta('walking') === null;
    return isCaughtUp && this.edge.rows().every(({ overlaid, state }) => overlaid === 0 && state === 'applied');
  }
}

const SALE: Wish = { type: 'order', user: 'ann', target: 0, value: 1 };
const write: Step = { type: 'write', wishes: [SALE] };
const end = (ending: Ending): Step => ({ type: 'end', n: 0, ending });
const ask: Step = { type: 'ask', n: 0, fate: 'answered' };
const tell: Step = { type: 'tell', transactions: 1 };
const backUp: Step = { type: 'back-up' };
const putBack: Step = { type: 'put-back' };
const pass: Step = { type: 'pass' };
const crash: Step = { type: 'crash' };
const late: Step = { type: 'arrive-late' };
const wait: Step = { type: 'wait' };

const SOLD: Step[] = [write, end('answered'), tell];
const times = (n: number, steps: Step[]): Step[] => Array.from({ length: n }, () => steps).flat();

const MAKE: Wish = { type: 'make', user: 'ann', target: 0, value: 1 };

const OFFERED_TOO_LONG: Step[] = [
  ...SOLD,
  backUp,
  ...SOLD,
  putBack,
  ...times(4, [pass, ask]),
  wait,
  ...times(8, [pass, ask]),
];

/** What was found, each as short as it can be. */
const FOUND: [fresh: boolean, pageSize: number, steps: Step[]][] = [
  // The backup knows the place in the feed, and lacks what was answered after that.
  [false, 1, [write, end('answered'), putBack]],
  // The backup has what the overlay shows, so its marker lies before the place that is taken.
  [false, 1, [write, write, end('answered'), tell, putBack]],
  // The same, and nobody knows yet that it has.
  [false, 1, [write, end('answer-lost'), crash, ask, putBack, crash, ask, ask, pass, ask, ask]],
  // The answer of before comes after the place was taken.
  [false, 1, [write, end('late'), tell, putBack, pass, ask]],
  // A stray does again what is lost, the cloud is asked and has it, and is put back once more before the feed is asked.
  [
    false,
    1,
    [write, end('given-up'), pass, end('answered'), putBack, pass, ask, late, end('answered'), putBack, pass, ask],
  ],
  // The feed has told of it before its answer, which comes from the restored cloud, with another id.
  [false, 1, [{ type: 'write', wishes: [MAKE] }, crash, late, ask, putBack]],
  // The answer comes between the page that tells of it, which knows it by another id, and the end of the feed.
  [false, 1, [{ type: 'elsewhere', article: 'a', name: 'x' }, tell, putBack, { type: 'write', wishes: [MAKE, SALE] }]],
  // What is offered again has no answer for longer than it is waited for; the backup has one of both, and lacks the other.
  [false, 1, OFFERED_TOO_LONG],
  // The same, and a write of meanwhile is in the base before any of that is settled.
  [false, 1, [...OFFERED_TOO_LONG, write, { ...end('answered'), n: 2 } as Step, tell, ...times(2, [pass, ask])]],
];

test(
  'I2, I6: a cloud that is restored at any moment, whatever fails meanwhile, has every write once, and so does every read',
  async () => {
    const law = fc.asyncProperty(
      fc.boolean(),
      fc.constantFrom(1, 2, Infinity),
      fc.array(step, { maxLength: 40, size: 'max' }),
      async (fresh, pageSize, steps) => {
        const run = await Run.begin(fresh, pageSize);
        try {
          for (const each of steps) await run.take(each);
          await run.drain();
        } finally {
          run.edge.close();
        }
      },
    );
    await expect(fc.assert(law, { ...setting, examples: FOUND })).resolves.toBeUndefined();
  },
  PATIENCE,
);
