/** A shared till, known again by a secret that only its browser has. */
import { hash, randomBytes } from 'node:crypto';
import type { ClientRequest, ClientResponse } from '../exchange.ts';
import { clientOf } from '../forward.ts';

/** Without it, a PIN is no PIN. No script reads it, and it goes nowhere but to these pages. */
const COOKIE = 'larder-device';
const YEAR = 365 * 24 * 3600;

export interface Device {
  secret: string;
  /** What is kept of it. */
  id: string;
}

const deviceBy = (secret: string): Device => ({ secret, id: hash('sha256', secret, 'base64url') });

/** The device that a request comes from; null: one that has no PIN yet. */
export function deviceOf({ headers }: ClientRequest): Device | null {
  const secret = /(?:^|;\s*)larder-device=([\w-]{43})(?:;|$)/.exec(headers.cookie ?? '')?.[1];
  return secret === undefined ? null : deviceBy(secret);
}

/** Makes a device of whoever gets this answer. */
export function newDevice(request: ClientRequest, response: ClientResponse): Device {
  const device = deviceBy(randomBytes(32).toString('base64url'));
  const secure = clientOf(request).secure ? '; Secure' : '';
  response.setHeader(
    'set-cookie',
    `${COOKIE}=${device.secret}; Path=/_edge/people/; HttpOnly; SameSite=Strict; Max-Age=${YEAR}${secure}`,
  );
  return device;
}
