/** What one transaction changes, gathered while it runs. */
import type { Doc } from '@larder/sync/profile';
import type { ListedResource } from '../../rules/resources.ts';

/** A row of the feed to be. `storeId` null: it is for every store's subset. */
export type PlannedChange =
  | { type: 'put'; storeId: string | null; resource: ListedResource; id: string; version: number; doc: Doc }
  | { type: 'remove'; storeId: string | null; resource: ListedResource; id: string; version: number };

export class ChangeList {
  readonly planned: PlannedChange[] = [];

  /** The document as it is after this transaction. Lines of the ledger have no version: they never change. */
  put(resource: ListedResource, storeId: string | null, doc: Doc): void {
    const version = typeof doc.version === 'number' ? doc.version : 1;
    this.planned.push({ type: 'put', storeId, resource, id: String(doc.id), version, doc });
  }

  /** The document has left this store's subset, or is no more. `version` is above the last that was put. */
  remove(resource: ListedResource, storeId: string | null, id: string, version: number): void {
    this.planned.push({ type: 'remove', storeId, resource, id, version });
  }
}
