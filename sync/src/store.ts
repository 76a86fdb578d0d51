/** What the writer thread owns: `edge.db` with replica, overlay, queue and tags, and the one way to commit to them. */
import type { DatabaseSync } from 'node:sqlite';
import type { Step } from './crash-point.ts';
import { isDiskFault, openWriter, savepoint, transaction } from './database.ts';
import { LarderError } from './errors.ts';
import type { App, Doc } from './profile.ts';
import { Again } from './queue/again.ts';
import { IMPORTED } from './queue/transfer.ts';
import { Entries } from './queue/entries.ts';
import { Overlay } from './replica/overlay.ts';
import { Rebase } from './replica/rebase.ts';
import { computedIn } from './replica/absent.ts';
import { prepareTables } from './replica/places.ts';
import { openTables, type OpenTables, type Tables } from './replica/tables.ts';
import { View } from './replica/view.ts';
import { renameIds } from './rename-ids.ts';
import { EVERYTHING } from './tag-table.ts';
import { TEMPORARY_ID } from './temporary-id.ts';

const MOST_TAGS = 20_000;

/** What a commit changed, for the front to know before anybody is answered. */
export interface Bump {
  sequence: number;
  tags: string[];
  /** Entries that the overlay shows from now on, or with other tags than before. */
  opened: { seq: number; tags: string[] }[];
  /** Entries that the base contains from now on, or that have no effect any more. */
  closed: number[];
}

/** What is noted while a transaction runs. */
export class Noted {
  readonly tags = new Set<string>();
  readonly opened: { seq: number; tags: string[] }[] = [];
  readonly closed: number[] = [];

  tag(...tags: string[]): void {
    for (const tag of tags) this.tags.add(tag);
  }

  add(part: Noted): void {
    this.tag(...part.tags);
    this.opened.push(...part.opened);
    this.closed.push(...part.closed);
  }
}

export class Store {
  readonly db: DatabaseSync;
  readonly app: App;
  readonly tables: Tables;
  readonly view: View;
  readonly entries: Entries;
  readonly again: Again;
  readonly overlay: Overlay;
  readonly rebase: Rebase;
  readonly #open: OpenTables;
  readonly #meta;
  readonly #bumpTag;
  readonly #published: (bump: Bump) => void;
  #sequence: number;
  /** Resources of which documents were stored that nothing waiting touches. */
  readonly #plain = new Set<string>();
  /** Rows of `tag`, or more: a tag that is bumped again is counted again. */
  #tagRows = MOST_TAGS;

