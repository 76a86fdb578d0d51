/**
 * A response as it is kept in memory: what a look-up needs, the body, and all the rest as one text, as soon as the disk has
 * one made, until a hit wants it. Most of what is stored is never asked for again, and each object that survives costs
 * the collector, which stops everything.
 */
import { metadataText, responseOf } from './record.ts';
import type { Stored, StoredResponse } from './response.ts';
import { bytesOfTags } from './shelves.ts';
import { softened } from './soften.ts';
import type { Slot } from './store.ts';

/** What an object of this shape costs besides its texts, roughly. */
const OVERHEAD = 1024;

export class Kept<T extends Stored = StoredResponse> implements Slot {
  readonly uri: string;
  readonly scope: string;
  readonly shared: boolean;
  readonly vary: readonly string[];
  readonly selection: string;
  readonly tags: readonly string[];
  readonly sequence: number;
  readonly cacheTags: readonly string[];
  readonly body: T['body'];
  /** Of all that it takes once it has been read, roughly. */
  readonly bytes: number;
  #whole: T | string;
  /** Somebody has had it: it is most likely wanted again. */
  #isWanted = false;

  constructor(response: T) {
    this.uri = response.uri;
    this.scope = response.scope;
    this.shared = response.shared;
    this.vary = response.vary;
    this.selection = response.selection;
    this.tags = response.tags;
    this.sequence = response.sequence;
    this.cacheTags = response.cacheTags;
    this.body = response.body;
    this.bytes = bytesOf(response);
    this.#whole = response;
  }

  /** The same object from the first time on. */
  get response(): T {
    this.#isWanted = true;
    if (typeof this.#whole === 'string') this.#whole = responseOf(this.#whole, () => this.body) as T;
    return this.#whole;
  }

  /** See `metadataText`. Where nobody has wanted the response yet, it is all that is left of it. */
  text(): string {
    if (typeof this.#whole === 'string') return this.#whole;
    const text = metadataText(this.#whole);
    if (!this.#isWanted) this.#whole = text;
    return text;
  }

  /** Is this what `response` gave? */
  hasGiven(response: T): boolean {
    return this.#whole === response;
  }

  /** As it is after a soft purge at `at` (ms since 1970); itself where that changes nothing. */
  softened(at: number): Kept<T> {
    const stale = softened(this.response, at);
    return stale === this.response ? this : new Kept(stale);
  }
}

function bytesOf(response: Stored): number {
  const { uri, selection, headers, body } = response;
  let bytes = OVERHEAD + body.length + uri.length + selection.length + bytesOfTags(response);
  for (const name in headers) bytes += 2 * (name.length + lengthOf(headers[name]));
  return bytes;
}

const lengthOf = (value: string | string[] | undefined): number =>
  typeof value === 'string' ? value.length : String(value).length;
