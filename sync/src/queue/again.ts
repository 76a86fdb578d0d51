/** The rows of what is offered again to a cloud that was restored: queue/restored.ts says why. */
import type { DatabaseSync } from 'node:sqlite';
import type { EntryState } from '../client.ts';
import { next } from './states.ts';

/** What of an entry matters when the cloud was restored. */
export interface Restorable {
  seq: number;
  state: EntryState;
  route: string;
  tags: string[];
  made: string[];
  looked: string[];
}

const OPEN = `('queued', 'sending', 'unknown')`;

export class Again {
  readonly #statements;

  constructor(db: DatabaseSync) {
    this.#statements = {
      count: db.prepare('SELECT count(*) AS n FROM entry WHERE again = 1'),
      offered: db.prepare('SELECT seq FROM entry WHERE again = 1 ORDER BY seq'),
      noMore: db.prepare('UPDATE entry SET again = 0 WHERE again = 1'),
      restorable: db.prepare(`SELECT seq, state, route, tags, made, looked FROM entry
        WHERE state IN ${OPEN} OR (state = 'applied' AND settled_at >= ?) ORDER BY seq`),
      offer: db.prepare(`UPDATE entry SET state = ?, again = 1, overlaid = 1, marked = 0, attempts = 0, not_before = 0
        WHERE seq = ?`),
    };
  }

  /** How many are still to be offered again to a cloud that was restored. */
  count(): number {
    return Number(this.#statements.count.get()?.['n']);
  }

  /** Gives up waiting for those; they go on as any other entry of unknown outcome. */
  end(): number[] {
    const left = this.#statements.offered.all().map((row) => Number(row['seq']));
    this.#statements.noMore.run();
    return left;
  }

  /** In order: what waits, and what was applied since a time (ISO 8601). */
  *restorable(since: string): Generator<Restorable> {
    for (const row of this.#statements.restorable.all(since))
      yield {
        seq: Number(row['seq']),
        state: row['state'] as EntryState,
        route: String(row['route']),
        tags: JSON.parse(String(row['tags'])) as string[],
        made: JSON.parse(String(row['made'])) as string[],
        looked: JSON.parse(String(row['looked'])) as string[],
      };
  }

  /** What was applied is to be offered again; until it is settled anew it counts as waiting. */
  offer({ seq, state }: Restorable): void {
    this.#statements.offer.run(next(state, 'restored'), seq);
  }
}
