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
      list: db.prepare(
        'SELECT key, value FROM state WHERE substr(key, 1, length(?1)) = ?1 AND (expires_at IS NULL OR expires_at > ?2)',
      ),
      delete: db.prepare('DELETE FROM state WHERE key = ?'),
      prune: db.prepare('DELETE FROM state WHERE expires_at <= ?'),
    };
  }

  get(key: string): string | undefined {
    const value = this.#statements.get.get(key, this.#now())?.['value'];
    return typeof value === 'string' ? value : undefined;
  }

  /** Whose keys begin so. Looks at every key: for a start, not for a request. */
  list(prefix: string): [key: string, value: string][] {
    return this.#statements.list.all(prefix, this.#now()).map((row) => [String(row['key']), String(row['value'])]);
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
