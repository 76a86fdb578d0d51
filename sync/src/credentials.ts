/** The credentials that waiting writes are sent with: each user's latest, sealed at rest, and the edge's own. */
import type { DatabaseSync } from 'node:sqlite';
import type { Doc, Identity } from './profile.ts';
import type { QueuedEntry } from './queue/entries.ts';
import { seal, unseal } from './seal.ts';

/** A token this close to its end is not sent any more, ms. */
const MARGIN = 30_000;
/** After the cloud has refused the edge's own, it is tried again from then on, ms. */
const OWN_AGAIN = 60_000;

/** Opened credentials that are remembered at most: to open one takes ten times as long as to read it. */
const MOST_OPENED = 1000;

/** What it depends on whose credential an entry goes with. */
type Acting = Pick<QueuedEntry, 'kind' | 'user'>;

export class Credentials {
  readonly #key: Uint8Array;
  readonly #own: string | null;
  #ownRefusedAt = -Infinity;
  readonly #statements;
  /** By user, beside the bytes that they were opened from: the database alone says which holds. */
  readonly #opened = new Map<string, { sealed: Uint8Array; authorization: string | null }>();

  constructor(db: DatabaseSync, key: Uint8Array, own: string | null) {
    this.#key = key;
    this.#own = own;
    this.#statements = {
      put: db.prepare(`INSERT INTO credential (user, sealed, expires_at) VALUES (?1, ?2, ?3)
        ON CONFLICT (user) DO UPDATE SET sealed = ?2, expires_at = ?3`),
      get: db.prepare('SELECT sealed, expires_at FROM credential WHERE user = ?'),
      drop: db.prepare('DELETE FROM credential WHERE user = ?'),
    };
  }

  /**
   * Remembers a user's credential, in the transaction under way; true if it is another than before. `claims.exp`
   * (RFC 7519 §4.1.4) says how long it lasts.
   */
  remember(user: string, authorization: string | undefined, claims: Doc | null): boolean {
    if (authorization === undefined || this.#stored(user)?.authorization === authorization) return false;
    const expires = typeof claims?.['exp'] === 'number' ? claims['exp'] * 1000 : null;
    this.#statements.put.run(user, seal(this.#key, user, authorization), expires);
    return true;
  }

  /**
   * The cloud did not accept this credential: a user's is not tried again, the edge's not for a while. True if another
   * may now be tried at once.
   */
  reject(entry: Acting, identity: Identity, now: number): boolean {
    if (identity.type === 'edge') this.#ownRefusedAt = now;
    else {
      const user = entry.user.id;
      const stored = this.#stored(user);
      // The user may have signed in again while the old one was under way.
      if (stored !== null && stored.authorization !== identity.authorization) return true;
      this.#statements.drop.run(user);
    }
    const next = this.identity(entry, now);
    return next !== null && next.authorization !== identity.authorization;
  }

  /**
   * A proposal goes with the user's own credential while it lasts, else with the edge's. A fact goes with the edge's:
   * it has happened under the rights held then, and by the edge alone does the cloud take it so. Null: the user has to
   * sign in again first.
   */
  identity(entry: Acting, now: number): Identity | null {
    const users = this.#users(entry.user.id, now);
    const own = this.#own === null ? null : ({ type: 'edge', authorization: this.#own } as const);
    if (entry.kind === 'proposal' || own === null) return users ?? own;
    return users !== null && now < this.#ownRefusedAt + OWN_AGAIN ? users : own;
  }

  #users(user: string, now: number): Identity | null {
    const stored = this.#stored(user);
    if (stored === null || stored.expires - MARGIN <= now) return null;
    return { type: 'user', authorization: stored.authorization };
  }

  #stored(user: string): { authorization: string; expires: number } | null {
    const row = this.#statements.get.get(user);
    const authorization = row === undefined ? null : this.#open(user, row['sealed'] as Uint8Array);
    if (row === undefined || authorization === null) return null;
    return { authorization, expires: Number(row['expires_at'] ?? Infinity) };
  }

  #open(user: string, sealed: Uint8Array): string | null {
    const known = this.#opened.get(user);
    if (known !== undefined && Buffer.compare(known.sealed, sealed) === 0) return known.authorization;
    const authorization = unseal(this.#key, user, sealed);
    if (this.#opened.size >= MOST_OPENED) this.#opened.clear();
    this.#opened.set(user, { sealed, authorization });
    return authorization;
  }
}
