/**
 * The audit: does every base equal what the cloud has? Stretch by stretch it compares digests, or, for apps without
 * them, the pages themselves. What differs is a suspicion only, for the feed may be on its way; it counts once an item
 * read, between two readings of the feed to the present, has confirmed it. So changes that come later are ignored, and
 * nothing is deleted because it was missing from a page. Drift is mended, counted and logged.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AuditReport, AuditStatus, Found } from './client.ts';
import { messageOf } from './database.ts';
import type { Feed } from './feed.ts';
import type { Doc, Resource } from './profile.ts';
import type { Stretch } from './replica/tables.ts';
import { resOf } from './request.ts';
import type { Store } from './store.ts';

export interface AuditParts {
  store: Store;
  storeId: string;
  now(): number;
  feed: Pick<Feed, 'ask' | 'reach' | 'complete' | 'walking'>;
  /** The status changed. */
  moved(): void;
  log(level: 'info' | 'warn', message: string, detail?: Record<string, unknown>): void;
}

/** Documents confirmed by one request. */
const AT_ONCE = 100;

export class Audit {
  readonly #parts: AuditParts;
  #status: AuditStatus;

  constructor(parts: AuditParts) {
    this.#parts = parts;
    const last = parts.store.meta('audit');
    const report = last === null ? null : (JSON.parse(last) as AuditReport);
    this.#status = { run: 0, running: null, last: report, failed: null };
  }

  get status(): AuditStatus {
    return this.#status;
  }

  /** Begins an audit, unless one is under way; returns its number, by which its end is known. Never throws. */
  begin(): number {
    if (this.#status.running !== null) return this.#status.run;
    this.#status = { ...this.#status, run: this.#status.run + 1, running: { resource: '', checked: 0 }, failed: null };
    void this.#run();
    return this.#status.run;
  }

  async #run(): Promise<void> {
    const { store, log, moved } = this.#parts;
    try {
      const report = await this.#all();
      store.commitAs('audited', () => store.setMeta('audit', JSON.stringify(report)));
      this.#status = { ...this.#status, running: null, last: report };
      const { checked, drifted, resources } = report;
      const sentence = `audit: checked ${checked} documents, ${drifted} drifted`;
      log(drifted === 0 ? 'info' : 'warn', sentence, { ...report, resources: drifted === 0 ? undefined : resources });
    } catch (error) {
      this.#status = { ...this.#status, running: null, failed: messageOf(error) };
      log('warn', 'the audit could not be finished', { error: messageOf(error) });
    }
    moved();
  }

  async #all(): Promise<AuditReport> {
    const { store, now, feed } = this.#parts;
    // While all is fetched anew, bases and cloud differ for good reasons.
    if (!feed.complete || feed.walking) throw new Error('the replica is not complete yet');
    const [began, epoch] = [now(), store.meta('epoch')];
    const resources: AuditReport['resources'] = {};
    for (const [name, resource] of Object.entries(store.app.resources)) {
      const one = new ResourceAudit(this.#parts, name, resource, epoch, (checked) => this.#progress(name, checked));
      resources[name] = await one.run();
    }
    const found = Object.values(resources);
    const sum = (of: (one: Found) => number) => found.reduce((total, one) => total + of(one), 0);
    return {
      at: new Date(began).toISOString(),
      ms: now() - began,
      checked: sum(({ checked }) => checked),
      drifted: sum(({ changed, missing, extra }) => changed + missing + extra),
      unconfirmed: sum(({ unconfirmed }) => unconfirmed),
      resources,
    };
  }

  #progress(resource: string, checked: number): void {
    const before = this.#status.running?.checked ?? 0;
    this.#status = { ...this.#status, running: { resource, checked: before + checked } };
    this.#parts.moved();
  }
}

/** The audit of one resource. */
class ResourceAudit {
  readonly #parts: AuditParts;
  readonly #name: string;
  readonly #resource: Resource;
  readonly #epoch: string | null;
  readonly #progress: (checked: number) => void;
  readonly #found: Found = { checked: 0, changed: 0, missing: 0, extra: 0, unconfirmed: 0 };

  constructor(
    parts: AuditParts,
    name: string,
    resource: Resource,
    epoch: string | null,
    progress: (checked: number) => void,
  ) {
    this.#parts = parts;
    this.#name = name;
    this.#resource = resource;
    this.#epoch = epoch;
    this.#progress = progress;
  }

  async run(): Promise<Found> {
    if (this.#resource.digest === undefined) await this.#byPages();
    else await this.#byDigests(this.#resource.digest);
    return this.#found;
  }

  async #byDigests(digest: NonNullable<Resource['digest']>): Promise<void> {
    const { feed, storeId } = this.#parts;
    let page: string | null = null;
    let after: string | null = null;
    do {
      const said = digest.read(resOf(await feed.ask(digest.ask(page, storeId))));
      const stretch: Stretch = { after, through: said.next === null ? null : said.through };
      const hash = digest.hash(this.#docs(stretch));
      if (hash !== said.hash) await this.#confirm(await this.#differing(page, stretch));
      [page, after] = [said.next, said.through];
    } while (page !== null);
  }

  *#docs(stretch: Stretch): Iterable<Doc> {
    let checked = 0;
    for (const { base } of this.#table.bases(stretch)) {
      checked += 1;
      yield (parsed(base) ?? {}) as Doc;
    }
    this.#checked(checked);
  }

