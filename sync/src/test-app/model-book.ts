/** What tests against a model write down beside the edge: each write that was taken, and what it must wait for. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Call } from '../client.ts';
import { temporaryId } from '../temporary-id.ts';
import { callOf, type ModelEdge, type Row } from './model-edge.ts';

/** Articles that are there from the beginning. */
export const ARTICLES = ['a', 'b', 'c'];
export const OPEN = new Set(['queued', 'sending', 'unknown']);

/** `target`: which article, counted through those that were there and those that were made. */
export interface Wish {
  type: 'order' | 'edit' | 'make';
  user: 'ann' | 'bob';
  target: number;
  value: number;
}

export const wish: fc.Arbitrary<Wish> = fc.record({
  type: fc.constantFrom('order' as const, 'order' as const, 'edit' as const, 'make' as const),
  user: fc.constantFrom('ann' as const, 'bob' as const),
  target: fc.nat({ max: 4 }),
  value: fc.integer({ min: 1, max: 5 }),
});

export interface Written extends Wish {
  seq: number;
  key: string;
  call: Call;
  /** The article it names, as its caller knew it; of one that it makes, the temporary id. */
  article: string;
  needs: Written[];
}

export class Book {
  readonly written: Written[] = [];
  readonly #edge: ModelEdge;
  readonly #known = [...ARTICLES];
  #keys = 0;

  constructor(edge: ModelEdge) {
    this.#edge = edge;
  }

  /** Asks the edge to take these writes together, and notes what it took. */
  write(wishes: readonly Wish[]): void {
    const calls = wishes.map((each) => this.#call(each));
    const outcomes = this.#edge.take(calls.map(({ call }) => call));
    const rows = this.rows();
    for (const [at, outcome] of outcomes.entries()) {
      const made = calls[at];
      if (made === undefined || outcome.type === 'refused') continue;
      if (outcome.type !== 'kept') throw new Error(`a new write came to this: ${JSON.stringify(outcome)}`);
      const { seq } = outcome.entry;
      const isOpen = (other: Written) => OPEN.has(rows.get(other.seq)?.state ?? '');
      this.written.push({ ...made, seq, needs: this.written.filter((other) => isOpen(other) && needs(made, other)) });
      if (made.type === 'make') this.#known.push(made.article);
    }
  }

  rows(): Map<number, Row> {
    return new Map(this.#edge.rows().map((row) => [row.seq, row]));
  }

  #call(wished: Wish) {
    this.#keys += 1;
    const key = `k${this.#keys}`;
    const { type, user, target, value } = wished;
    const article =
      type === 'make'
        ? temporaryId('articles', { user: { id: user, store: 'S1' }, key })
        : (this.#known[target % this.#known.length] ?? 'a');
    const name = `name ${value}`;
    const call = {
      order: () => callOf('POST', '/orders', { article, qty: value }, key, user),
      make: () => callOf('POST', '/articles', { name }, key, user),
      edit: () => callOf('PATCH', `/articles/${article}`, { name }, key, user),
    }[type]();
    return { ...wished, key, article, call };
  }

  /** I1, with what the database holds: all that was taken is there, once, and nothing else. */
  assertKept(): void {
    const rows = this.#edge.rows();
    assert.deepEqual(
      rows.map(({ key, user }) => [user, key]),
      this.written.map(({ key, user }) => [user, key]),
    );
  }
}

/** I3: an earlier write that makes the article it names, or edits the article it edits. */
function needs(later: Pick<Written, 'type' | 'article'>, earlier: Written): boolean {
  if (later.type === 'make' || earlier.article !== later.article || earlier.type === 'order') return false;
  return earlier.type === 'make' || later.type === 'edit';
}
