/**
 * The overlay: what waiting writes do to the documents. Each entry's effect is kept as a short list of operations; a
 * document's view is its base with the operations of all waiting entries done to it, in order of acceptance. So when a
 * base changes beneath ten thousand sales of one product, their operations are added up again, and only entries that
 * had looked at what changed are run again.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Doc, Entry, Query, Writer } from '../profile.ts';
import { temporaryId } from '../temporary-id.ts';
import type { Tables } from './tables.ts';
import type { View } from './view.ts';

export type Operation =
  | { type: 'put'; resource: string; id: string; doc: Doc }
  | { type: 'remove'; resource: string; id: string }
  | { type: 'add'; resource: string; id: string; field: string; by: number; missing: Doc | null }
  /** Nobody can say whether the base contains the entry: so the document is shown as it was when it did. */
  | { type: 'hold'; resource: string; id: string; doc: Doc };

/** What one run of an entry's `apply` did and looked at. */
export interface Effect {
  operations: Operation[];
  /** Documents looked at by id; id `*` stands for a list of the resource. */
  reads: { resource: string; id: string }[];
  /** The temporary ids that it made, in order, whether or not the cloud's own are known. */
  temporary: string[];
}

export const ANY = '*';

/** The last unsettled entry before `?3` with an operation of this type on a document; 0: there is none. */
const lastOpen = (type: 'put' | 'remove') => `coalesce((SELECT o.seq FROM entry_op o JOIN entry e ON e.seq = o.seq
  WHERE o.resource = ?1 AND o.id = ?2 AND o.seq < ?3 AND o.type = '${type}' AND o.type <> 'add'
  AND e.state IN ('queued', 'sending', 'unknown') ORDER BY o.seq DESC LIMIT 1), 0)`;

/** The earliest put of a document from an entry on and before `?3`. */
const firstPut = (from: string) => `(SELECT min(seq) FROM entry_op
  WHERE resource = ?1 AND id = ?2 AND seq >= ${from} AND seq < ?3 AND type = 'put' AND type <> 'add')`;
const LAST_REMOVAL = `(SELECT max(seq) FROM entry_op
  WHERE resource = ?1 AND id = ?2 AND seq < ?3 AND type = 'remove' AND type <> 'add')`;

/** What an operation makes of a document. */
export function operate(doc: Doc | null, operation: Operation): Doc | null {
  if (operation.type === 'put' || operation.type === 'hold') return operation.doc;
  if (operation.type === 'remove') return null;
  const before = doc ?? operation.missing;
  if (before === null) return null;
  return { ...before, [operation.field]: Number(before[operation.field] ?? 0) + operation.by };
}

/** The overlay while one entry is applied to it. */
export class Application implements Writer {
  readonly store: string;
  readonly #view: View;
  readonly #prior: (resource: string, id: string) => Doc | null;
  readonly #entry: Entry;
  readonly #operations: Operation[] = [];
  readonly #reads = new Map<string, { resource: string; id: string }>();
  readonly #temporary: string[] = [];

  /** `prior` gives a document as it was before this entry: the view itself for the newest entry. */
  constructor(view: View, entry: Entry, prior: (resource: string, id: string) => Doc | null) {
    this.store = view.store;
    this.#view = view;
    this.#entry = entry;
    this.#prior = prior;
  }

