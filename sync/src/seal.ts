/**
 * Seals small secrets at rest with AES-256-GCM (NIST SP 800-38D). A sealed value is nonce (12 bytes), tag (16 bytes),
 * ciphertext; the label is authenticated with it, so that a value sealed for one place cannot be moved to another.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const NONCE = 12;
const TAG = 16;

/** Seals `text` under a 32-byte key. */
export function seal(key: Uint8Array, label: string, text: string): Uint8Array {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(label));
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

/** Opens what `seal` made; null where key, label or bytes are not the same. */
export function unseal(key: Uint8Array, label: string, sealed: Uint8Array): string | null {
  if (sealed.length < NONCE + TAG) return null;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE));
  decipher.setAAD(Buffer.from(label));
  decipher.setAuthTag(sealed.subarray(NONCE, NONCE + TAG));
  try {
    return decipher.update(sealed.subarray(NONCE + TAG), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return null;
  }
}
