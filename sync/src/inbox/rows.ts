/** The inbox's rows: entries that need a person, and what people did with them. Runs inside the writer's transaction. */
import type { DatabaseSync } from 'node:sqlite';
import type { Json } from '../profile.ts';
import { entryOf, type QueuedEntry } from '../queue/entries.ts';
import { INBOX_KINDS, type InboxAction, type InboxKind, type ListOrder } from './types.ts';

export interface InboxCounts {
  kinds: Record<InboxKind, number>;
  /** Acceptance of the oldest of them, ISO 8601. */
  oldest: string | null;
}

type Raw = Record<string, unknown>;

export class InboxRows {
  readonly #statements;

  constructor(db: DatabaseSync) {
    const filters = `(?1 IS NULL OR inbox = ?1) AND (?2 IS NULL OR user = ?2) AND (?3 IS NULL OR route = ?3)
      AND seq > ?4 ORDER BY seq LIMIT ?5`;
    this.#statements = {
      open: db.prepare(`SELECT * FROM entry WHERE inbox IS NOT NULL AND ${filters}`),
      all: db.prepare(
        `SELECT * FROM entry WHERE (inbox IS NOT NULL OR seq IN (SELECT seq FROM inbox_action)) AND ${filters}`,
      ),
      bySeq: db.prepare('SELECT * FROM entry WHERE seq = ?'),
      orphans: db.prepare('SELECT * FROM entry WHERE orphan_of = ? ORDER BY seq'),
      retried: db.prepare('UPDATE entry SET retried_as = ? WHERE seq = ?'),
      discard: db.prepare(`UPDATE entry SET state = 'discarded', inbox = NULL WHERE seq = ?`),
      record: db.prepare('INSERT INTO inbox_action (seq, action, who, at, detail) VALUES (?, ?, ?, ?, ?)'),
      actions: db.prepare('SELECT action, who, at, detail FROM inbox_action WHERE seq = ? ORDER BY n'),
      prune: db.prepare('DELETE FROM inbox_action WHERE seq NOT IN (SELECT seq FROM entry)'),
      counts: db.prepare(
        'SELECT inbox, count(*) AS n, min(at) AS oldest FROM entry WHERE inbox IS NOT NULL GROUP BY inbox',
      ),
    };
  }

  /** In order of acceptance; one more than the limit where there are more. */
  list({ kind, user, route, settled, after, limit }: Omit<ListOrder, 'type'>): QueuedEntry[] {
    const statement = settled === true ? this.#statements.all : this.#statements.open;
    return entriesOf(statement.all(kind ?? null, user ?? null, route ?? null, after ?? 0, limit + 1));
  }

  get(seq: number): QueuedEntry | null {
    return entryOf(this.#statements.bySeq.get(seq));
  }

  /** What went to the inbox because of this entry, directly or through others, in order of acceptance. */
  dependants(seq: number): QueuedEntry[] {
    const direct = entriesOf(this.#statements.orphans.all(seq));
    return direct.flatMap((entry) => [entry, ...this.dependants(entry.seq)]).sort((a, b) => a.seq - b.seq);
  }

  setRetriedAs(seq: number, made: number): void {
    this.#statements.retried.run(made, seq);
  }

  setDiscarded(seq: number): void {
    this.#statements.discard.run(seq);
  }

  record(seq: number, action: InboxAction): void {
    this.#statements.record.run(seq, action.action, action.who, action.at, JSON.stringify(action.detail));
  }

  actions(seq: number): InboxAction[] {
    return this.#statements.actions.all(seq).map((row) => ({
      action: row['action'] as InboxAction['action'],
      who: String(row['who']),
      at: String(row['at']),
      detail: JSON.parse(String(row['detail'])) as { [field: string]: Json },
    }));
  }

  /** Forgets what was done with entries that are forgotten. */
  prune(): void {
    this.#statements.prune.run();
  }

  counts(): InboxCounts {
    const kinds = Object.fromEntries(INBOX_KINDS.map((kind) => [kind, 0])) as Record<InboxKind, number>;
    let oldest: string | null = null;
    for (const row of this.#statements.counts.all()) {
      kinds[row['inbox'] as InboxKind] = Number(row['n']);
      const at = String(row['oldest']);
      if (oldest === null || at < oldest) oldest = at;
    }
    return { kinds, oldest };
  }
}

const entriesOf = (rows: Raw[]): QueuedEntry[] => rows.map((row) => entryOf(row)).filter((entry) => entry !== null);
