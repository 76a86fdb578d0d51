import assert from 'node:assert/strict';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { LarderError } from '../errors.ts';
import { ARTICLES, Book, OPEN, type Wish, wish, type Written } from '../test-app/model-book.ts';
import { type Ending, ENDINGS, ModelCloud } from '../test-app/model-cloud.ts';
import { CONCURRENCY, LONG, type ModelEdge, ModelEdges, runsOf } from '../test-app/model-edge.ts';

const setting = runsOf(300);
/** More cases than usual take longer than usual, ms. */
const PATIENCE = 60_000 + 200 * setting.numRuns;

const edges = new ModelEdges();
afterAll(() => edges.close());

type Step =
  | { type: 'write'; wishes: Wish[] }
  /** The n-th of all writes comes once more, as it was or as another request under its key. */
  | { type: 'repeat'; n: number; same: boolean }
  | { type: 'link'; up: boolean }
  | { type: 'pass'; ms: number }
  /** The n-th request under way ends. */
  | { type: 'end'; n: number; ending: Ending }
  | { type: 'arrive-late'; n: number }
  | { type: 'crash' };

const n = fc.nat({ max: 9 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('write' as const), wishes: fc.array(wish, { maxLength: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('repeat' as const), n, same: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('link' as const), up: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.constantFrom(100, 2000, LONG) }) },
  {
    weight: 9,
    arbitrary: fc.record({
      type: fc.constant('end' as const),
      n,
      ending: fc.constantFrom('answered', 'refused', ...ENDINGS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('arrive-late' as const), n }) },
  { weight: 1, arbitrary: fc.constant({ type: 'crash' as const }) },
);

const codeOf = (error: unknown) => (error instanceof LarderError ? error.code : error);
const UP: Step = { type: 'link', up: true };

/** An order of an article that was made here does not wait for an edit of it (I4). */
const MADE = ARTICLES.length;
const EDITED_UNMADE: Step[] = [
  { type: 'write', wishes: [{ type: 'make', user: 'ann', target: 0, value: 1 }] },
  { type: 'write', wishes: [{ type: 'edit', user: 'ann', target: MADE, value: 2 }] },
  { type: 'write', wishes: [{ type: 'order', user: 'bob', target: MADE, value: 3 }] },
  { type: 'end', n: 0, ending: 'answered' },
];

/** The edge, and the little that a model has to know: what was written, what the cloud made of it. */
class Run {
  readonly cloud = new ModelCloud();
  readonly edge: ModelEdge;
  readonly book: Book;
  #online = false;
  #hurried = false;
  /** The bytes that were sent under each key. */
  readonly #bytes = new Map<string, string>();
  readonly #wrong: string[] = [];

  constructor() {
    this.edge = edges.make(this.cloud, { feed: false });
    this.book = new Book(this.edge);
    this.edge.store.commitAs('feed', () => {
      for (const id of ARTICLES) {
        this.cloud.setArticle(id, { name: id, qty: 100 });
        this.edge.store.putBase('articles', id, 1, this.cloud.article(id) ?? null, 0);
      }
    });
    this.cloud.arrived = (cause, bytes) => this.#arrived(cause.key, bytes);
  }

  async take(each: Step): Promise<void> {
    if (each.type === 'write') this.book.write(each.wishes);
    else if (each.type === 'repeat') this.#repeat(each.n, each.same);
    else if (each.type === 'link') this.#link(each.up);
    else if (each.type === 'pass') this.edge.pass(each.ms);
    else if (each.type === 'end') this.cloud.end(each.n, each.ending);
    else if (each.type === 'arrive-late') this.cloud.arriveLate(each.n);
    else this.edge.crash();
    await this.edge.settle();
    this.#assert();
  }

  /** I5: a link that is back ends all delays. */
  #link(up: boolean): void {
    if (up && !this.#online) this.#hurried = true;
    this.#online = up;
    this.edge.link(up);
  }

  /** A key stands for one request, whatever has become of it. */
  #repeat(at: number, same: boolean): void {
    const known = this.book.written[at % Math.max(1, this.book.written.length)];
    if (known === undefined) return;
    const call = same ? known.call : { ...known.call, body: '{"name":"another"}' };
    const [outcome] = this.edge.take([call]);
    const told = outcome?.type === 'known' ? outcome.entry.seq : outcome?.type === 'error' && codeOf(outcome.error);
    assert.equal(told, same ? known.seq : 'LARDER_KEY_MISMATCH');
  }

  /** What does not hold at the moment at which a request leaves the box; thrown there, it would pass for a fault. */
  #arrived(key: string, bytes: string): void {
    const entry = this.book.written.find((each) => each.key === key);
    const rows = this.book.rows();
    const state = (seq = 0) => rows.get(seq)?.state ?? 'gone';
    if (state(entry?.seq) !== 'sending') this.#wrong.push(`I2: ${key} leaves and is ${state(entry?.seq)}`);
    if (bytes !== (this.#bytes.get(key) ?? bytes)) this.#wrong.push(`I2: ${key} leaves with other bytes: ${bytes}`);
    this.#bytes.set(key, bytes);
    for (const need of entry?.needs ?? []) {
      const needed = state(need.seq);
      const stops = OPEN.has(needed) || (needed === 'refused' && entry?.type !== 'order');
      if (stops) this.#wrong.push(`I3: ${key} leaves before ${need.key}, which is ${needed}`);
    }
  }

  #assert(): void {
    this.book.assertKept();
    assert.deepEqual([...this.#wrong, ...this.edge.alarms], []);
    const rows = this.book.rows();
    for (const entry of this.book.written) {
      const state = rows.get(entry.seq)?.state ?? 'gone';
      // I2: no state says of the cloud what is not so.
      if (!OPEN.has(state)) assert.deepEqual([entry.key, state], [entry.key, this.#settledState(entry, rows)]);
      // I2: what was refused lies in the inbox, and nothing else does.
      const inbox = rows.get(entry.seq)?.inbox ?? null;
      assert.equal(inbox !== null, state === 'refused', `${entry.key} is ${state}, and in the inbox it is ${inbox}`);
    }
    this.#assertBusy(rows);
  }

  #settledState(entry: Written, rows: ReturnType<Book['rows']>): 'applied' | 'refused' | 'open' {
    const result = this.cloud.resultOf(entry);
    if (result !== undefined) return result.status < 300 ? 'applied' : 'refused';
    const isOrphan = entry.type !== 'order' && entry.needs.some(({ seq }) => rows.get(seq)?.state === 'refused');
    return isOrphan ? 'refused' : 'open';
  }

  /** I4, I5: with the link up, nothing that could be sent waits while there is a free place. */
  #assertBusy(rows: ReturnType<Book['rows']>): void {
    if (this.#hurried)
      assert.deepEqual(
        [...rows.values()].filter((row) => OPEN.has(row.state) && row.not_before > 0),
        [],
      );
    this.#hurried = false;
    if (!this.#online || this.cloud.sendings.length >= CONCURRENCY) return;
    const idle = this.book.written.filter(({ seq, needs }) => {
      const row = rows.get(seq);
      const isFree = needs.every((need) => !OPEN.has(rows.get(need.seq)?.state ?? ''));
      return (
        row !== undefined && ['queued', 'unknown'].includes(row.state) && row.not_before <= this.edge.uptime && isFree
      );
    });
    assert.deepEqual(
      idle.map(({ key }) => key),
      [],
    );
  }

  /** I5: link up and cloud well, and the queue drains, within as many rounds as there are entries. */
  async drain(): Promise<void> {
    this.#link(true);
    await this.edge.settle();
    for (let round = 0; round <= this.book.written.length && this.#open() > 0; round += 1) {
      while (this.cloud.sendings.length > 0) {
        this.cloud.end(0, 'answered');
        await this.edge.settle();
      }
      this.edge.pass(LONG);
      await this.edge.settle();
    }
    this.#assert();
    assert.equal(this.#open(), 0);
  }

  #open(): number {
    return this.edge.rows().filter(({ state }) => OPEN.has(state)).length;
  }
}

test(
  'I1, I2, I3, I4, I5: the queue keeps, sends, settles and drains as its model says, whatever happens',
  async () => {
    const law = fc.asyncProperty(fc.array(step, { maxLength: 25, size: 'max' }), async (steps) => {
      const run = new Run();
      try {
        for (const each of [UP, ...steps]) await run.take(each);
        await run.drain();
      } finally {
        run.edge.close();
      }
    });
    await expect(fc.assert(law, { ...setting, examples: [[EDITED_UNMADE]] })).resolves.toBeUndefined();
  },
  PATIENCE,
);
