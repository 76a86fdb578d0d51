/** The edge's certificate and its key: read and judged before anybody is served by them. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { SecureContextOptions } from 'node:tls';
import { createSecureContext } from 'node:tls';
import { LarderError } from '@larder/sync/errors';

/** Paths of PEM files. */
export interface CertificateFiles {
  /** The edge's own first, then those that lead to a known authority. */
  certificate: string;
  key: string;
}

export interface Certificate {
  /** PEM. */
  chain: string;
  key: string;
  /** ms since 1970. */
  validFrom: number;
  validTo: number;
  /** SHA-256 of the first one, as `openssl x509 -fingerprint -sha256` writes it. */
  fingerprint: string;
}

/**
 * Reads both files. What has expired, or is not valid yet, is no fault here: a box that starts after a long outage, or
 * with a clock that was lost, must serve all the same; whoever renews decides.
 *
 * @throws LarderError `LARDER_TLS_UNUSABLE`, naming the file and what is wrong with it; nothing of the key
 */
export function readCertificate({ certificate, key }: CertificateFiles): Certificate {
  const chain = readPem(certificate);
  const secret = readPem(key);
  const first = parse(certificate, 'holds no certificate in PEM form', () => new X509Certificate(chain));
  const own = parse(key, 'holds no private key in PEM form, or one that needs a password', () =>
    createPrivateKey(secret),
  );
  if (!first.checkPrivateKey(own)) throw unusable(`${key} is not the key of the certificate in ${certificate}.`);
  const found = {
    chain,
    key: secret,
    validFrom: first.validFromDate.getTime(),
    validTo: first.validToDate.getTime(),
    fingerprint: first.fingerprint256,
  };
  parse(certificate, 'holds something that cannot be used for TLS', () => createSecureContext(contextOf(found)));
  return found;
}

/** What a server of node is given. */
export const contextOf = ({ chain, key }: Pick<Certificate, 'chain' | 'key'>): SecureContextOptions => ({
  cert: chain,
  key,
  minVersion: 'TLSv1.2',
});

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw unusable(`${file} ${isMissing ? 'is not there' : 'cannot be read'}.`, error);
  }
}

function parse<T>(file: string, otherwise: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw unusable(`${file} ${otherwise}.`, error);
  }
}

const unusable = (detail: string, cause?: unknown) => new LarderError('LARDER_TLS_UNUSABLE', detail, { cause });
