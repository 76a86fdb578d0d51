/** The documents that a store's replica holds, and how all of them are fetched. Movements and users stay in the cloud. */
import * as z from 'zod';
import type { Doc, Json, Resource } from '@larder/sync/profile';
import { indexedFields } from '../rules/list.ts';
import { API, type ListedResource } from '../rules/resources.ts';
import { isSearchable, searchText } from '../rules/search.ts';

export const REPLICATED = [
  'stores',
  'categories',
  'products',
  'customers',
  'stock-levels',
  'sales',
  'returns',
  'receipts',
  'adjustments',
  'exceptions',
] as const satisfies readonly ListedResource[];
export type Replicated = (typeof REPLICATED)[number];

const PAGE = 500;

const isDoc = (value: unknown): value is Doc => value !== null && typeof value === 'object' && !Array.isArray(value);
/** Documents are taken as the cloud sends them: a newer cloud may know fields that this profile does not. */
export const DocumentShape = z.custom<Doc>(isDoc, 'must be a document');

const ListPage = z.object({ data: z.array(DocumentShape), page: z.object({ next: z.string().nullable() }) });

function resourceOf(name: Replicated): Resource {
  return {
    id: 'id',
    version: (doc) => z.int().parse(doc.version),
    index: indexedFields(name).filter((field) => field !== 'id'),
    ...(isSearchable(name) && { search: (doc: Doc) => searchText(name, doc) }),
    // Ids never change, so no document moves from a page to come to one already read.
    list: (page) => ({
      path: `${API}/${name}?sort=id&limit=${PAGE}${page === null ? '' : `&after=${encodeURIComponent(page)}`}`,
    }),
    page(res) {
      const { data, page } = ListPage.parse(res.body);
      return { docs: data, next: page.next };
    },
  };
}

export const resources: Record<string, Resource> = Object.fromEntries(
  REPLICATED.map((name) => [name, resourceOf(name)]),
);

/** Does the replica hold this resource? */
export function isReplicated(name: Json): name is Replicated {
  return (REPLICATED as readonly Json[]).includes(name);
}
