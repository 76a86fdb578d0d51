/** Heads of answers over HTTP/2: exactly the fields that the plain path sends, brought up to date when the second changes. */
import type { StoredResponse } from '../cache/response.ts';
import { headOf } from '../http2/response.ts';
import type { Http2Response } from '../http2/response.ts';
import { fieldsOf304, hitFields } from '../read/answer.ts';

/** What an array of so many texts costs besides them, roughly. */
const OVERHEAD = 512;

/** Where the values stand that change. */
interface Changing {
  age: number;
  status: number;
  date: number;
}

export class PreparedFields {
  /** 2 of 2xx. */
  readonly statusClass: number;
  /** The stored body follows the head. */
  readonly hasBody: boolean;
  /** Memory that this needs at the most, roughly; bytes. */
  readonly size: number;
  readonly #birth: number;
  readonly #freshUntil: number;
  readonly #fields: string[];
  readonly #changing: Changing;
  /** The value of Cache-Status up to its last number. */
  readonly #status: string;
  #second = -1;

  /**
   * Prepares what has just been sent for real, to send it again; null where a head made here would not be the same, for
   * whatever reason. `now`: ms since 1970.
   */
  static from({ statusCode, sentHead }: Http2Response, stored: StoredResponse, now: number): PreparedFields | null {
    const all = hitFields(stored, now);
    const fields = headOf(statusCode, statusCode === 304 ? fieldsOf304(all) : all);
    if (sentHead === null || !isSame(fields, sentHead)) return null;
    const changing = {
      age: placeOf(fields, 'age'),
      status: placeOf(fields, 'cache-status'),
      date: placeOf(fields, 'date'),
    };
    const status = HIT.exec(fields[changing.status] ?? '')?.[1];
    if (changing.age === -1 || changing.date === -1 || status === undefined) return null;
    return new PreparedFields(stored, { fields, changing, status });
  }

  private constructor(
    { birth, freshUntil, body }: StoredResponse,
    { fields, changing, status }: { fields: string[]; changing: Changing; status: string },
  ) {
    this.statusClass = Number(fields[1]?.[0]);
    // nghttp2 wants the end of an answer without a body said with its head.
    this.hasBody = fields[1] !== '304' && body.length > 0;
    this.size = fields.reduce((sum, text) => sum + text.length, OVERHEAD);
    this.#birth = birth;
    this.#freshUntil = freshUntil;
    this.#fields = fields;
    this.#changing = changing;
    this.#status = status;
  }

  /** At this moment, ms since 1970. Node reads them before it returns: they may change afterwards. */
  fields(now: number): string[] {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      const { age, status, date } = this.#changing;
      this.#fields[age] = String(Math.max(0, Math.floor((now - this.#birth) / 1000)));
      this.#fields[status] = `${this.#status}${Math.floor((this.#freshUntil - now) / 1000)}`;
      this.#fields[date] = new Date().toUTCString();
    }
    return this.#fields;
  }
}

const HIT = /^((?:.*, )?larder; hit; ttl=)\d+$/s;

const isSame = (fields: readonly string[], sent: readonly string[]): boolean =>
  fields.length === sent.length && fields.every((text, at) => text === sent[at]);

/** Of the value of the field of this name that stands last; -1: there is none. */
function placeOf(fields: readonly string[], name: string): number {
  for (let at = fields.length - 2; at >= 0; at -= 2) if (fields[at] === name) return at + 1;
  return -1;
}
