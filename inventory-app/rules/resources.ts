/** The kinds of documents the app serves, by the names that the API, the feed and the replica all use. */

export const API = '/api/v1';

export const RESOURCES = [
  'stores',
  'categories',
  'products',
  'customers',
  'stock-levels',
  'movements',
  'sales',
  'returns',
  'receipts',
  'adjustments',
  'till-starts',
  'exceptions',
  'users',
] as const;
export type ListedResource = (typeof RESOURCES)[number];

/** What has physically happened: never refused for business reasons, never edited. */
export const FACT_KINDS = ['sales', 'returns', 'receipts', 'adjustments'] as const;
export type FactKind = (typeof FACT_KINDS)[number];

/** Path of a document below the origin; what `Location` says. */
export function itemPath(resource: ListedResource, id: string): string {
  return `${API}/${resource}/${encodeURIComponent(id)}`;
}

/** Id of the stock level of a product in a store. */
export function levelId(storeId: string, productId: string): string {
  return `${storeId}:${productId}`;
}
