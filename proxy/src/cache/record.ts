/**
 * How a response lies on disk: a checksum over all that follows it, the metadata's length, the metadata, the body. Where
 * the body is a file, the metadata says which.
 */
import { crc32 } from 'node:zlib';
import type { FileBody, FileFacts } from './body-files.ts';
import type { Metadata, Stored } from './response.ts';
import type { Place } from './segments.ts';
import type { Slot } from './store.ts';

/** Raised when the layout below changes: what an older one wrote is dropped. */
export const FORMAT = 4;

const HEAD = 8;
const NOTHING = Buffer.alloc(0);

/** All but the body, in one text; of a body in a file, which one it is. */
export function metadataText(response: Stored): string {
  const { body, ...metadata } = response;
  return JSON.stringify(Buffer.isBuffer(body) ? metadata : { ...metadata, file: factsOf(body) });
}

/** What `metadataText` was made of. `bodyOf` gives the body, which may be the file that the text names. */
export function responseOf<B extends Stored['body']>(text: string, bodyOf: (file?: FileFacts) => B) {
  const { file, ...metadata } = JSON.parse(text) as Metadata & { file?: FileFacts };
  return { ...metadata, body: bodyOf(file) };
}

/** In the parts that are to be written one after the other, so that no body is copied. `text`: see `metadataText`. */
export function encodeRecord(text: string, { body: given }: Pick<Stored, 'body'>): Buffer[] {
  const body = Buffer.isBuffer(given) ? given : NOTHING;
  const length = Buffer.byteLength(text);
  const head = Buffer.allocUnsafe(HEAD + length);
  head.writeUInt32LE(length, 4);
  head.write(text, HEAD);
  head.writeUInt32LE(crc32(body, crc32(head.subarray(4))), 0);
  return [head, body];
}

const factsOf = ({ name, length, sums }: FileBody): FileFacts => ({ name, length, sums });

/** Null for anything that is not, bit for bit, what was written. `fileOf`: the body that a record names. */
export function decodeRecord(record: Buffer, fileOf: (facts: FileFacts) => FileBody): Stored | null {
  if (record.length < HEAD || crc32(record.subarray(4)) !== record.readUInt32LE(0)) return null;
  const bodyAt = HEAD + record.readUInt32LE(4);
  // The checksum says that this text is one that `encodeRecord` wrote.
  const text = record.toString('utf8', HEAD, bodyAt);
  return responseOf(text, (file) => (file === undefined ? record.subarray(bodyAt) : fileOf(file)));
}

/** What the index keeps of a response on disk. */
export interface DiskSlot extends Slot {
  id: string;
  /** Of all that it takes. */
  bytes: number;
  /** The file that holds the body; absent where the record does. */
  file?: string;
  /** When a soft purge made it stale, ms since 1970; absent where none did. The record itself does not say so. */
  staleFrom?: number;
}

/** A slot and where its record lies, as level holds them. */
export function encodeSlot(slot: DiskSlot, place: Place): string {
  const text = JSON.stringify({ slot, place });
  return `${crc32(text).toString(16)} ${text}`;
}

export function decodeSlot(value: string): { slot: DiskSlot; place: Place } | null {
  const space = value.indexOf(' ');
  const text = value.slice(space + 1);
  if (value.slice(0, Math.max(0, space)) !== crc32(text).toString(16)) return null;
  return JSON.parse(text) as { slot: DiskSlot; place: Place };
}
