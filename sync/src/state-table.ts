/** Small state with an expiry, kept in `edge.db`: what keyv stores its values in. */
import type { DatabaseSync } from 'node:sqlite';

export class StateTable {
  readonly #now: () => number;
  readonly #statements;

  constructor(db: DatabaseSync, now: () => number) {
    this.#now = now;
    this.#statements = {
      get: db.prepare('SELECT value FROM state WHERE key = ? AND (expires_at IS NULL OR expires_at > ?)'),
      set: db.prepare(`INSERT INTO state (key, value, expires_at) VALUES (?1, ?2, ?3)
        ON CONFLICT (key) DO UPDATE SET value = ?2, expires_at = ?3`),
      delete: db.prepare('DELETE FROM state WHERE key = ?'),
      prune: db.prepare('DELETE FROM state WHERE expires_at <= ?'),
    };
  }

  get(key: string): string | undefined {
    const value = this.#statements.get.get(key, this.#now())?.['value'];
    return typeof value === 'string' ? value : undefined;
  }

  /** `expiresAt` in ms since 1970; null: never. */
  set(key: string, value: string, expiresAt: number | null): void {
    this.#statements.set.run(key, value, expiresAt);
  }

  delete(key: string): boolean {
    return this.#statements.delete.run(key).changes > 0;
  }

  /** Forgets what has expired. */
  prune(): void {
    this.#statements.prune.run(this.#now());
  }
}
