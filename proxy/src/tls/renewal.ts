/** Follows the certificate's files, so that a renewed one serves without a restart; and says when it will expire. */
import { statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { LarderError } from '@larder/sync/errors';
import type { Logger } from '../log.ts';
import { readCertificate } from './certificate.ts';
import type { Certificate, CertificateFiles } from './certificate.ts';

export interface RenewalOptions {
  files: CertificateFiles;
  /** ms since 1970. */
  clock(): number;
  log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** Between two looks at the files, ms. */
  interval?: number;
}

export interface CertificateStatus {
  /** ISO 8601 UTC. */
  validTo: string;
  /** Whole days; negative once it has expired. */
  daysLeft: number;
  /** It needs to be renewed now. */
  expiring: boolean;
  fingerprint: string;
}

export interface Renewal {
  /** What new connections are to be served with. */
  readonly current: Certificate;
  readonly status: CertificateStatus;
  /** Told of each new one. One listener; a later one takes its place. */
  onRenewed(listener: (certificate: Certificate) => void): void;
  stop(): void;
}

const DAY = 86_400_000;
/** Fewer days than this are for somebody to act in. */
const WARNING_DAYS = 30;
const INTERVAL = 5_000;

/**
 * Looks instead of being told: a Secret in Kubernetes changes by a symbolic link two levels up, of which a watcher of
 * the file hears nothing, and some file systems tell nobody. What does not hold together leaves the old one in place.
 *
 * @throws LarderError `LARDER_TLS_UNUSABLE` where there is nothing to begin with
 */
export function followCertificate({ files, clock, log, interval = INTERVAL }: RenewalOptions): Renewal {
  // Before it is read: what changes in between is read again.
  let loaded = [files.certificate, files.key].map(signNow).join(' ');
  let current = readCertificate(files);
  let apply: (certificate: Certificate) => void = () => undefined;
  let seen = loaded;
  let warned = -Infinity;

  function warn(): void {
    const status = statusOf(current, clock());
    if (!status.expiring || clock() - warned < DAY) return;
    warned = clock();
    const detail = { certificate: files.certificate, ...status };
    if (status.daysLeft < 0) log.error(detail, 'the certificate has expired: renew it, browsers refuse it');
    else log.warn(detail, 'the certificate expires soon: renew it');
  }

  function renew(): void {
    try {
      const next = readCertificate(files);
      if (next.chain === current.chain && next.key === current.key) return;
      if (next.validTo <= clock() && next.validTo < current.validTo)
        throw new LarderError('LARDER_TLS_UNUSABLE', 'It has expired.');
      current = next;
      apply(next);
      warned = -Infinity;
      log.info({ ...statusOf(next, clock()) }, 'the certificate was renewed');
    } catch (error) {
      log.error({ err: error }, 'the new certificate cannot be used; the old one stays');
    }
  }

  async function look(): Promise<void> {
    const now = await signatureOf(files);
    // Certificate and key are two files: they are read once they have been left alone for a while.
    const isSettled = now === seen;
    seen = now;
    if (isSettled && now !== loaded) {
      loaded = now;
      renew();
    }
    warn();
  }

  warn();
  let looking = Promise.resolve();
  const timer = setInterval(() => void (looking = looking.then(look)), interval);
  return {
    get current() {
      return current;
    },
    onRenewed: (listener) => void (apply = listener),
    get status() {
      return statusOf(current, clock());
    },
    stop: () => clearInterval(timer),
  };
}

function statusOf({ validTo, fingerprint }: Certificate, now: number): CertificateStatus {
  const daysLeft = Math.floor((validTo - now) / DAY);
  return { validTo: new Date(validTo).toISOString(), daysLeft, expiring: daysLeft < WARNING_DAYS, fingerprint };
}

async function signatureOf({ certificate, key }: CertificateFiles): Promise<string> {
  const of = (file: string) => stat(file).then(signOf, () => signOf(undefined));
  return `${await of(certificate)} ${await of(key)}`;
}

/** What is wrong with a file is for its reader to say. */
function signNow(file: string): string {
  try {
    return signOf(statSync(file));
  } catch {
    return signOf(undefined);
  }
}

/** Changes whenever a file is written or replaced, wherever the links that lead to it point. */
const signOf = (stats: Stats | undefined): string =>
  stats === undefined ? 'gone' : [stats.dev, stats.ino, stats.size, stats.mtimeMs, stats.ctimeMs].join();
