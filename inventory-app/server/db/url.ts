/** `DATABASE_URL` as this app reads it. */
import { resolve } from 'node:path';

export type Provider = 'sqlite' | 'postgresql';

/** A sentence for whoever set the database up; never shown to an API's caller. */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
}

/** Throws `DatabaseError` for what is neither `file:<path>` nor `postgresql://…`; the address is not repeated. */
export function providerOf(url: string): Provider {
  if (/^postgres(ql)?:\/\//u.test(url)) return 'postgresql';
  if (/^file:(?!:memory:)./u.test(url)) return 'sqlite';
  throw new DatabaseError('DATABASE_URL must be file:<path> (SQLite) or postgresql://<user>@<host>/<database>.');
}

/** The absolute path of a `file:<path>` address, relative to the working directory where it is relative. */
export function sqliteFile(url: string): string {
  return resolve(url.slice('file:'.length));
}
