/** Edits, field by field: two people who changed different fields of one document both get their way. */
import type { Doc, Json } from '@larder/sync/profile';
import { canonical } from './etag.ts';
import { type Conflict, ProblemError } from './problems.ts';

export interface Merged {
  /** `current` with the fields set; version and times are the caller's to raise. */
  next: Doc;
  /** The fields whose value differs from before; empty: nothing is to be written. */
  changed: string[];
}

type Fields = Readonly<Record<string, Json | undefined>>;

/** What PATCH carries, as the edit schemas in documents.ts make it. */
export interface Edit {
  readonly saw?: Fields | undefined;
  readonly [field: string]: Json | Fields | undefined;
}

/**
 * Throws `conflict`, naming each field that is no longer as the author of a deletion saw it: they would delete what they
 * have not seen.
 */
export function assertSeen(current: Doc, saw: Fields): void {
  const conflicts = Object.entries(saw)
    .filter((pair): pair is [string, Json] => pair[1] !== undefined)
    .map(([field, before]) => ({ field, saw: before, current: current[field] ?? null, wanted: null }))
    .filter(({ saw: before, current: now }) => !equal(before, now));
  if (conflicts.length > 0) throw changedMeanwhile(conflicts);
}

function changedMeanwhile(conflicts: Conflict[]): ProblemError {
  const fields = conflicts.map(({ field }) => field).join(', ');
  return new ProblemError('conflict', `Changed meanwhile: ${fields}.`, { conflicts });
}

const equal = (a: Json, b: Json) => canonical(a) === canonical(b);

/**
 * Applies an edit's body (the fields to set, and in `saw` the values its author saw) to the present document. Throws
 * `conflict`, naming each field that is neither as the author saw it nor as they want it; then nothing applies.
 * A field without a `saw` is set whatever it is now.
 */
export function mergeEdit(current: Doc, body: Edit): Merged {
  const { saw = {}, ...wanted } = body;
  const next = { ...current };
  const changed: string[] = [];
  const conflicts: Conflict[] = [];
  for (const [field, value] of Object.entries(wanted as Fields)) {
    const now = current[field] ?? null;
    if (value === undefined || equal(now, value)) continue;
    const before = saw[field];
    if (before !== undefined && !equal(now, before)) {
      conflicts.push({ field, saw: before, current: now, wanted: value });
      continue;
    }
    next[field] = value;
    changed.push(field);
  }
  if (conflicts.length === 0) return { next, changed };
  throw changedMeanwhile(conflicts);
}
