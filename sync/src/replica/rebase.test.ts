import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Doc } from '../profile.ts';
import { Store } from '../store.ts';
import profile from '../test-app/profile.ts';

const ARTICLES = ['a', 'b', 'c'];

type Step =
  | { type: 'order'; article: string; qty: number }
  | { type: 'edit'; article: string; name: string }
  | { type: 'base'; article: string; fields: Doc | null }
  /** The n-th of the waiting entries lands in the base. */
  | { type: 'land'; n: number };

const article = fc.constantFrom(...ARTICLES);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant('order' as const), article, qty: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ type: fc.constant('edit' as const), article, name: fc.constantFrom('x', 'y', 'z') }),
  fc.record({
    type: fc.constant('base' as const),
    article,
    fields: fc.option(fc.record({ qty: fc.integer({ min: 0, max: 99 }), name: fc.constantFrom('p', 'q') }), {
      freq: 5,
    }),
  }),
  fc.record({ type: fc.constant('land' as const), n: fc.nat({ max: 5 }) }),
);

/** The simplest thing that could be right: bases, and the waiting entries done to them one after the other. */
class Model {
  readonly bases = new Map<string, Doc>();
  waiting: { seq: number; step: Step }[] = [];

  views(): Record<string, Doc | null> {
    const docs: Record<string, Doc | null> = {};
    for (const id of ARTICLES) docs[id] = this.bases.get(id) ?? null;
    for (const { step: each } of this.waiting) {
      if (each.type !== 'order' && each.type !== 'edit') continue;
      const doc = docs[each.article];
      if (doc === null || doc === undefined) continue;
      docs[each.article] =
        each.type === 'order'
          ? { ...doc, qty: Number(doc['qty']) - each.qty }
          : { ...doc, name: each.name, version: Number(doc['version']) + 1 };
    }
    return docs;
  }
}

function take(store: Store, model: Model, each: Step, at: number): void {
  store.commitAs('feed', (noted) => {
    if (each.type === 'land') {
      const entry = model.waiting[each.n];
      if (entry === undefined) return;
      model.waiting = model.waiting.filter((other) => other !== entry);
      return store.release(entry.seq, noted);
    }
    if (each.type === 'base') {
      const doc = each.fields === null ? null : { ...each.fields, id: each.article, version: at };
      if (doc === null) model.bases.delete(each.article);
      else model.bases.set(each.article, doc);
      return store.putBase('articles', each.article, at, doc, 0);
    }
    const isOrder = each.type === 'order';
    const entry = store.entries.insert({
      key: `k${at}`,
      user: { id: 'ann', store: 'S1' },
      route: isOrder ? 'POST /orders' : 'PATCH /articles/:id',
      kind: isOrder ? 'fact' : 'proposal',
      release: 1,
      method: isOrder ? 'POST' : 'PATCH',
      path: isOrder ? '/orders' : `/articles/${each.article}`,
      search: '',
      headers: {},
      body: JSON.stringify(isOrder ? { id: `o${at}`, article: each.article, qty: each.qty } : { name: each.name }),
      fingerprint: '',
      at: new Date(at).toISOString(),
    });
    if (isOrder || store.view.get('articles', each.article) !== null) {
      store.rebase.first(entry);
      model.waiting.push({ seq: entry.seq, step: each });
    }
  });
}

test('whatever happens in whatever order, each view is its base with the waiting entries done to it', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const data = mkdtempSync(join(tmpdir(), 'larder-rebase-'));
      const store = new Store(data, profile, 'S1', () => {});
      try {
        const model = new Model();
        for (const [at, each] of steps.entries()) {
          take(store, model, each, at + 1);
          const views = Object.fromEntries(ARTICLES.map((id) => [id, store.view.get('articles', id)]));
          expect(views).toEqual(model.views());
        }
      } finally {
        store.close();
        rmSync(data, { recursive: true });
      }
    }),
    {
      numRuns: 150,
      examples: [
        // An edit that cannot apply while its document is away does so again when it is back.
        [
          [
            { type: 'base', article: 'b', fields: { qty: 0, name: 'p' } },
            { type: 'edit', article: 'b', name: 'x' },
            { type: 'base', article: 'b', fields: null },
            { type: 'base', article: 'b', fields: { qty: 0, name: 'p' } },
          ],
        ],
      ],
    },
  );
});