  /** The ids in a stretch of which the cloud's pages, from this one on, say other than the bases do. */
  async #differing(from: string | null, { after, through }: Stretch): Promise<Set<string>> {
    const bases = new Map<string, string>();
    for (const { id, base } of this.#table.bases({ after, through })) bases.set(id, base);
    const suspects = new Set<string>();
    for (let page = from, isOver = false; !isOver;) {
      const { docs, next } = await this.#page(page);
      for (const doc of docs) {
        const id = this.#idOf(doc);
        // Ids in the order of their bytes: past the end, the rest is another stretch's.
        if (through !== null && Buffer.compare(Buffer.from(id), Buffer.from(through)) > 0) isOver = true;
        else if (!isSame(bases.get(id), doc)) suspects.add(id);
        bases.delete(id);
      }
      page = next;
      isOver ||= next === null;
    }
    for (const id of bases.keys()) suspects.add(id);
    return suspects;
  }

  /** Without digests: every page is fetched, and what no page had is looked for in the end. */
  async #byPages(): Promise<void> {
    const met = new Set<string>();
    for (let page: string | null = null, isOver = false; !isOver;) {
      const { docs, next }: Page = await this.#page(page);
      const suspects = new Set<string>();
      for (const doc of docs) {
        const id = this.#idOf(doc);
        met.add(id);
        if (!isSame(this.#table.row(id)?.base, doc)) suspects.add(id);
      }
      this.#checked(docs.length);
      await this.#confirm(suspects);
      page = next;
      isOver = next === null;
    }
    const unmet = new Set<string>();
    for (const { id } of this.#table.bases({ after: null, through: null })) if (!met.has(id)) unmet.add(id);
    await this.#confirm(unmet);
  }

  async #confirm(suspects: ReadonlySet<string>): Promise<void> {
    if (suspects.size === 0) return;
    const { named } = this.#resource;
    if (named === undefined) {
      this.#found.unconfirmed += suspects.size;
      return;
    }
    const ids = [...suspects];
    for (let at = 0; at < ids.length; at += AT_ONCE) await this.#confirmSome(ids.slice(at, at + AT_ONCE), named);
  }

  /** What the feed touches between its two readings is left to the feed: the item read may lie on either side of it. */
  async #confirmSome(ids: string[], named: NonNullable<Resource['named']>): Promise<void> {
    const { feed, store, storeId } = this.#parts;
    await feed.reach();
    const before = new Map(ids.map((id) => [id, this.#known(id)]));
    const { docs } = this.#resource.page(resOf(await feed.ask(named(ids, storeId))));
    await feed.reach();
    // The walk that follows a restored cloud mends everything.
    if (store.meta('epoch') !== this.#epoch) throw new Error('the cloud was restored meanwhile');
    const inCloud = new Map(docs.map((doc) => [this.#idOf(doc), doc]));
    const drifted = ids.filter((id) => {
      const now = this.#known(id);
      return now === before.get(id) && !isSame(this.#table.row(id)?.base, inCloud.get(id));
    });
    if (drifted.length > 0) this.#mend(drifted, inCloud);
  }

  #mend(ids: readonly string[], inCloud: ReadonlyMap<string, Doc>): void {
    const { store } = this.#parts;
    store.commitAs('mended', () => {
      for (const id of ids) {
        const doc = inCloud.get(id);
        const known = typeof this.#table.row(id)?.base === 'string';
        this.#found[doc === undefined ? 'extra' : known ? 'changed' : 'missing'] += 1;
        // What is not there has no version: whatever the feed says of it next is newer.
        store.mendBase(this.#name, id, doc === undefined ? 0 : this.#resource.version(doc), doc ?? null);
      }
    });
  }

  get #table() {
    const table = this.#parts.store.tables.get(this.#name);
    if (table === undefined) throw new TypeError(`there is no resource "${this.#name}"`);
    return table;
  }

  /** All that is kept of a document, as one value. */
  #known(id: string): string {
    const row = this.#table.row(id);
    return row === null ? '' : `${row.version} ${row.base ?? ''}`;
  }

  #idOf(doc: Doc): string {
    return String(doc[this.#resource.id]);
  }

  async #page(page: string | null): Promise<Page> {
    const { feed, storeId } = this.#parts;
    return this.#resource.page(resOf(await feed.ask(this.#resource.list(page, storeId))));
  }

  #checked(count: number): void {
    this.#found.checked += count;
    this.#progress(count);
  }
}

type Page = ReturnType<Resource['page']>;

/** Is this base the cloud's document? An absence equals an absence. */
function isSame(base: string | null | undefined, doc: Doc | undefined): boolean {
  if (typeof base !== 'string' || doc === undefined) return typeof base !== 'string' && doc === undefined;
  return base === JSON.stringify(doc) || isDeepStrictEqual(parsed(base), doc);
}

/** A base that is no JSON any more is no document. */
function parsed(base: string): unknown {
  try {
    return JSON.parse(base);
  } catch {
    return undefined;
  }
}
