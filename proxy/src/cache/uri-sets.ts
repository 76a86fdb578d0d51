/**
 * URIs by what they have in common: the path that they lie under, or a tag that something under them carries. So what a
 * change makes out of date is found without looking at all that is stored.
 */

export class UriSets {
  /** Most sets are of one: a string takes a tenth of what a set does. */
  readonly #sets = new Map<string, string | Set<string>>();

  add(key: string, uri: string): void {
    const uris = this.#sets.get(key);
    if (uris === undefined) this.#sets.set(key, uri);
    else if (typeof uris !== 'string') uris.add(uri);
    else if (uris !== uri) this.#sets.set(key, new Set([uris, uri]));
  }

  delete(key: string, uri: string): void {
    const uris = this.#sets.get(key);
    if (uris === uri) this.#sets.delete(key);
    else if (typeof uris !== 'string' && uris?.delete(uri) === true && uris.size === 0) this.#sets.delete(key);
  }

  /** As they are while it is walked: what goes meanwhile is left out, what comes may be in it. */
  of(key: string): Iterable<string> {
    const uris = this.#sets.get(key) ?? [];
    return typeof uris === 'string' ? [uris] : uris;
  }

  /** All of them, likewise. */
  *all(): Generator<string, void> {
    for (const uris of this.#sets.values())
      if (typeof uris === 'string') yield uris;
      else yield* uris;
  }
}
