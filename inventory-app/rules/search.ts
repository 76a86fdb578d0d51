/** What `?q=` compares: the same normalisation on the text that is kept and on the words that are typed. */
import type { Doc } from '@larder/sync/profile';
import type { ListedResource } from './resources.ts';

const MAX_TERMS = 8;

const SEARCHED: Partial<Record<ListedResource, readonly string[]>> = {
  products: ['name', 'sku', 'barcode'],
  customers: ['name', 'code', 'phone', 'email'],
  categories: ['name'],
};

/** Can this resource be searched with `q`? */
export function isSearchable(resource: ListedResource): boolean {
  return SEARCHED[resource] !== undefined;
}

/** Compatibility forms, accents and case make no difference: `Crème ﬁne` and `creme fine` are one. */
export function normalise(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase();
}

/** The text of a document that terms are looked for in; empty where the resource is not searched. */
export function searchText(resource: ListedResource, doc: Doc): string {
  const fields = SEARCHED[resource] ?? [];
  const parts = fields.map((field) => doc[field]).filter((value) => typeof value === 'string');
  return normalise(parts.join(' '));
}

/** The words of a query, each of which must occur; what goes beyond eight different ones is ignored. */
export function searchTerms(q: string): string[] {
  const words = normalise(q)
    .split(/\s+/u)
    .filter((word) => word !== '');
  return [...new Set(words)].slice(0, MAX_TERMS);
}
