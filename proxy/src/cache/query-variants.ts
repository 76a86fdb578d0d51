/** Which URIs with a query lie under a path: a change there makes all of them out of date. */

export class QueryVariants {
  readonly #byPath = new Map<string, Set<string>>();

  /** What has no query is found by itself. */
  add(uri: string): void {
    const path = pathOf(uri);
    if (path === uri) return;
    const uris = this.#byPath.get(path);
    if (uris === undefined) this.#byPath.set(path, new Set([uri]));
    else uris.add(uri);
  }

  delete(uri: string): void {
    const path = pathOf(uri);
    const uris = this.#byPath.get(path);
    if (uris?.delete(uri) === true && uris.size === 0) this.#byPath.delete(path);
  }

  of(path: string): string[] {
    return [...(this.#byPath.get(path) ?? [])];
  }
}

/** A URI without its query. */
export function pathOf(uri: string): string {
  const mark = uri.indexOf('?');
  return mark === -1 ? uri : uri.slice(0, mark);
}
