import assert from 'node:assert/strict';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import type { Doc } from '../profile.ts';
import { ARTICLES, Book, type Wish, wish, type Written } from '../test-app/model-book.ts';
import { ModelCloud } from '../test-app/model-cloud.ts';
import { LONG, type ModelEdge, ModelEdges, runsOf } from '../test-app/model-edge.ts';

const setting = runsOf(300);
/** More cases than usual take longer than usual, ms. */
const PATIENCE = 60_000 + 200 * setting.numRuns;

const edges = new ModelEdges();
afterAll(() => edges.close());

type Step =
  | { type: 'write'; wishes: Wish[] }
  /** Elsewhere, somebody sets an article's stock, renames it, or deletes it. */
  | { type: 'elsewhere'; article: string; fields: Doc | null }
  /** The feed tells so many of the cloud's transactions: bases and markers, before or after a write's own answer. */
  | { type: 'tell'; transactions: number }
  | { type: 'end'; n: number; ending: 'answered' | 'refused' | 'answer-lost' | 'given-up' }
  | { type: 'arrive-late' }
  | { type: 'link'; up: boolean }
  | { type: 'pass' }
  | { type: 'crash' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('write' as const), wishes: fc.array(wish, { maxLength: 3 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('elsewhere' as const),
      article: fc.constantFrom(...ARTICLES),
      fields: fc.option(
        fc.oneof(fc.record({ qty: fc.nat({ max: 99 }) }), fc.record({ name: fc.constantFrom('name 1', 'other') })),
        { freq: 5 },
      ),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('tell' as const), transactions: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('end' as const),
      n: fc.nat({ max: 2 }),
      ending: fc.constantFrom('answered' as const, 'answered' as const, 'refused', 'answer-lost', 'given-up'),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'arrive-late' as const }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('link' as const), up: fc.boolean() }) },
  { weight: 2, arbitrary: fc.constant({ type: 'pass' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'crash' as const }) },
);

type Docs = Map<string, Doc>;

class Run {
  readonly cloud = new ModelCloud();
  readonly edge: ModelEdge;
  readonly book: Book;

  private constructor() {
    for (const id of ARTICLES) this.cloud.setArticle(id, { name: id, qty: 100 });
    this.edge = edges.make(this.cloud, { feed: true });
    this.book = new Book(this.edge);
  }

  /** With a complete replica that follows the feed. */
  static async begin(): Promise<Run> {
    const run = new Run();
    run.edge.link(true);
    while (run.edge.view.count('articles', {}) < ARTICLES.length) await run.edge.settle();
    await run.edge.settle();
    return run;
  }

  async take(each: Step): Promise<void> {
    if (each.type === 'write') this.book.write(each.wishes);
    else if (each.type === 'elsewhere') this.cloud.setArticle(each.article, each.fields);
    else if (each.type === 'tell') this.cloud.tell(each.transactions);
    else if (each.type === 'end') this.cloud.end(each.n, each.ending);
    else if (each.type === 'arrive-late') this.cloud.arriveLate(0);
    else if (each.type === 'link') this.edge.link(each.up);
    else if (each.type === 'pass') this.edge.pass(LONG);
    else this.edge.crash();
    await this.edge.settle();
    this.assert();
  }

  assert(): void {
    this.book.assertKept();
    assert.deepEqual(this.edge.alarms, []);
    const states = new Map([...this.book.rows()].map(([seq, { state }]) => [seq, state]));
    const position = Number.parseInt(this.edge.store.meta('cursor') ?? '0');
    const articles: Docs = new Map();
    const orders: Docs = new Map();
    this.#base(position, articles, orders);
    const touched = new Set<string>();
    for (const entry of this.book.written)
      if (!this.#hasLanded(entry, states, position)) this.#overlay(entry, articles, orders, touched);
    this.#assertView('articles', articles);
    this.#assertView('orders', orders);
    this.#assertPending(
      [...articles.keys()].map((id) => `articles/${id}`),
      touched,
    );
    this.#assertPending(
      [...orders.keys()].map((id) => `orders/${id}`),
      touched,
    );
    // I6, whatever the model makes of it: a sale that was acknowledged and not refused is there.
    for (const { type, key, seq } of this.book.written)
      if (type === 'order' && states.get(seq) !== 'refused')
        assert.notDeepEqual([key, this.edge.view.get('orders', this.#orderOf(seq))], [key, null]);
  }

  /** What the cloud has said up to there. */
  #base(position: number, articles: Docs, orders: Docs): void {
    for (const change of this.cloud.changes.slice(0, position)) {
      if (change.type === 'marker') continue;
      const docs = change.resource === 'articles' ? articles : orders;
      if (change.type === 'put') docs.set(change.id, change.doc);
      else docs.delete(change.id);
    }
  }

  /** The base contains it, or it will never take effect. One whose ids only its answer tells has to wait for that. */
  #hasLanded({ type, seq, key, user }: Written, states: ReadonlyMap<number, string>, position: number): boolean {
    const state = states.get(seq);
    if (state === 'refused') return true;
    if (type === 'make' && state !== 'applied') return false;
    return this.cloud.changes
      .slice(0, position)
      .some((change) => change.type === 'marker' && change.cause.user === user && change.cause.key === key);
  }

