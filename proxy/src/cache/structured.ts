/** Dictionaries of RFC 9651, as far as cache directives need them: everything is parsed, only numbers and flags are kept. */

/** An Integer or a Boolean; `other` for any type that no directive has. */
export type BareItem = number | boolean | 'other';

const KEY = /[a-z*][a-z0-9_.*-]*/y;
const SPACE = /[ ]*/y;
const OPTIONAL_SPACE = /[ \t]*/y;
const COMMA = /[ \t]*,[ \t]*/y;

const ITEMS: readonly [RegExp, (text: string) => BareItem][] = [
  [/-?\d{1,12}\.\d{1,3}(?![\d.])/y, () => 'other'],
  [/-?\d{1,15}(?![\d.])/y, Number],
  [/\?[01]/y, (text) => text === '?1'],
  [/"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"/y, () => 'other'],
  [/[A-Za-z*][\w!#$%&'*+.^`|~:/-]*/y, () => 'other'],
  [/:[A-Za-z0-9+/=]*:/y, () => 'other'],
  [/@-?\d{1,15}(?![\d.])/y, () => 'other'],
  [/%"(?:[\x20\x21\x23\x24\x26-\x7e]|%[0-9a-f]{2})*"/y, () => 'other'],
];

class Cursor {
  at = 0;
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  get done(): boolean {
    return this.at === this.text.length;
  }
  take(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? null;
    if (found !== null) this.at += found.length;
    return found;
  }
  takeCharacter(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }
}

/** Parses a Dictionary (RFC 9651 §4.2.2), parameters dropped; null where any part of it does not parse. */
export function parseDictionary(text: string): Map<string, BareItem> | null {
  const cursor = new Cursor(text.replaceAll(/^ +| +$/g, ''));
  const members = new Map<string, BareItem>();
  while (!cursor.done) {
    const key = cursor.take(KEY);
    if (key === null) return null;
    const value = cursor.takeCharacter('=') ? parseMember(cursor) : true;
    if (value === null || !skipParameters(cursor)) return null;
    // A repeated key: the last one counts.
    members.set(key, value);
    if (cursor.done) break;
    if (cursor.take(COMMA) === null) return cursor.take(OPTIONAL_SPACE) !== null && cursor.done ? members : null;
    if (cursor.done) return null;
  }
  return members;
}

function parseMember(cursor: Cursor): BareItem | null {
  if (!cursor.takeCharacter('(')) return parseItem(cursor);
  for (;;) {
    cursor.take(SPACE);
    if (cursor.takeCharacter(')')) return 'other';
    if (parseItem(cursor) === null || !skipParameters(cursor)) return null;
    const next = cursor.text[cursor.at];
    if (next !== ' ' && next !== ')') return null;
  }
}

function parseItem(cursor: Cursor): BareItem | null {
  for (const [pattern, read] of ITEMS) {
    const text = cursor.take(pattern);
    if (text !== null) return read(text);
  }
  return null;
}

function skipParameters(cursor: Cursor): boolean {
  while (cursor.takeCharacter(';')) {
    cursor.take(SPACE);
    if (cursor.take(KEY) === null) return false;
    if (cursor.takeCharacter('=') && parseItem(cursor) === null) return false;
  }
  return true;
}
