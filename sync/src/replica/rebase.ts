/**
 * Rebase: keeps every document's view equal to its base with the waiting entries' effects done to it. Entries that had
 * looked at a document whose base or earlier effects changed are run again, each seeing the documents as they were
 * before it; the others' operations are only added up anew.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { crashPoint } from '../crash-point.ts';
import { messageOf } from '../database.ts';
import type { App, Doc, Req } from '../profile.ts';
import type { Entries, QueuedEntry } from '../queue/entries.ts';
import { reqOf } from '../request.ts';
import { compileRoutes, type Routes } from '../route.ts';
import { TEMPORARY_ID } from '../temporary-id.ts';
import { ANY, Application, operate, type Effect, type Folds, type Operation, type Overlay } from './overlay.ts';
import type { Tables } from './tables.ts';
import type { View } from './view.ts';

export interface RebaseParts {
  db: DatabaseSync;
  app: App;
  tables: Tables;
  view: View;
  overlay: Overlay;
  entries: Entries;
}

export class Rebase {
  readonly #parts: RebaseParts;
  readonly #writes: Routes<unknown>;
  readonly #note: StatementSync;
  readonly #addReaders: StatementSync;
  readonly #nextReader: StatementSync;
  readonly #clearReaders: StatementSync;
  readonly #changed: StatementSync;
  readonly #clear: StatementSync;
  /** Noted, and its readers not yet looked for. */
  #fresh: { resource: string; id: string }[] = [];
  /** Entries whose last run touched other documents than the one before. */
  #retagged = new Set<number>();

  constructor(parts: RebaseParts) {
    this.#parts = parts;
    this.#writes = compileRoutes<unknown>(parts.app.writes);
    this.#note = parts.db.prepare('INSERT OR IGNORE INTO changed (resource, id) VALUES (?, ?)');
    this.#changed = parts.db.prepare(`SELECT resource, id FROM changed WHERE id <> '${ANY}'`);
    this.#clear = parts.db.prepare('DELETE FROM changed');
    this.#addReaders = parts.db.prepare(
      'INSERT OR IGNORE INTO rerun (seq) SELECT seq FROM entry_read WHERE resource = ? AND id = ? AND seq > ?',
    );
    this.#nextReader = parts.db.prepare('SELECT min(seq) AS seq FROM rerun WHERE seq > ?');
    this.#clearReaders = parts.db.prepare('DELETE FROM rerun');
  }

  /** The request as the profile sees it, for an entry in the queue. */
  reqOf(entry: QueuedEntry): Req {
    const params = this.#writes.match(entry.method, entry.path)?.params ?? {};
    return reqOf({ ...entry, claims: null }, params);
  }

  /** Runs the newest entry for the first time; returns it as it then is. An apply that throws is the caller's to judge. */
  first(entry: QueuedEntry): QueuedEntry {
    const { view, overlay, entries, tables } = this.#parts;
    const application = new Application(view, entry, (resource, id) => view.get(resource, id));
    this.#apply(entry, application);
    const effect = application.effect();
    overlay.keep(entry.seq, effect);
    entries.addNeeds(entry.seq, this.#needsOf(entry, effect));
    for (const [key, { resource, id }] of touchedBy(effect)) {
      let doc = view.get(resource, id);
      for (const operation of effect.operations)
        if (`${operation.resource}/${operation.id}` === key) doc = operate(doc, operation);
      tables.get(resource)?.setView(id, doc);
    }
    const tags = tagsOf(touchedBy(effect).values());
    const [made, looked] = documentsOf(effect);
    const { temporary } = effect;
    entries.setEffect(entry.seq, { tags, made, looked, temporary });
    return { ...entry, tags, temporary };
  }

  /** I3: an id that the cloud has still to choose is waited for wherever it stands, looked at by the apply or not. */
  #needsOf({ seq, path, search, body }: QueuedEntry, effect: Effect): Set<number> {
    const { overlay, tables } = this.#parts;
    const named = `${path}${search}${body ?? ''}`.match(TEMPORARY_ID) ?? [];
    // An id does not say of which resource it is.
    const documents = named.flatMap((id) => [...tables.keys()].map((resource) => ({ resource, id })));
    return overlay.needs(seq, { ...effect, reads: [...effect.reads, ...documents] });
  }

  /** Notes that a document's base changed, or that an effect on it went. */
  changed(resource: string, id: string): void {
    for (const each of [id, ANY])
      if (this.#note.run(resource, each).changes > 0) this.#fresh.push({ resource, id: each });
  }

  /** A document contains what lies behind the place in the feed: the overlay must not show that besides. */
  contained(resource: string, id: string): void {
    if (this.#parts.overlay.dropBehind(resource, id)) this.changed(resource, id);
  }

  /** Takes an entry's effect out of the overlay. */
  release(seq: number): void {
    for (const { resource, id } of this.#parts.overlay.drop(seq)) this.changed(resource, id);
    this.#parts.entries.setLanded(seq);
  }

  /** Runs an entry again because the entry itself changed. */
  rerun(seq: number): void {
    for (const { resource, id } of this.#parts.overlay.drop(seq)) this.changed(resource, id);
    this.#again(seq, this.#parts.overlay.folds());
  }

  /**
   * Nobody can say whether the base contains an entry, nor whether what comes next does: whatever comes, the documents
   * that it touches are shown as they are now, with what later entries do to them, until it is settled.
   */
  hold(seq: number): void {
    const { overlay, entries } = this.#parts;
    const folds = overlay.folds();
    // What has an effect in the overlay is not in the base; of the others only a run says what they touch.
    const own = overlay.acts(seq);
    const touched = own ? null : this.#attempt(entries.get(seq), folds).operations;
    const documents = touched === null ? overlay.documentsOf(seq) : [...touchedBy({ operations: touched }).values()];
    const held = documents.flatMap(({ resource, id }) => {
      const acts = touched?.filter((each) => each.resource === resource && each.id === id);
      const doc = folds.before(resource, id, own ? seq + 1 : seq);
      return heldAs(doc, resource, id, acts ?? overlay.operations(resource, id, seq, seq + 1));
    });
    overlay.drop(seq);
    overlay.keep(seq, { operations: held, reads: [], temporary: [] });
    for (const { resource, id } of documents) this.changed(resource, id);
  }

  /**
   * Brings all views in line with what was noted. Returns the tags of the documents concerned, and the entries that the
   * overlay shows with other tags than before.
   */
  settle(): { tags: string[]; retagged: { seq: number; tags: string[] }[] } {
    const folds = this.#parts.overlay.folds();
    for (let seq = this.#readerAfter(0); seq !== null; seq = this.#readerAfter(seq)) {
      const documents = this.#parts.overlay.drop(seq);
      for (const { resource, id } of documents) this.changed(resource, id);
      this.#again(seq, folds);
    }
    const documents = this.#changed.all() as { resource: string; id: string }[];
    for (const { resource, id } of documents) this.#parts.tables.get(resource)?.setView(id, folds.after(resource, id));
    this.#clear.run();
    this.#clearReaders.run();
    const retagged = [...this.#retagged].map((seq) => this.#parts.entries.get(seq)).filter((entry) => entry.overlaid);
    this.#retagged.clear();
    return { tags: tagsOf(documents), retagged: retagged.map(({ seq, tags }) => ({ seq, tags })) };
  }

  /** The earliest entry after this one that had looked at something that changed. */
  #readerAfter(seq: number): number | null {
    for (const { resource, id } of this.#fresh) this.#addReaders.run(resource, id, seq);
    this.#fresh = [];
    const found = this.#nextReader.get(seq)?.['seq'];
    return found === null || found === undefined ? null : Number(found);
  }

  /** Runs an entry whose old effect was dropped, at its place in the order of acceptance. */
  #again(seq: number, folds: Folds): void {
    const { overlay, entries } = this.#parts;
    const entry = entries.get(seq);
    crashPoint?.('rebase');
    const effect = this.#attempt(entry, folds);
    overlay.keep(seq, effect);
    if (entry.state === 'queued') entries.addNeeds(seq, this.#needsOf(entry, effect));
    const touched = touchedBy(effect);
    for (const { resource, id } of touched.values()) this.changed(resource, id);
    if (touched.size > 0) entries.setDocuments(seq, ...documentsOf(effect));
    const tags = tagsOf(touched.values());
    if (tags.join() === entry.tags.join()) return;
    entries.setTags(seq, tags);
    this.#retagged.add(seq);
  }

  /**
   * An entry that no longer applies loses its effect and is flagged; it is sent all the same. What it had looked at by
   * then is remembered: a change of that may let it apply again.
   */
  #attempt(entry: QueuedEntry, folds: Folds): Effect {
    const { view, entries } = this.#parts;
    const application = new Application(view, entry, (resource, id) => folds.before(resource, id, entry.seq));
    try {
      this.#apply(entry, application);
      entries.setFault(entry.seq, null);
      return application.effect();
    } catch (error) {
      entries.setFault(entry.seq, messageOf(error));
      return { ...application.effect(), operations: [] };
    }
  }

  #apply(entry: QueuedEntry, application: Application): void {
    const write = this.#parts.app.writes[entry.route];
    if (write === undefined) throw new Error(`the profile no longer has the write "${entry.route}"`);
    write.apply(application, this.reqOf(entry), entry);
  }
}

/** What an entry that holds a document does to it; later edits have to wait for it all the same, if it edits it (I3). */
function heldAs(doc: Doc | null, resource: string, id: string, operations: readonly Operation[]): Operation[] {
  if (doc === null) return operations.filter(({ type }) => type === 'remove');
  const edit = operations.some(({ type }) => type === 'put') ? [{ type: 'put' as const, resource, id, doc }] : [];
  return [...edit, { type: 'hold', resource, id, doc }];
}

const touchedBy = (effect: Pick<Effect, 'operations'>) =>
  new Map(effect.operations.map(({ resource, id }) => [`${resource}/${id}`, { resource, id }]));

/** What a run made or edited, and all that it looked at or touched. */
function documentsOf({ operations, reads }: Effect): [made: string[], looked: string[]] {
  const name = ({ resource, id }: { resource: string; id: string }) => `${resource}/${id}`;
  const made = new Set(operations.filter(({ type }) => type !== 'add').map(name));
  const looked = new Set([...reads.filter(({ id }) => id !== ANY), ...operations].map(name));
  return [[...made], [...looked]];
}

/** A document's own tag and its resource's. */
export function tagsOf(documents: Iterable<{ resource: string; id: string }>): string[] {
  const tags = new Set<string>();
  for (const { resource, id } of documents) tags.add(resource).add(`${resource}/${id}`);
  return [...tags];
}
