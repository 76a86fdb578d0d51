/** Tells the link's faults apart by the errors that Node and undici raise. */
import type { Fault } from './link.ts';

/** A request to the cloud that got no answer from the app. */
export class CloudFault extends Error {
  readonly fault: Fault;
  /** Whether a byte of the request may have left this box: if not, it can be sent again without a second thought. */
  readonly sent: boolean;
  constructor(fault: Fault, sent: boolean, options?: ErrorOptions) {
    super(`no answer from the cloud: ${fault}`, options);
    this.name = 'CloudFault';
    this.fault = fault;
    this.sent = sent;
  }
}

export interface FaultOf {
  fault: Fault;
  /** False only where the error itself proves that no byte of the request left. */
  sent: boolean;
  /** False: it is of our own making, or nobody knows of whose. The link is not to be told of it. */
  evidence: boolean;
}

type Sign = Omit<FaultOf, 'evidence'>;

/**
 * What an error says about the link. `sent` errs on the safe side: an error that can occur both before and after the
 * first byte counts as sent, because a write that may have arrived must not be treated as new (I2).
 *
 * A time limit that was reached counts as silence. What we broke off ourselves, a fault in our code or in a profile's, a
 * process that has run out of files or memory: none of them is evidence, or a bug would put a good link into doubt.
 */
export function faultOf(error: unknown): FaultOf {
  for (const each of causesOf(error)) {
    const own = OURS[each.code];
    if (own !== undefined) return { fault: 'reset', sent: own.sent && each.syscall !== 'connect', evidence: false };
    const known = byClass(each) ?? byCall(each) ?? byCode(each);
    if (known !== null) return { ...known, evidence: true };
  }
  return { fault: 'reset', sent: true, evidence: false };
}

interface Signs {
  name: string;
  code: string;
  /** The system call that failed: `connect`, `getaddrinfo`, `read`, … */
  syscall: string;
  original: object;
}

/** The error and what it wraps, outermost first: fetch hides the cause, Happy Eyeballs the attempts (RFC 8305). */
function* causesOf(error: unknown, depth = 0): Generator<Signs> {
  if (typeof error !== 'object' || error === null || depth > 4) return;
  const { name, code, syscall, cause, errors } = error as Record<string, unknown>;
  if (Array.isArray(errors)) yield* causesOf(errors[0], depth + 1);
  yield { name: text(name), code: text(code), syscall: text(syscall), original: error };
  yield* causesOf(cause, depth + 1);
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

function byClass({ name, original }: Signs): Sign | null {
  if (original instanceof CloudFault) return { fault: original.fault, sent: original.sent };
  if (name === 'TimeoutError') return { fault: 'silent', sent: true };
  // undici gives no code here; `data` is what could not be parsed, and empty where the answer broke off.
  if (name === 'HTTPParserError')
    return { fault: 'data' in original && original.data === '' ? 'reset' : 'portal', sent: true };
  return null;
}

/** The system call that failed tells before from after: nothing is sent before `connect` has succeeded. */
function byCall({ code, syscall }: Signs): Sign | null {
  if (syscall === 'getaddrinfo' || syscall.startsWith('query')) return { fault: 'dns', sent: false };
  if (syscall === 'connect') return { fault: CONNECTION[code] ?? 'unreachable', sent: false };
  const fault = CONNECTION[code];
  // A lost route shows up on an open connection too, as a failed read or write.
  return fault === undefined ? null : { fault, sent: !NEVER_CONNECTED.has(code) };
}

const CONNECTION: Readonly<Record<string, Fault>> = {
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EACCES: 'unreachable',
  EPERM: 'unreachable',
  ETIMEDOUT: 'silent',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
};

const NEVER_CONNECTED = new Set(['ECONNREFUSED', 'EADDRNOTAVAIL']);

function byCode({ code }: Signs): Sign | null {
  const known = CODES[code];
  if (known !== undefined) return known;
  // Verification ends the handshake, before the request (RFC 8446 §4.4.2.4).
  if (CERTIFICATE.test(code)) return { fault: 'tls', sent: false };
  // Other TLS alerts also come later: TLS 1.3 refuses a client's certificate after the first request bytes.
  if (code.startsWith('ERR_SSL_') || code.startsWith('ERR_TLS_') || code === 'EPROTO')
    return { fault: 'tls', sent: true };
  // What answers does not speak HTTP: it is not the app.
  if (code.startsWith('HPE_')) return { fault: 'portal', sent: true };
  return null;
}

/** Broken off or closed by us; and what a process lacks that has run out of it. */
const OURS: Readonly<Record<string, { sent: boolean }>> = {
  UND_ERR_ABORT: { sent: true },
  UND_ERR_ABORTED: { sent: true },
  UND_ERR_DESTROYED: { sent: true },
  /** Thrown before dispatch: the pool was closed. */
  UND_ERR_CLOSED: { sent: false },
  ABORT_ERR: { sent: true },
  EMFILE: { sent: true },
  ENFILE: { sent: true },
  ENOMEM: { sent: true },
  ENOBUFS: { sent: true },
  ENOSPC: { sent: true },
};

const CODES: Readonly<Record<string, Sign>> = {
  ENOTFOUND: { fault: 'dns', sent: false },
  EAI_AGAIN: { fault: 'dns', sent: false },
  EAI_FAIL: { fault: 'dns', sent: false },
  ERR_SSL_WRONG_VERSION_NUMBER: { fault: 'tls', sent: false },
  ERR_SSL_PACKET_LENGTH_TOO_LONG: { fault: 'tls', sent: false },
  ERR_SSL_UNSUPPORTED_PROTOCOL: { fault: 'tls', sent: false },
  ERR_TLS_HANDSHAKE_TIMEOUT: { fault: 'tls', sent: false },
  UND_ERR_CONNECT_TIMEOUT: { fault: 'silent', sent: false },
  /** Node's, where every address was tried in vain. */
  ERR_SOCKET_CONNECTION_TIMEOUT: { fault: 'silent', sent: false },
  /** http-proxy-3's. */
  ECONNECT_TIMEOUT: { fault: 'silent', sent: false },
  UND_ERR_HEADERS_TIMEOUT: { fault: 'silent', sent: true },
  UND_ERR_BODY_TIMEOUT: { fault: 'silent', sent: true },
  UND_ERR_SOCKET: { fault: 'reset', sent: true },
  UND_ERR_INFO: { fault: 'reset', sent: true },
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: { fault: 'reset', sent: true },
  HPE_INVALID_EOF_STATE: { fault: 'reset', sent: true },
  UND_ERR_HEADERS_OVERFLOW: { fault: 'portal', sent: true },
};

/** OpenSSL's X509_V_ERR_* as Node names them, and the name check. */
const CERTIFICATE =
  /^(ERR_TLS_CERT_ALTNAME_INVALID|UNABLE_TO_|CERT_|CRL_|ERROR_IN_C|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|HOSTNAME_MISMATCH)/;
