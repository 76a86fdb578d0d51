/** A device's outbox: what it has to offer until the cloud has settled it, kept in a file that outlives the device. */
import { appendFileSync, closeSync, existsSync, fsyncSync, openSync, readFileSync } from 'node:fs';

export interface Offer {
  key: string;
  method: 'POST' | 'PATCH' | 'DELETE';
  path: string;
  body: unknown;
}

type Line = { put: Offer } | { settled: string };

export class Outbox {
  readonly #path: string;
  #offers = new Map<string, Offer>();

  constructor(path: string) {
    this.#path = path;
    this.reload();
  }

  get offers(): Offer[] {
    return [...this.#offers.values()];
  }

  get(key: string): Offer | undefined {
    return this.#offers.get(key);
  }

  /** Durable when it returns: before anything is sent. */
  put(offer: Offer): void {
    this.#offers.set(offer.key, offer);
    this.#append({ put: offer });
  }

  settled(key: string): void {
    if (this.#offers.delete(key)) this.#append({ settled: key });
  }

  /** As after a restart of the device: what the file says is all there is. */
  reload(): void {
    this.#offers = new Map();
    if (!existsSync(this.#path)) return;
    for (const text of readFileSync(this.#path, 'utf8').split('\n')) {
      if (text === '') continue;
      const line = JSON.parse(text) as Line;
      if ('put' in line) this.#offers.set(line.put.key, line.put);
      else this.#offers.delete(line.settled);
    }
  }

  #append(line: Line): void {
    const file = openSync(this.#path, 'a');
    try {
      appendFileSync(file, `${JSON.stringify(line)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }
}
