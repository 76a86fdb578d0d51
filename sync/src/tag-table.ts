/** What the front knows of the back's changes, kept in step by messages that arrive before any answer does (I6). */
import type { Tags } from './client.ts';
import type { Bump } from './store.ts';

/** Every covered route carries this tag too: a bump of it makes all that is cached for them out of date. */
export const EVERYTHING = '*';

export class TagTable implements Tags {
  readonly #generations = new Map<string, number>();
  /** How many waiting entries touch a tag. */
  readonly #pending = new Map<string, number>();
  readonly #entries = new Map<number, readonly string[]>();
  #everything = 0;

  load(tags: readonly [string, number][], opened: Bump['opened']): void {
    for (const [tag, sequence] of tags) this.#generations.set(tag, sequence);
    this.#everything = this.#generations.get(EVERYTHING) ?? 0;
    for (const { seq, tags: touched } of opened) this.#open(seq, touched);
  }

  apply(bump: Bump): void {
    if (bump.tags.includes(EVERYTHING)) this.#generations.clear();
    for (const tag of bump.tags) this.#generations.set(tag, bump.sequence);
    this.#everything = this.#generations.get(EVERYTHING) ?? 0;
    for (const { seq, tags } of bump.opened) {
      this.#close(seq);
      this.#open(seq, tags);
    }
    for (const seq of bump.closed) this.#close(seq);
  }

  pending(tags: readonly string[]): boolean {
    if (this.#pending.size === 0) return false;
    return tags.some((tag) => this.#pending.has(tag));
  }

  generation(tags: readonly string[]): number {
    let latest = tags.length === 0 ? 0 : this.#everything;
    for (const tag of tags) latest = Math.max(latest, this.#generations.get(tag) ?? 0);
    return latest;
  }

  #open(seq: number, tags: readonly string[]): void {
    this.#entries.set(seq, tags);
    for (const tag of tags) this.#pending.set(tag, (this.#pending.get(tag) ?? 0) + 1);
  }

  #close(seq: number): void {
    for (const tag of this.#entries.get(seq) ?? []) {
      const left = (this.#pending.get(tag) ?? 0) - 1;
      if (left > 0) this.#pending.set(tag, left);
      else this.#pending.delete(tag);
    }
    this.#entries.delete(seq);
  }
}
