/**
 * What a query makes of a field, or of search texts, that the tables in use have no column for, because an earlier
 * release of the profile made them and those of this one are still being filled.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Doc, Resource } from '../profile.ts';
import { Incomplete } from './places.ts';
import { columnValue } from './tables.ts';

export interface Absent {
  /** SQL in place of the column. */
  field(resource: string, field: string): string;
  search(resource: string): string;
}

/** For answers: there is none yet, and the cloud or the cache are asked (I9). A scan would hold up all other reads. */
export const absentIn: Absent = {
  field: (resource) => {
    throw new Incomplete(resource);
  },
  search: (resource) => {
    throw new Incomplete(resource);
  },
};

/** For writes: taken from each document. Slow, but a write that waits keeps its effect (I6). */
export function computedIn(db: DatabaseSync, resources: Record<string, Resource>): Absent {
  const docOf = (view: unknown) => JSON.parse(String(view)) as Doc;
  const options = { deterministic: true };
  db.function('larder_field', options, (view, field) => columnValue(docOf(view)[String(field)]));
  db.function('larder_search', options, (view, name) => resources[String(name)]?.search?.(docOf(view)) ?? null);
  const text = (value: string) => `'${value.replaceAll("'", "''")}'`;
  return {
    field: (_resource, field) => `larder_field(view, ${text(field)})`,
    search: (resource) => `larder_search(view, ${text(resource)})`,
  };
}
