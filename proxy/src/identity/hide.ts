import { createHmac } from 'node:crypto';

/** Tells secrets apart without giving them away (I8). */
export const hideBy = (key: Uint8Array) => (secret: string) =>
  createHmac('sha256', key).update(secret).digest('base64url');
