/** The rows of what is offered again to a cloud that was restored, or may have been: queue/restored.ts says why. */
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
  /** Some of it may have left this box. */
  sent: boolean;
  /** ISO 8601; null: not yet. */
  settledAt: string | null;
}

/**
 * So often the cloud has to say, since the place in the feed is known, that it had an entry already, with no marker by the
 * end of the feed in between. Once is not enough: another sending of it may have arrived after that place, and been lost
 * again with a restore before the feed was asked. What has no other sending needs to be asked once.
 */
const PROOF = 2;

const OPEN = `('queued', 'sending', 'unknown')`;

export class Again {
  readonly #statements;

  constructor(db: DatabaseSync) {
    this.#statements = {
      count: db.prepare('SELECT count(*) AS n FROM entry WHERE again = 1 AND inbox IS NULL'),
      offered: db.prepare('SELECT seq FROM entry WHERE again = 1 ORDER BY seq'),
      noMore: db.prepare('UPDATE entry SET again = 0 WHERE again = 1'),
      restorable: db.prepare(`SELECT seq, state, route, tags, made, looked, attempts, settled_at FROM entry
        WHERE (state IN ${OPEN} AND inbox IS NULL) OR (state = 'applied' AND (overlaid = 1 OR settled_at >= ?))
        ORDER BY seq`),
      offer: db.prepare(`UPDATE entry SET state = ?, again = 1, asked = ?, behind = 0, overlaid = 1, marked = 0,
        attempts = 0, not_before = 0 WHERE seq = ?`),
      await: db.prepare(
        `UPDATE entry SET again = 1, asked = 0, overlaid = 1, marked = 0, not_before = 0 WHERE seq = ?`,
      ),
      ask: db.prepare('UPDATE entry SET state = ?, again = ?, asked = asked + 1, not_before = 0 WHERE seq = ?'),
      made: db.prepare('SELECT made FROM entry WHERE seq = ?'),
      asked: db.prepare('SELECT asked FROM entry WHERE seq = ?'),
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

  /** In order: what waits, and what was applied and is shown by the overlay or was since a time (ISO 8601; null: none of that). */
  *restorable(since: string | null): Generator<Restorable> {
    for (const row of this.#statements.restorable.all(since))
      yield {
        seq: Number(row['seq']),
        state: row['state'] as EntryState,
        route: String(row['route']),
        tags: JSON.parse(String(row['tags'])) as string[],
        made: JSON.parse(String(row['made'])) as string[],
        looked: JSON.parse(String(row['looked'])) as string[],
        sent: Number(row['attempts']) > 0,
        settledAt: typeof row['settled_at'] === 'string' ? row['settled_at'] : null,
      };
  }

  /** The documents that it made or edited, by the ids that it knew them by. */
  madeBy(seq: number): { resource: string; id: string }[] {
    const made = JSON.parse(String(this.#statements.made.get(seq)?.['made'] ?? '[]')) as string[];
    return made.map((name) => ({ resource: name.slice(0, name.indexOf('/')), id: name.slice(name.indexOf('/') + 1) }));
  }

  /**
   * What was applied is to be offered again; until it is settled anew it counts as waiting. `isAlone`: nothing else can
   * bring it to the cloud meanwhile.
   */
  offer({ seq, state }: Restorable, isAlone: boolean): void {
    this.#statements.offer.run(next(state, 'restored'), isAlone ? PROOF : 1, seq);
  }

  /**
   * What has not settled, and may have been sent, is to be settled as what is offered again is. Its answer may be on its
   * way, from before the cloud was restored: it proves nothing.
   */
  await({ seq }: Restorable): void {
    this.#statements.await.run(seq);
  }

  /**
   * What was applied, and has had no marker, is sent once more, which asks the cloud whether it has it. `awaited`: nothing
   * is fetched before it has settled.
   */
  ask(seq: number, awaited: boolean): void {
    this.#statements.ask.run(next('applied', 'restored'), awaited ? 1 : 0, seq);
  }

  /** Of what was applied: the cloud had it before the place in the feed. */
  isKnown(seq: number): boolean {
    return Number(this.#statements.asked.get(seq)?.['asked']) >= PROOF;
  }
}
