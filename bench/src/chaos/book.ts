/** What all devices together have offered and been told: the judge's memory, which no part of the system sees. */
import type { FactKind, Field } from './plan.ts';

/** What a write does, by its author's reckoning. */
export type Effect =
  | { type: 'fact'; kind: FactKind; number: string; moves: Map<string, number> }
  | { type: 'make'; resource: 'products' | 'customers' }
  | { type: 'edit'; field: Field; value: string | number }
  | { type: 'delete' };

/**
 * `waiting`: told 202. `applied`, `refused`: the cloud's own word. `declined`: the edge's own check said no, or the
 * cloud to someone who asked it directly.
 */
export type Told = 'nothing' | 'waiting' | 'applied' | 'refused' | 'declined';

export interface Row {
  key: string;
  user: string;
  elsewhere: boolean;
  /** Of the document; null until somebody has said it. */
  id: string | null;
  resource: FactKind | 'products' | 'customers';
  effect: Effect;
  told: Told;
  /** Somebody was told that it is taken. */
  acknowledged: boolean;
  /** It was offered and no answer came: it may have been taken. */
  doubtful: boolean;
  /** In the book's own time. */
  begun: number;
  /** When it was acknowledged last, and by which generation of boxes and clouds. */
  at: number | null;
  generation: number;
  /** It was settled in a cloud that was lost since, without this store's edge knowing of it. */
  excused: boolean;
}

/** A read that did not show an acknowledged write: a fault, unless that write turns out to be refused. */
export interface Suspicion {
  row: Row;
  what: string;
}

export class Book {
  readonly rows = new Map<string, Row>();
  readonly suspicions: Suspicion[] = [];
  /** Reads and answers that cannot be right, whatever becomes of the writes. */
  readonly wrong: string[] = [];
  /** Reads of covered routes that nobody answered, or only to say that it cannot be done, without an excuse. */
  readonly unanswered: string[] = [];
  /** Resources that the box of this store is known to have fetched to their end. */
  readonly held = new Set<string>();
  reads = 0;
  /** Stock of this store's products before the trial. */
  readonly opening: ReadonlyMap<string, number>;
  /** Raised whenever a disk goes with what was told on it: older acknowledgements count again once they are repeated. */
  generation = 0;
  #time = 0;

  constructor(opening: ReadonlyMap<string, number>) {
    this.opening = opening;
  }

  /** Another box, or an older copy of it, has taken this one's place: nobody knows what it holds. */
  loseBox(): void {
    this.generation += 1;
    this.held.clear();
  }

  /** The cloud was put back: what others did there straight is gone, and no edge can tell it anew. */
  loseCloud(): void {
    this.generation += 1;
    for (const row of this.all) if (row.elsewhere) row.excused = true;
  }

  tick(): number {
    this.#time += 1;
    return this.#time;
  }

  begin(row: Pick<Row, 'key' | 'user' | 'elsewhere' | 'id' | 'resource' | 'effect'>): Row {
    const added: Row = {
      ...row,
      told: 'nothing',
      acknowledged: false,
      doubtful: false,
      begun: this.tick(),
      at: null,
      generation: -1,
      excused: false,
    };
    this.rows.set(row.key, added);
    return added;
  }

  acknowledge(row: Row, told: 'waiting' | 'applied', generation: number): void {
    row.told = told;
    row.acknowledged = true;
    row.at = this.tick();
    row.generation = generation;
  }

  /** Every covered read must show it by now. */
  binding(row: Row): boolean {
    return row.at !== null && row.generation === this.generation && row.told !== 'refused' && !row.elsewhere;
  }

  get all(): Row[] {
    return [...this.rows.values()];
  }

  get acknowledged(): Row[] {
    return this.all.filter((row) => row.acknowledged);
  }

  /** Documents that devices of this store have made, in the order of making. */
  made(resource: 'products' | 'customers'): Row[] {
    return this.all.filter((row) => row.effect.type === 'make' && row.resource === resource);
  }
}
