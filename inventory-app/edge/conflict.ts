/** What a refusal says of somebody else's change, and who may work off a store's inbox. */
import type { Conflict, Doc, Reader, Req, Res } from '@larder/sync/profile';
import type { Conflict as FieldConflict } from '../rules/problems.ts';
import type { StaffUser } from './user.ts';

export function manages({ role, store }: StaffUser, ownStore: string): boolean {
  return role === 'admin' || (role === 'manager' && store === ownStore);
}

/** The body of an edit without the values that its author saw: the check fills in those that are there now. */
export function renewed(req: Req): Doc {
  const { saw: _, ...fields } = req.body as Doc;
  return fields;
}

export function conflict(db: Reader, req: Req, res: Res): Conflict | null {
  const { code, conflicts = [] } = (res.body ?? {}) as { code?: string; conflicts?: FieldConflict[] };
  const edits = req.method === 'PATCH';
  if (edits && (code === 'deleted' || code === 'not-found')) return editOfDeleted(req, conflicts[0]);
  if (code !== 'conflict') return null;
  const latest = conflicts.toSorted((a, b) => (a.at ?? '').localeCompare(b.at ?? '')).at(-1);
  const told = { by: latest?.by ?? null, at: latest?.at ?? null };
  const later = laterDocument(db, req, told.at);
  const fields = conflicts.map(({ field, saw, current, wanted }) => ({
    field,
    saw,
    current: later === null ? current : (later[field] ?? null),
    wanted,
  }));
  // Who made the last change of all, the refusal does not know.
  const who = later === null ? told : { by: null, at: String(later.updatedAt) };
  return { type: edits ? 'same-field' : 'delete-of-edited', fields, ...who };
}

function editOfDeleted(req: Req, deletion: FieldConflict | undefined): Conflict {
  const { saw = {}, ...wanted } = (req.body ?? {}) as Doc;
  const fields = Object.entries(wanted).map(([field, value]) => ({
    field,
    saw: (saw as Doc)[field] ?? null,
    current: null,
    wanted: value,
  }));
  return { type: 'edit-of-deleted', fields, by: deletion?.by ?? null, at: deletion?.at ?? null };
}

/** The document where it has changed since the refusal; null where it has not, or the replica does not know yet. */
function laterDocument(db: Reader, req: Req, at: string | null): Doc | null {
  const resource = req.path.split('/').at(-2) ?? '';
  const doc = at === null ? null : db.get(resource, req.params.id ?? '');
  return doc !== null && typeof doc.updatedAt === 'string' && at !== null && doc.updatedAt > at ? doc : null;
}