  get(resource: string, id: string): Doc | null {
    this.#looked(resource, id);
    let doc = this.#prior(resource, id);
    for (const operation of this.#operations)
      if (operation.resource === resource && operation.id === id) doc = operate(doc, operation);
    return doc;
  }

  list(resource: string, query: Query): Doc[] {
    this.#looked(resource, ANY);
    return this.#view.list(resource, query);
  }

  count(resource: string, query: Query): number {
    this.#looked(resource, ANY);
    return this.#view.count(resource, query);
  }

  put(resource: string, doc: Doc): void {
    const id = doc[this.#view.table(resource).resource.id];
    if (typeof id !== 'string') throw new TypeError(`a document of "${resource}" needs its id`);
    this.#operations.push({ type: 'put', resource, id, doc });
  }

  remove(resource: string, id: string): void {
    this.#operations.push({ type: 'remove', resource, id });
  }

  add(resource: string, id: string, field: string, by: number, missing: Doc | null = null): void {
    this.#operations.push({ type: 'add', resource, id, field, by, missing });
  }

  newId(resource: string): string {
    const id = temporaryId(resource, this.#entry, this.#temporary.length + 1);
    this.#temporary.push(id);
    return this.#view.settledId(id);
  }

  effect(): Effect {
    return { operations: this.#operations, reads: [...this.#reads.values()], temporary: this.#temporary };
  }

  #looked(resource: string, id: string): void {
    this.#reads.set(`${resource}\0${id}`, { resource, id });
  }
}

/** The stored operations and reads. */
export class Overlay {
  readonly #tables: Tables;
  readonly #statements;

  constructor(db: DatabaseSync, tables: Tables) {
    this.#tables = tables;
    this.#statements = {
      put: db.prepare(
        'INSERT INTO entry_op (seq, n, resource, id, type, field, by, doc) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      ),
      read: db.prepare('INSERT INTO entry_read (seq, resource, id) VALUES (?, ?, ?)'),
      any: db.prepare('SELECT EXISTS (SELECT 1 FROM entry_op) OR EXISTS (SELECT 1 FROM entry_read) AS "any"'),
      touches: db.prepare('SELECT 1 FROM entry_op WHERE resource = ? AND id = ? LIMIT 1'),
      acts: db.prepare('SELECT 1 FROM entry_op WHERE seq = ? LIMIT 1'),
      removal: db.prepare("SELECT 1 FROM entry_op WHERE seq = ? AND type = 'remove' LIMIT 1"),
      drop: db.prepare('DELETE FROM entry_op WHERE seq = ?'),
      dropReads: db.prepare('DELETE FROM entry_read WHERE seq = ?'),
      dropBehind: db.prepare(`DELETE FROM entry_op WHERE resource = ? AND id = ?
        AND seq IN (SELECT seq FROM entry WHERE behind = 1)`),
      behind: db.prepare(`SELECT DISTINCT o.seq FROM entry_op o JOIN entry e ON e.seq = o.seq
        WHERE o.resource = ? AND o.id = ? AND e.behind = 1 ORDER BY o.seq`),
      holds: db.prepare(`SELECT seq, n, doc FROM entry_op
        WHERE resource = ? AND id = ? AND seq < ? AND type = 'hold' AND type <> 'add'`),
      setHeld: db.prepare('UPDATE entry_op SET doc = ? WHERE seq = ? AND n = ?'),
      documents: db.prepare('SELECT DISTINCT resource, id FROM entry_op WHERE seq = ?'),
      ofDocument: db.prepare(
        'SELECT type, field, by, doc FROM entry_op WHERE resource = ? AND id = ? AND seq >= ? AND seq < ? ORDER BY seq, n',
      ),
      // The last unsettled entry before it that edited this document: that one waits for those before.
      editor: db.prepare(`SELECT max(${lastOpen('put')}, ${lastOpen('remove')}) AS seq`),
      // The entry that made this document, which the base lacks, if it is unsettled: later puts are edits.
      maker: db.prepare(`SELECT seq FROM entry WHERE state IN ('queued', 'sending', 'unknown')
        AND seq = coalesce(${firstPut(LAST_REMOVAL)}, ${firstPut('0')})`),
    };
  }

  /** No entry touches a document, nor has looked at one. */
  isEmpty(): boolean {
    return this.#statements.any.get()?.['any'] === 0;
  }

  /** Does any entry do something to this document? */
  touches(resource: string, id: string): boolean {
    return this.#statements.touches.get(resource, id) !== undefined;
  }

  /** Does this entry do anything to a document? What is offered again to a restored cloud does not: the base contains it. */
  acts(seq: number): boolean {
    return this.#statements.acts.get(seq) !== undefined;
  }

  /** Does any of these entries remove a document? */
  removes(seqs: readonly number[]): boolean {
    return seqs.some((seq) => this.#statements.removal.get(seq) !== undefined);
  }

  /** Keeps an entry's effect; the views are the caller's to bring up to date. */
  keep(seq: number, effect: Effect): void {
    for (const [n, operation] of effect.operations.entries()) {
      const { type, resource, id } = operation;
      const field = type === 'add' ? operation.field : null;
      const by = type === 'add' ? operation.by : null;
      const doc = docOf(operation);
      this.#statements.put.run(seq, n, resource, id, type, field, by, doc === null ? null : JSON.stringify(doc));
    }
    for (const { resource, id } of effect.reads) this.#statements.read.run(seq, resource, id);
  }

  /** Forgets an entry's effect, and returns the documents it had touched. */
  drop(seq: number): { resource: string; id: string }[] {
    const documents = this.documentsOf(seq);
    this.#statements.drop.run(seq);
    this.#statements.dropReads.run(seq);
    return documents;
  }

  /** The base contains an entry from now on: so do the documents that earlier ones hold. */
  fold(seq: number): void {
    for (const { resource, id } of this.documentsOf(seq)) this.#fold(seq, resource, id);
  }

  #fold(seq: number, resource: string, id: string): void {
    const holds = this.#statements.holds.all(resource, id, seq);
    if (holds.length === 0) return;
    const operations = this.operations(resource, id, seq, seq + 1);
    for (const { seq: holder, n, doc } of holds) {
      const folded = operations.reduce(operate, JSON.parse(String(doc)) as Doc | null);
      // What has gone is nothing to hold on to.
      if (folded !== null) this.#statements.setHeld.run(JSON.stringify(folded), Number(holder), Number(n));
    }
  }

  /** What the entries from one on and before another do to a document, in order. */
  operations(resource: string, id: string, from: number, before: number): Operation[] {
    return this.#statements.ofDocument.all(resource, id, from, before).map((row) => operationOf(resource, id, row));
  }

  documentsOf(seq: number): { resource: string; id: string }[] {
    return this.#statements.documents.all(seq) as { resource: string; id: string }[];
  }

  /** Keeps an entry's effect as it is, whatever changes beneath, and returns the documents that it touches. */
  settle(seq: number): { resource: string; id: string }[] {
    this.#statements.dropReads.run(seq);
    return this.documentsOf(seq);
  }

  /** Forgets what entries that lie behind the place in the feed do to a document; true if there was anything. */
  dropBehind(resource: string, id: string): boolean {
    for (const row of this.#statements.behind.all(resource, id)) this.#fold(Number(row['seq']), resource, id);
    return this.#statements.dropBehind.run(resource, id).changes > 0;
  }

  /** Opens documents as they were before each entry, in the order of acceptance. */
  folds(): Folds {
    return new Folds(this.#tables, (...asked) => this.operations(...asked));
  }

  /**
   * The entries that one must wait for (I3): those that make a document it names, and those that edit one it edits. An
   * edit of what it only names is none of them, or its refusal would stop what does not build on it (I4). Adding to a
   * number binds nothing else.
   */
  needs(seq: number, effect: Effect): Set<number> {
    const { maker, editor } = this.#statements;
    const needs = new Set<number>();
    for (const { resource, id } of [...effect.reads, ...effect.operations])
      if (id !== ANY && !this.#hasBase(resource, id)) needs.add(Number(maker.get(resource, id, seq)?.['seq'] ?? 0));
    for (const { type, resource, id } of effect.operations)
      if (type !== 'add') needs.add(Number(editor.get(resource, id, seq)?.['seq']));
    needs.delete(0);
    return needs;
  }

  #hasBase(resource: string, id: string): boolean {
    return typeof this.#tables.get(resource)?.row(id)?.base === 'string';
  }
}

/**
 * Documents as they were before an entry: their base with the earlier operations done to it. Asked in ascending order of
 * entries, each operation is done once, however many entries look at one document. Good for as long as no base changes.
 */
export class Folds {
  readonly #tables: Tables;
  readonly #operations: (resource: string, id: string, from: number, before: number) => Operation[];
  readonly #done = new Map<string, { doc: Doc | null; before: number }>();

  constructor(tables: Tables, operations: (resource: string, id: string, from: number, before: number) => Operation[]) {
    this.#tables = tables;
    this.#operations = operations;
  }

  before(resource: string, id: string, seq: number): Doc | null {
    const key = `${resource}\0${id}`;
    const known = this.#done.get(key);
    const from = known === undefined || known.before > seq ? { doc: this.#base(resource, id), before: 0 } : known;
    const doc = this.#operations(resource, id, from.before, seq).reduce(operate, from.doc);
    this.#done.set(key, { doc, before: seq });
    return doc;
  }

  /** With all entries' operations done to it: the view. */
  after(resource: string, id: string): Doc | null {
    return this.before(resource, id, Number.MAX_SAFE_INTEGER);
  }

  #base(resource: string, id: string): Doc | null {
    const base = this.#tables.get(resource)?.row(id)?.base;
    return typeof base === 'string' ? (JSON.parse(base) as Doc) : null;
  }
}

/** The document that an operation carries. */
function docOf(operation: Operation): Doc | null {
  if (operation.type === 'put' || operation.type === 'hold') return operation.doc;
  return operation.type === 'add' ? operation.missing : null;
}

function operationOf(resource: string, id: string, row: Record<string, unknown>): Operation {
  const doc = typeof row['doc'] === 'string' ? (JSON.parse(row['doc']) as Doc) : null;
  const { type } = row;
  if ((type === 'put' || type === 'hold') && doc !== null) return { type, resource, id, doc };
  if (type === 'remove') return { type: 'remove', resource, id };
  return { type: 'add', resource, id, field: String(row['field']), by: Number(row['by']), missing: doc };
}
