/** Heads of answers as bytes: exactly those that node writes for the same fields, brought up to date when the second changes. */
import { STATUS_CODES } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { StoredResponse } from '../cache/response.ts';
import { fieldsOf304, hitFields } from '../read/answer.ts';

export class Prepared {
  /** 2 of 2xx. */
  readonly statusClass: number;
  /** The stored body follows the head. */
  readonly hasBody: boolean;
  /** Memory that this needs at the most, roughly; bytes. */
  readonly size: number;
  readonly #birth: number;
  readonly #freshUntil: number;
  readonly #parts: HeadParts;
  #second = -1;
  /** None yet. */
  #image: Image | null = null;
  /** A socket may still have to send from it: it is left as it is, and another one takes its place. */
  #isHeld = false;

  /**
   * Prepares what has just been sent for real, to send it again; null where a head made here would not be the same, for
   * whatever reason. `keepAlive`: what the server announces, seconds. `now`: ms since 1970.
   */
  static from(response: ServerResponse, stored: StoredResponse, keepAlive: number, now: number): Prepared | null {
    const status = response.statusCode;
    const all = hitFields(stored, now);
    const parts = partsOf(status, status === 304 ? fieldsOf304(all) : all, keepAlive);
    // Not documented, but as old as node itself; should it go, nothing is equal and nothing is prepared.
    const { _header: written } = response as unknown as { _header?: unknown };
    if (parts === null || written !== parts.whole) return null;
    return new Prepared(stored, status, parts);
  }

  private constructor({ birth, freshUntil }: StoredResponse, status: number, parts: HeadParts) {
    this.statusClass = Math.floor(status / 100);
    this.hasBody = status !== 304;
    // Text and bytes of it.
    this.size = 2 * parts.whole.length;
    this.#birth = birth;
    this.#freshUntil = freshUntil;
    this.#parts = parts;
  }

  /** The head at this moment, ms since 1970. Whoever neither copies it nor sees it sent at once says so by `hold`. */
  head(now: number): Buffer {
    const second = Math.floor(now / 1000);
    if (second !== this.#second || this.#image === null) {
      this.#second = second;
      this.#image = this.#render(now);
    }
    return this.#image.bytes;
  }

  /** What was given is not with the system yet: it must not change any more. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Memory made anew for every URL and second would be garbage faster than answers leave. */
  #render(now: number): Image {
    const age = Math.max(0, Math.floor((now - this.#birth) / 1000));
    const timeToLive = Math.floor((this.#freshUntil - now) / 1000);
    const image = this.#image;
    if (image !== null && !this.#isHeld && fits(age, image.age) && fits(timeToLive, image.timeToLive)) {
      writeNumber(image.bytes, image.age, age);
      writeNumber(image.bytes, image.timeToLive, timeToLive);
      return image;
    }
    this.#isHeld = false;
    return imageOf(this.#parts, String(age), String(timeToLive));
  }
}

/** Where a number stands, in decimal. */
interface Digits {
  at: number;
  count: number;
}

interface Image {
  bytes: Buffer;
  age: Digits;
  timeToLive: Digits;
}

function imageOf({ first, middle, last }: HeadParts, age: string, timeToLive: string): Image {
  const ageAt = first.length;
  return {
    bytes: Buffer.from(`${first}${age}${middle}${timeToLive}${last}`, 'latin1'),
    age: { at: ageAt, count: age.length },
    timeToLive: { at: ageAt + age.length + middle.length, count: timeToLive.length },
  };
}

/** Does it take exactly so many digits? */
const fits = (value: number, { count }: Digits): boolean =>
  value < 10 ** count && value >= (count === 1 ? 0 : 10 ** (count - 1));

function writeNumber(bytes: Buffer, { at, count }: Digits, value: number): void {
  let rest = value;
  for (let i = at + count - 1; i >= at; i--) {
    bytes[i] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

/** A head as node writes it, and the same around the two numbers that change: Age, and the time to live. */
interface HeadParts {
  whole: string;
  first: string;
  middle: string;
  last: string;
}

/** Null where they do not stand where a hit has them. */
function partsOf(status: number, fields: readonly string[], keepAlive: number): HeadParts | null {
  let whole = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`;
  for (let i = 0; i < fields.length; i += 2) whole += `${fields[i]}: ${fields[i + 1]}\r\n`;
  // What node adds to an answer after which the connection stays.
  whole += `Connection: keep-alive\r\nKeep-Alive: timeout=${keepAlive}\r\n\r\n`;
  const match = CHANGING.exec(whole);
  if (match === null) return null;
  const [, first = '', middle = '', last = ''] = match;
  return { whole, first, middle, last };
}

const CHANGING = /^(.*\r\nage: )\d+(\r\n(?:.*\r\n)?Cache-Status: [^\r]*larder; hit; ttl=)\d+(\r\n.*)$/s;
