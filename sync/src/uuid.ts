import { randomUUID } from 'node:crypto';

/** A UUIDv7 (RFC 9562 §5.7): ms since 1970, then 74 random bits. */
export function uuidv7(now: number): string {
  const time = Math.trunc(now).toString(16).padStart(12, '0');
  // Node draws the random bits of many at once; behind the version, both kinds are made alike.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
