/** A device of the store, or someone elsewhere: does its steps, and offers what it wrote until the cloud has settled it. */
import type { Answer, Client } from '../stage/client.ts';
import type { Book, Row } from './book.ts';
import { look, lookAround, type Eyes } from './looking.ts';
import { requestOf, type OpeningProduct } from './operations.ts';
import type { Offer, Outbox } from './outbox.ts';
import type { Op, Step } from './plan.ts';

export interface DeviceOptions {
  client: Client;
  user: { id: string; store: string };
  elsewhere: boolean;
  outbox: Outbox;
  book: Book;
  opening: readonly OpeningProduct[];
  /** Of this store's edge: odd while no process is there, and another number after it was. */
  outages(): number;
  /** A step is done. */
  stepped(): void;
}

export class Device {
  readonly #options: DeviceOptions;
  /** Raised when the device loses its memory: what is under way then is never heard of. */
  #life = 0;

  constructor(options: DeviceOptions) {
    this.#options = options;
  }

  get outbox(): Outbox {
    return this.#options.outbox;
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const { op, pause } of steps) {
      // People take their time; what they find meanwhile is theirs to bear.
      await new Promise((resolve) => setTimeout(resolve, pause));
      await this.#do(op);
      this.#options.stepped();
    }
  }

  /** As after a power cut of the device. */
  restart(): void {
    this.#life += 1;
    this.#options.outbox.reload();
  }

  /** Offers all that is not settled; what is answered otherwise than "settled" stays. */
  async offerAll(): Promise<void> {
    for (const offer of this.#options.outbox.offers) await this.#offer(offer);
  }

  get #eyes(): Eyes {
    const { book, client, outages } = this.#options;
    return { book, client, outages };
  }

  async #do(op: Op): Promise<void> {
    const { book, client, elsewhere, opening, outbox, user } = this.#options;
    if (op.type === 'repeat') {
      const offer = outbox.offers.at(-1);
      if (offer !== undefined) await this.#offer(offer);
      return;
    }
    if (op.type === 'look') return lookAround(this.#eyes, opening);
    const request = await requestOf(op, {
      book,
      opening,
      user,
      elsewhere,
      see: async (id) => {
        const answer = await client.get(`/products/${id}`).catch(() => null);
        return answer?.status === 200 ? answer.body : null;
      },
    });
    if (request === null) return;
    outbox.put(request.offer);
    await this.#offer(request.offer);
    if (!elsewhere && book.binding(request.row)) await look(this.#eyes, request.row);
  }

  /** Same key, same bytes, however often. */
  async #offer({ key, method, path, body }: Offer): Promise<void> {
    const { book, client } = this.#options;
    const row = book.rows.get(key);
    if (row === undefined) throw new Error(`an outbox holds ${key}, which nobody wrote`);
    const life = this.#life;
    const { generation } = book;
    const answer = await client.write<{ id?: unknown }>(method, path, body, key).catch(() => null);
    if (answer === null || life !== this.#life) row.doubtful = true;
    else this.#heard(row, answer, generation);
  }

  #heard(row: Row, answer: Answer<{ id?: unknown }>, generation: number): void {
    const { book, elsewhere, outbox } = this.#options;
    const { status, headers, body } = answer;
    const settled = elsewhere || headers.get('larder-source') === 'cloud';
    if (status >= 200 && status < 300) {
      if (row.effect.type === 'fact' && typeof body?.id === 'string') row.id ??= body.id;
      book.acknowledge(row, settled ? 'applied' : 'waiting', generation);
      if (settled) outbox.settled(row.key);
      return;
    }
    // "Not now": nothing is known of it, and it is offered again.
    if (status >= 500 || status === 401 || status === 429 || isInFlight(answer)) {
      row.doubtful = true;
      return;
    }
    row.told = settled && !elsewhere ? 'refused' : 'declined';
    outbox.settled(row.key);
    if (status !== 404 && status !== 409)
      book.wrong.push(`${row.key} (${row.effect.type}) was answered with ${status}: ${JSON.stringify(body)}`);
  }
}

/** The cloud's own word for "somebody is at it", which only who asks it directly hears. */
const isInFlight = ({ status, body }: Answer<{ id?: unknown }>) =>
  status === 409 && (body as { code?: unknown }).code === 'in-flight';
