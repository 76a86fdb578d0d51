/** How a response lies on disk: a checksum over all that follows it, the metadata's length, the metadata, the body. */
import { crc32 } from 'node:zlib';
import type { Metadata, StoredResponse } from './response.ts';
import type { Slot } from './store.ts';

/** Raised when the layout below changes: what an older one wrote is dropped. */
export const FORMAT = 2;

const HEAD = 8;

export function encodeRecord(response: StoredResponse): Buffer {
  const { body, ...metadata } = response;
  const text = Buffer.from(JSON.stringify(metadata));
  const record = Buffer.allocUnsafe(HEAD + text.length + body.length);
  record.writeUInt32LE(text.length, 4);
  text.copy(record, HEAD);
  body.copy(record, HEAD + text.length);
  record.writeUInt32LE(crc32(record.subarray(4)), 0);
  return record;
}

/** Null for anything that is not, bit for bit, what was written. */
export function decodeRecord(record: Buffer): StoredResponse | null {
  if (record.length < HEAD || crc32(record.subarray(4)) !== record.readUInt32LE(0)) return null;
  const bodyAt = HEAD + record.readUInt32LE(4);
  // The checksum says that this text is one that `encodeRecord` wrote.
  const metadata = JSON.parse(record.toString('utf8', HEAD, bodyAt)) as Metadata;
  return { ...metadata, body: record.subarray(bodyAt) };
}

/** What the index keeps of a response on disk. */
export interface DiskSlot extends Slot {
  id: string;
  /** Of the record. */
  bytes: number;
  /** When a soft purge made it stale, ms since 1970; absent where none did. The record itself does not say so. */
  staleFrom?: number;
}

export function encodeSlot(slot: DiskSlot): string {
  const text = JSON.stringify(slot);
  return `${crc32(text).toString(16)} ${text}`;
}

export function decodeSlot(value: string): DiskSlot | null {
  const space = value.indexOf(' ');
  const text = value.slice(space + 1);
  if (value.slice(0, Math.max(0, space)) !== crc32(text).toString(16)) return null;
  return JSON.parse(text) as DiskSlot;
}