  /** What a waiting write does, told once more in the simplest words. */
  #overlay({ type, article, value, seq }: Written, articles: Docs, orders: Docs, touched: Set<string>): void {
    const id = this.#idOf(article);
    const name = `name ${value}`;
    const known = articles.get(id);
    if (type === 'make') articles.set(id, { qty: 0, name, id, version: 1 });
    if (type === 'edit' && known !== undefined)
      articles.set(id, { ...known, name, version: Number(known['version']) + 1 });
    if (type === 'order') {
      const order = this.#orderOf(seq);
      const body = JSON.parse(this.edge.store.entries.get(seq).body ?? '{}') as Doc;
      orders.set(order, { ...body, id: order, version: 1 });
      touched.add('orders').add(`orders/${order}`);
      if (known !== undefined) articles.set(id, { ...known, qty: Number(known['qty']) - value });
    }
    if (type !== 'edit' || known !== undefined) touched.add('articles').add(`articles/${id}`);
  }

  /** The cloud's id for a temporary one, once its answer has come. */
  #idOf(article: string): string {
    const maker = this.book.written.find((entry) => entry.type === 'make' && entry.article === article);
    if (maker === undefined || this.edge.store.entries.get(maker.seq).state !== 'applied') return article;
    return String(this.cloud.resultOf(maker)?.body['id']);
  }

  #orderOf(seq: number): string {
    return String((JSON.parse(this.edge.store.entries.get(seq).body ?? '{}') as Doc)['id']);
  }

  /** By every way there is to them: by id, as a list, by an indexed field, by search, counted. */
  #assertView(resource: 'articles' | 'orders', docs: Docs): void {
    const { view } = this.edge;
    const byId = (list: Doc[]) => list.toSorted((a, b) => (String(a['id']) < String(b['id']) ? -1 : 1));
    const all = byId([...docs.values()]);
    assert.deepEqual(view.list(resource, {}), all);
    assert.equal(view.count(resource, {}), all.length);
    for (const doc of all) assert.deepEqual(view.get(resource, String(doc['id'])), doc);
    if (resource !== 'articles') return;
    const named = all.filter((doc) => doc['name'] === 'name 1');
    assert.deepEqual(view.list(resource, { where: { name: 'name 1' } }), named);
    assert.equal(
      view.count(resource, { terms: ['name'] }),
      all.filter((doc) => String(doc['name']).includes('name')).length,
    );
  }

  /** What the front is told: a document is pending for as long as the overlay touches it. */
  #assertPending(tags: readonly string[], touched: ReadonlySet<string>): void {
    const told = tags.map((tag) => [tag, this.edge.tags.pending([tag])]);
    assert.deepEqual(
      told,
      tags.map((tag) => [tag, touched.has(tag)]),
    );
  }

  /** All that was taken is in the cloud or refused, the feed has told everything, and nothing is left of the overlay. */
  async drain(): Promise<void> {
    this.edge.link(true);
    await this.edge.settle();
    for (let round = 0; round <= this.book.written.length; round += 1) {
      while (this.cloud.sendings.length > 0) {
        this.cloud.end(0, 'answered');
        await this.edge.settle();
      }
      this.edge.pass(LONG);
      await this.edge.settle();
    }
    this.cloud.tell(this.cloud.changes.length);
    await this.edge.settle();
    this.assert();
    assert.deepEqual(
      this.edge.rows().filter(({ overlaid }) => overlaid === 1),
      [],
    );
  }
}

test(
  'I6: whatever comes in whatever order, the replica is the base with the waiting writes done to it',
  async () => {
    const law = fc.asyncProperty(fc.array(step, { maxLength: 25, size: 'max' }), async (steps) => {
      const run = await Run.begin();
      try {
        for (const each of steps) await run.take(each);
        await run.drain();
      } finally {
        run.edge.close();
      }
    });
    await expect(fc.assert(law, setting)).resolves.toBeUndefined();
  },
  PATIENCE,
);
