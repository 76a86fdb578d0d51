/** Puts other ids in place of some, in a request. */
import type { Json } from './profile.ts';
import { parseJson } from './request.ts';

interface Text {
  path: string;
  search: string;
  body: string | null;
}

/** What may stand around an id: `/products/42`, `?ids=41,42`, `S001:42`. */
const BETWEEN = /([/:,&=?;])/;

/**
 * The request with each of these ids replaced where it stands whole: as a part of the path or the query, or of a string
 * in a JSON body, between separators; numbers are never ids. Null where there was none.
 */
export function renameIds(ids: ReadonlyMap<string, string>, { path, search, body }: Text): Text | null {
  const inUrl = (text: string) => replaceParts(text, (part) => encodedOf(ids.get(decodedOf(part)), part));
  const parsed = parseJson(body);
  const renamed =
    parsed === undefined ? undefined : inJson(parsed, (text) => replaceParts(text, (part) => ids.get(part) ?? part));
  const before = parsed === undefined ? null : JSON.stringify(parsed);
  const after = renamed === undefined ? null : JSON.stringify(renamed);
  const text = { path: inUrl(path), search: inUrl(search), body: before === after ? body : after };
  return text.path === path && text.search === search && text.body === body ? null : text;
}

const replaceParts = (text: string, replace: (part: string) => string) => text.split(BETWEEN).map(replace).join('');

const encodedOf = (id: string | undefined, part: string) => (id === undefined ? part : encodeURIComponent(id));

function decodedOf(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function inJson(value: Json, replace: (text: string) => string): Json {
  if (typeof value === 'string') return replace(value);
  if (Array.isArray(value)) return value.map((each) => inJson(each, replace));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([field, each]) => [field, inJson(each, replace)]));
}
