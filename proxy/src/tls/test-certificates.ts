/** For tests: certificates for localhost and 127.0.0.1, made for nothing else and worth nothing, until the year 2120. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const fileOf = (name: string) => join(import.meta.dirname, 'for-tests', `${name}.pem`);

export const TEST_CERTIFICATES = {
  valid: { certificate: fileOf('valid-certificate'), key: fileOf('valid-key') },
  /** Another one, with a key of its own. */
  renewed: { certificate: fileOf('renewed-certificate'), key: fileOf('renewed-key') },
  /** For the key of the valid one; it ended in 2021. */
  expired: { certificate: fileOf('expired-certificate'), key: fileOf('valid-key') },
};

/** For clients of a server with the valid one. */
export const TEST_CA = readFileSync(TEST_CERTIFICATES.valid.certificate, 'utf8');