  constructor(data: string, app: App, store: string, published: (bump: Bump) => void) {
    this.app = app;
    this.#published = published;
    this.db = openWriter(data);
    transaction(this.db, 'tables', () => prepareTables(this.db, app.resources, app.release));
    this.#open = openTables(this.db, app.resources, computedIn(this.db, app.resources));
    this.tables = this.#open.tables;
    this.view = new View({ db: this.db, tables: this.tables, store });
    this.entries = new Entries(this.db);
    this.again = new Again(this.db);
    this.overlay = new Overlay(this.db, this.tables);
    this.rebase = new Rebase(this);
    this.#meta = {
      get: this.db.prepare('SELECT value FROM meta WHERE name = ?'),
      set: this.db.prepare(
        'INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2',
      ),
      remove: this.db.prepare('DELETE FROM meta WHERE name = ?'),
    };
    this.#bumpTag = this.db.prepare(
      'INSERT INTO tag (tag, sequence) VALUES (?1, ?2) ON CONFLICT (tag) DO UPDATE SET sequence = ?2',
    );
    this.#sequence = Number(this.meta('sequence') ?? 0);
    this.#readable();
    transaction(this.db, 'restart', () => this.entries.restart());
    this.#showImported();
  }

  /** What was imported while nobody could run it is shown from the start (I6). */
  #showImported(): void {
    if (this.meta(IMPORTED) === null) return;
    transaction(this.db, 'imported', () => {
      const noted = new Noted();
      for (const { seq, tags } of this.entries.overlaid()) if (tags.length === 0) this.rebase.rerun(seq);
      noted.tag(...this.rebase.settle().tags);
      this.#raise(noted);
      this.setMeta(IMPORTED, null);
    });
  }

  /** What waits must be readable by this release of the profile, or nothing starts. */
  #readable(): void {
    const newest = this.entries.newestRelease();
    if (newest > this.app.release)
      throw new LarderError(
        'LARDER_PROFILE_TOO_OLD',
        `Release ${newest} of "${this.app.name}" accepted them, this is release ${this.app.release}.`,
      );
    const unknown = this.entries.waitingRoutes().filter((route) => !Object.hasOwn(this.app.writes, route));
    if (unknown.length > 0)
      throw new LarderError(
        'LARDER_PROFILE_TOO_OLD',
        `Release ${this.app.release} of "${this.app.name}" has no ${unknown.map((route) => `"${route}"`).join(', ')}.`,
      );
  }

  meta(name: string): string | null {
    const value = this.#meta.get.get(name)?.['value'];
    return typeof value === 'string' ? value : null;
  }

  setMeta(name: string, value: string | null): void {
    if (value === null) this.#meta.remove.run(name);
    else this.#meta.set.run(name, value);
  }

  /**
   * Runs `work` in one durable transaction, brings the views in line, raises the tags it noted, and tells the front
   * after the commit and before anything else (I6). At each step tests can have the process crash.
   */
  commitAs<T>(step: Step, work: (noted: Noted) => T): T {
    if (!this.#isRepeatable(step)) return this.#commitNow(step, work);
    this.db.exec('PRAGMA synchronous = NORMAL');
    try {
      return this.#commitNow(step, work);
    } finally {
      this.db.exec('PRAGMA synchronous = FULL');
    }
  }

  /**
   * Whether a power cut may take a commit back: what it did is done again from what is kept, and nobody was told of it. Such
   * a commit waits for no fsync, and the next one that does brings all before it to the disk. It raises no tag: a sequence
   * that went back would let answers be found in the cache that were invalidated (I10).
   */
  #isRepeatable(step: Step): boolean {
    if (step === 'rebuild' || step === 'cleared') return true;
    return step === 'walk-page' && this.#isFirstWalk() && this.overlay.isEmpty();
  }

  /** No answer was ever made from what it brings, and its end raises everything. */
  #isFirstWalk(): boolean {
    return this.meta('walked') === null;
  }

  #commitNow<T>(step: Step, work: (noted: Noted) => T): T {
    const noted = new Noted();
    const result = transaction(this.db, step, () => {
      const value = work(noted);
      const { tags, retagged } = this.rebase.settle();
      noted.tag(...tags, ...this.#plain);
      this.#plain.clear();
      noted.opened.push(...retagged);
      this.#raise(noted);
      return value;
    });
    if (noted.tags.size > 0 || noted.opened.length > 0 || noted.closed.length > 0)
      this.#published({
        sequence: this.#sequence,
        tags: [...noted.tags],
        opened: noted.opened,
        closed: noted.closed,
      });
    return result;
  }

  /**
   * A part of a commit that can fail alone: then nothing of it stays, and `failed` says what comes of it. A failing disk
   * fails the whole.
   */
  part<T>(noted: Noted, work: (noted: Noted) => T, failed: (error: unknown) => T): T {
    const own = new Noted();
    try {
      const value = savepoint(this.db, () => work(own));
      noted.add(own);
      return value;
    } catch (error) {
      // SQLite has rolled back more than the part: what comes after it would stand alone.
      if (!this.db.isTransaction || isDiskFault(error)) throw error;
      return failed(error);
    }
  }

  #raise(noted: Noted): void {
    if (noted.tags.size === 0) return;
    // A commit that fails leaves a gap in the sequence, which harms nothing.
    this.#sequence += 1;
    this.#bound(noted);
    for (const tag of noted.tags) this.#bumpTag.run(tag, this.#sequence);
    this.setMeta('sequence', String(this.#sequence));
  }

  /** I11: where there are too many tags, one bump of everything stands for all of them. */
  #bound(noted: Noted): void {
    this.#tagRows += noted.tags.size;
    if (this.#tagRows > MOST_TAGS)
      this.#tagRows = noted.tags.size + Number(this.db.prepare('SELECT count(*) AS n FROM tag').get()?.['n']);
    if (this.#tagRows > MOST_TAGS) noted.tag(EVERYTHING);
    if (!noted.tags.has(EVERYTHING)) return;
    this.db.exec('DELETE FROM tag');
    this.#tagRows = noted.tags.size;
  }

  /** All that the front has to know at the start. */
  snapshot(): { tags: [string, number][]; opened: Bump['opened'] } {
    const tags = this.db
      .prepare('SELECT tag, sequence FROM tag')
      .all()
      .map((row): [string, number] => [String(row['tag']), Number(row['sequence'])]);
    return { tags, opened: this.entries.overlaid() };
  }

  /** Takes an entry out of the overlay: the base contains it, or it will never take effect. */
  release(seq: number, noted: Noted): void {
    const { tags, state } = this.entries.get(seq);
    if (state !== 'refused' && state !== 'discarded') this.overlay.fold(seq);
    this.rebase.release(seq);
    noted.tag(...tags);
    noted.closed.push(seq);
  }

  /**
   * Replaces temporary ids by the cloud's in the overlay of the entry that made them, and in all waiting entries: path,
   * query and body. What has been sent stays as it is: its key stands for those bytes.
   */
  replaceIds(ids: Record<string, string>, maker: number): void {
    const pairs = Object.entries(ids).filter(([temporary, id]) => temporary !== id);
    if (pairs.length === 0) return;
    const before = new Map(pairs.map(([temporary]) => [temporary, this.view.settledId(temporary)]));
    const known = this.db.prepare(`INSERT INTO temporary_id (temporary, id, maker) VALUES (?1, ?2, ?3)
      ON CONFLICT (temporary) DO UPDATE SET id = ?2`);
    for (const [temporary, id] of pairs) known.run(temporary, id, maker);
    const renamed = pairs.map(([temporary, id]): [string, string] => [before.get(temporary) ?? temporary, id]);
    this.#rename(new Map(renamed.filter(([old, id]) => old !== id && !old.match(TEMPORARY_ID))), maker);
    const entry = this.entries.get(maker);
    const isNews = pairs.some(([temporary, id]) => before.get(temporary) !== id);
    if (isNews && entry.overlaid && (!entry.again || this.overlay.acts(maker))) this.rebase.rerun(maker);
    for (const { seq, path, search, body } of this.entries.neverSent(maker)) {
      const text = `${path}${search}${body ?? ''}`;
      if (this.settledIds(text) === text) continue;
      const settledBody = body === null ? null : this.settledIds(body);
      this.entries.rewrite(seq, this.settledIds(path), this.settledIds(search), settledBody);
      this.rebase.rerun(seq);
    }
  }

  /**
   * A restored cloud gave a document another id than the first time. So it has lost all that came after, and what is
   * still to be sent is sent with the new one, whatever was sent before.
   */
  #rename(ids: ReadonlyMap<string, string>, maker: number): void {
    if (ids.size === 0) return;
    this.#renameBase(ids, maker);
    for (const { seq, path, search, body, again } of this.entries.unsettledAfter(maker)) {
      const renamed = renameIds(ids, { path, search, body });
      if (renamed === null) continue;
      this.entries.rewrite(seq, renamed.path, renamed.search, renamed.body);
      if (!again || this.overlay.acts(seq)) this.rebase.rerun(seq);
      else this.#renameBase(ids, seq);
    }
  }

  /**
   * What an entry had made stays where it can be found, under the names that are good from now on, until the restored
   * cloud's own comes (I6): the base contains it, and no waiting entry shows it.
   */
  #renameBase(ids: ReadonlyMap<string, string>, seq: number): void {
    if (this.overlay.acts(seq)) return;
    for (const { resource, id } of this.again.madeBy(seq)) {
      const table = this.tables.get(resource);
      const old = [...ids].find(([, now]) => now === this.settledIds(id))?.[0] ?? this.settledIds(id);
      const base = table?.row(old)?.base;
      if (table === undefined || typeof base !== 'string') continue;
      const renamed = renameIds(ids, { path: '', search: '', body: base })?.body ?? base;
      const doc = JSON.parse(renamed) as Doc;
      const now = String(doc[table.resource.id]);
      if (now !== old) this.mendBase(resource, old, 0, null);
      // Older than whatever the cloud says of it.
      if (typeof table.row(now)?.base !== 'string' || now === old) this.mendBase(resource, now, 0, doc);
    }
  }

  /** Whoever names a document that was to be made means, from now on, the one that `maker` makes in its place. */
  supersedeIds(old: readonly string[], made: readonly string[], maker: number): void {
    const put = this.db.prepare('INSERT OR REPLACE INTO temporary_id (temporary, id, maker) VALUES (?, ?, ?)');
    for (const [at, id] of made.entries()) if (old[at] !== undefined) put.run(old[at], id, maker);
  }

  /** A text with every temporary id in it that the cloud has replaced by its own. */
  settledIds(text: string): string {
    return this.view.settledIds(text);
  }

  /**
   * It took effect before the place in the feed that is known: its marker does not come. Each document that is fetched
   * from now on contains it, and so does each that the walk under way has brought; the others show it until they come.
   */
  contain(seq: number, walkOf: (resource: string) => number): void {
    this.entries.setBehind(seq);
    for (const { resource, id } of this.overlay.settle(seq))
      if (this.tables.get(resource)?.isMet(id, walkOf(resource)) === true) this.rebase.contained(resource, id);
  }

  /** Stores what the cloud says of a document; true if that is news. */
  putBase(resource: string, id: string, version: number, doc: Doc | null, walk: number): boolean {
    const table = this.tables.get(resource);
    if (table === undefined) return false;
    if (!this.overlay.isEmpty()) {
      const isChanged = table.putBase(id, version, doc, walk);
      if (isChanged) this.rebase.changed(resource, id);
      this.rebase.contained(resource, id);
      return isChanged;
    }
    // Nothing waits that could show it otherwise: half the work, and a bootstrap is little else.
    const isChanged = table.putBoth(id, version, doc, walk);
    if (isChanged && !this.#isFirstWalk()) this.#plain.add(resource);
    return isChanged;
  }

  /** Stores what the audit found the cloud to have. */
  mendBase(resource: string, id: string, version: number, doc: Doc | null): void {
    this.tables.get(resource)?.mendBase(id, version, doc);
    this.rebase.changed(resource, id);
  }

  /** The tables that were filled beside those in use have taken their place. */
  rebuilt(resource: string, generation: number): void {
    this.#open.reopen(resource, generation);
  }

  close(): void {
    this.db.close();
  }
}
