/** The documents that a store's replica holds, and how all of them are fetched. Movements and users stay in the cloud. */
import * as z from 'zod';
import type { Doc, Json, Resource } from '@larder/sync/profile';
import { digestOf } from '../rules/digest.ts';
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
  'till-starts',
  'exceptions',
] as const satisfies readonly ListedResource[];
export type Replicated = (typeof REPLICATED)[number];

/** Many, so that the round trips to the cloud do not count, and few enough to be parsed at once. */
const PAGE = 2000;
const DIGESTED = 1000;

const isDoc = (value: unknown): value is Doc => value !== null && typeof value === 'object' && !Array.isArray(value);
/** Documents are taken as the cloud sends them: a newer cloud may know fields that this profile does not. */
export const DocumentShape = z.custom<Doc>(isDoc, 'must be a document');

const Version = z.int();
const Paging = z.object({ next: z.string().nullable() });
const ListPage = z.object({ data: z.array(DocumentShape), page: Paging });
const DigestPage = z.object({ digest: z.string(), through: z.string().nullable(), page: Paging });

const after = (page: string | null) => (page === null ? '' : `&after=${encodeURIComponent(page)}`);

function resourceOf(name: Replicated): Resource {
  return {
    id: 'id',
    version: (doc) => Version.parse(doc.version),
    index: indexedFields(name).filter((field) => field !== 'id'),
    ...(isSearchable(name) && { search: (doc: Doc) => searchText(name, doc) }),
    // Ids never change, so no document moves from a page to come to one already read.
    list: (page) => ({
      path: `${API}/snapshots/${name}?limit=${PAGE}${after(page)}`,
    }),
    page(res) {
      const { data, page } = ListPage.parse(res.body);
      return { docs: data, next: page.next };
    },
    named: (ids) => ({ path: `${API}/${name}?ids=${encodeURIComponent(ids.join(','))}&limit=${ids.length}` }),
    digest: {
      ask: (page) => ({ path: `${API}/snapshots/${name}?digest=true&limit=${DIGESTED}${after(page)}` }),
      read(res) {
        const { digest, through, page } = DigestPage.parse(res.body);
        return { hash: digest, through, next: page.next };
      },
      hash: digestOf,
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
