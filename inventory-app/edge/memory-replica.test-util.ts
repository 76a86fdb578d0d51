/** A replica in memory, for tests of the profile's functions alone; the real one is tested with the real app elsewhere. */
import type { Doc, Json, Match, Query, Resource, Writer } from '@larder/sync/profile';
import { resources } from './resources.ts';

const compare = (a: Json, b: Json) =>
  typeof a === 'number' && typeof b === 'number' ? a - b : Buffer.compare(Buffer.from(`${a}`), Buffer.from(`${b}`));

function matches(value: Json, match: Match): boolean {
  if (match === null || typeof match !== 'object' || Array.isArray(match)) return value === match;
  if ('in' in match) return (match.in as Json[]).includes(value);
  if (value === null) return false;
  const within = {
    gt: (by: number) => by > 0,
    gte: (by: number) => by >= 0,
    lt: (by: number) => by < 0,
    lte: (by: number) => by <= 0,
  };
  return Object.entries(match).every(([name, bound]) =>
    within[name as keyof typeof within](compare(value, bound as Json)),
  );
}

function resourceOf(name: string): Resource {
  const resource = resources[name];
  if (resource === undefined) throw new TypeError(`there is no resource "${name}"`);
  return resource;
}

export class MemoryReplica implements Writer {
  readonly store: string;
  /** What was looked at by id, as `resource/id`. */
  readonly looked = new Set<string>();
  readonly #docs = new Map<string, Map<string, Doc>>();

  constructor(store: string, docs: Record<string, Doc[]> = {}) {
    this.store = store;
    for (const [resource, all] of Object.entries(docs)) for (const doc of all) this.put(resource, doc);
  }

  get(resource: string, id: string): Doc | null {
    this.looked.add(`${resource}/${id}`);
    return this.#all(resource).get(id) ?? null;
  }

  list(resource: string, { where = {}, terms = [], order = [], after, limit = Infinity }: Query): Doc[] {
    const { index, search } = resourceOf(resource);
    for (const field of Object.keys(where))
      if (field !== 'id' && !index.includes(field)) throw new TypeError(`"${field}" is not indexed`);
    const fields: typeof order = order.some(([field]) => field === 'id') ? order : [...order, ['id', 'asc']];
    const byOrder = (valuesOf: (field: string, at: number) => Json, doc: Doc) => {
      for (const [at, [field, direction]] of fields.entries()) {
        const by = compare(doc[field] ?? null, valuesOf(field, at));
        if (by !== 0) return direction === 'asc' ? by : -by;
      }
      return 0;
    };
    return [...this.#all(resource).values()]
      .filter((doc) => Object.entries(where).every(([field, match]) => matches(doc[field] ?? null, match)))
      .filter((doc) => terms.every((term) => search?.(doc).includes(term)))
      .filter((doc) => after === undefined || byOrder((_, at) => after[at] ?? null, doc) > 0)
      .sort((a, b) => byOrder((field) => b[field] ?? null, a))
      .slice(0, limit);
  }

  count(resource: string, query: Query): number {
    return this.list(resource, query).length;
  }

  put(resource: string, doc: Doc): void {
    this.#all(resource).set(String(doc.id), doc);
  }

  remove(resource: string, id: string): void {
    this.#all(resource).delete(id);
  }

  add(resource: string, id: string, field: string, by: number, missing?: Doc): void {
    const doc = this.#all(resource).get(id) ?? missing;
    if (doc !== undefined) this.put(resource, { ...doc, [field]: Number(doc[field]) + by });
  }

  newId(resource: string): string {
    throw new Error(`the inventory app needs no temporary id of ${resource}`);
  }

  #all(resource: string): Map<string, Doc> {
    let docs = this.#docs.get(resource);
    if (docs === undefined) this.#docs.set(resource, (docs = new Map()));
    return docs;
  }
}
