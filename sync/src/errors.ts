/**
 * The one table of errors that an edge can give. Codes are stable: scripts and dashboards may rely on them.
 * `title` is the sentence for the person concerned, `advice` what to do about it; `status` is used where the error
 * answers a request (RFC 9457), `exit` where it ends a command.
 */
interface ErrorKind {
  readonly status: number;
  readonly exit: number;
  readonly title: string;
  readonly advice: string;
}

export const ERRORS = {
  /** A key of the configuration file, environment or command line is wrong or missing. */
  LARDER_CONFIG_INVALID: {
    status: 500,
    exit: 2,
    title: 'The configuration is not valid.',
    advice: 'Correct the key that is named; `larder start --help` lists them all.',
  },
  /** The profile file cannot be loaded, or is not what `defineApp` makes. */
  LARDER_PROFILE_INVALID: {
    status: 500,
    exit: 2,
    title: 'The profile cannot be used.',
    advice: 'Check the path, and that its default export is `defineApp({...})`.',
  },
  /** What waits in the queue was accepted by a release of the profile that this one cannot read. */
  LARDER_PROFILE_TOO_OLD: {
    status: 500,
    exit: 2,
    title: 'Changes are waiting that this release of the profile cannot read.',
    advice: 'Start the release that accepted them, let the queue drain, then upgrade.',
  },
  /** Another process uses the data directory. */
  LARDER_DATA_LOCKED: {
    status: 500,
    exit: 3,
    title: 'Another Larder is using this data directory.',
    advice: 'Stop it, or give this one a directory of its own with --data.',
  },
  /** The data directory cannot be created, read or written. */
  LARDER_DATA_UNUSABLE: {
    status: 500,
    exit: 3,
    title: 'The data directory cannot be used.',
    advice: 'Check that it exists, belongs to this user, and that the disk is not full.',
  },
  /** The address or port cannot be bound. */
  LARDER_LISTEN_FAILED: {
    status: 500,
    exit: 3,
    title: 'The address cannot be listened on.',
    advice: 'Choose another with --host or --port, or stop what is using it.',
  },
  /** The certificate that browsers are shown, or its key, is missing, broken, expired, or does not belong together. */
  LARDER_TLS_UNUSABLE: {
    status: 500,
    exit: 2,
    title: 'The certificate for TLS cannot be used.',
    advice: 'Name PEM files of a valid certificate and of its private key by --tls-certificate and --tls-key.',
  },
  /** A command needs a running edge and found none. */
  LARDER_NOT_RUNNING: {
    status: 503,
    exit: 4,
    title: 'No Larder answers there.',
    advice: 'Start it, or name the right address with --edge.',
  },
  /** The cloud cannot be reached and nothing here can answer. */
  LARDER_OFFLINE: {
    status: 503,
    exit: 1,
    title: 'The cloud cannot be reached, and this store has no copy of what was asked.',
    advice: 'Try again when the link is back.',
  },
  /** A write that only the cloud can take. */
  LARDER_OFFLINE_WRITE: {
    status: 503,
    exit: 1,
    title: 'The cloud cannot be reached, and this change can only be made there.',
    advice: 'Try again when the link is back. Nothing was changed.',
  },
  /** The cloud answered too late or broke off. */
  LARDER_CLOUD_FAILED: {
    status: 502,
    exit: 1,
    title: 'The cloud did not give a whole answer.',
    advice: 'Try again.',
  },
  /** The cloud did not answer within the time limit. */
  LARDER_CLOUD_TIMEOUT: {
    status: 504,
    exit: 1,
    title: 'The cloud did not answer in time.',
    advice: 'Try again.',
  },
  /** Whoever asks has no valid credential that this edge can check while the cloud is away. */
  LARDER_UNAUTHENTICATED: {
    status: 401,
    exit: 1,
    title: 'You are not signed in.',
    advice: 'Sign in and try again.',
  },
  /** No signing keys of the app have ever been fetched: whoever asks with a token may well be signed in. */
  LARDER_KEYS_UNKNOWN: {
    status: 503,
    exit: 1,
    title: 'This box does not know yet whose sign-ins to trust.',
    advice: 'Try again when it has reached the cloud once.',
  },
  /** Signing in while the cloud is away: one answer to everybody, so that nobody learns who is known here. */
  LARDER_SIGN_IN_OFFLINE: {
    status: 401,
    exit: 1,
    title: 'Name or password is wrong, or you have not signed in at this store within the last seven days.',
    advice: 'Check both. While the cloud is away, a manager can vouch for you.',
  },
  /** A wrong PIN, one of another device, or of nobody: one answer to all. */
  LARDER_WRONG_PIN: {
    status: 401,
    exit: 1,
    title: 'That was not the right PIN here.',
    advice: 'After three wrong ones in a row it is gone: then sign in by password.',
  },
  /** Too many wrong passwords, PINs or codes. */
  LARDER_LOCKED_OUT: {
    status: 429,
    exit: 1,
    title: 'There were too many wrong attempts.',
    advice: 'Wait, or ask someone else to sign in.',
  },
  /** The cloud has not confirmed this person for longer than the grace period. */
  LARDER_GRACE_OVER: {
    status: 403,
    exit: 1,
    title: 'The cloud has not confirmed your sign-in for seven days.',
    advice: 'Until the link is back, only what has happened can be recorded: sales, returns, receipts, counts.',
  },
  /** A proposal of someone who may only record facts. */
  LARDER_FACTS_ONLY: {
    status: 403,
    exit: 1,
    title: 'For the time being you can only record what has happened.',
    advice: 'Ask someone who is signed in with their own password, or wait until the link is back.',
  },
  /** A session that this edge gave while the cloud was away, used for what only the cloud can do. */
  LARDER_LOCAL_SESSION: {
    status: 403,
    exit: 1,
    title: 'You signed in while the cloud was away, and this needs the cloud.',
    advice: 'Sign in again once the link is back.',
  },
  /** There is no such thing to vouch, end or switch to, or the profile has no such way. */
  LARDER_NO_SUCH_PERSON: {
    status: 404,
    exit: 1,
    title: 'There is no such person or vouching here.',
    advice: 'Look at the list again.',
  },
  /** The credential is not the one that allows this. */
  LARDER_FORBIDDEN: {
    status: 403,
    exit: 1,
    title: 'You may not do this.',
    advice: 'Use the credential that allows it.',
  },
  /** An Idempotency-Key was used again for another request. */
  LARDER_KEY_MISMATCH: {
    status: 422,
    exit: 1,
    title: 'This Idempotency-Key was used for another request.',
    advice: 'Use a new key for a new request.',
  },
  /** An Idempotency-Key that is not 1 to 255 visible ASCII characters. */
  LARDER_KEY_INVALID: {
    status: 400,
    exit: 1,
    title: 'The Idempotency-Key is not valid.',
    advice: 'Use 1 to 255 visible ASCII characters, a UUID for instance.',
  },
  /** The store's copy is not complete yet, and the write cannot be checked without it. */
  LARDER_NOT_READY: {
    status: 503,
    exit: 1,
    title: "This store's copy of the data is still being fetched.",
    advice: 'Try again in a moment. Nothing was changed.',
  },
  /** The queue has reached its limit; reads go on. */
  LARDER_QUEUE_FULL: {
    status: 507,
    exit: 1,
    title: 'This store cannot keep more changes until the link is back.',
    advice: 'Restore the link so that waiting changes can be sent. What was accepted is safe.',
  },
  /** A restored backup, a copied disk, a new box, or one that was replaced: it takes no new writes. */
  LARDER_BOX_NOT_CURRENT: {
    status: 503,
    exit: 1,
    title: "This box is not the one that takes this store's changes.",
    advice: 'Use the one that is named, or have `larder box take-over` run here. Nothing was changed.',
  },
  /** Nothing is held back that somebody could let go. */
  LARDER_BOX_NOT_HELD: {
    status: 409,
    exit: 1,
    title: 'Nothing keeps this box from sending its changes.',
    advice: '`larder box status` says how it stands.',
  },
  /** Of what is being sent, its own answer says best what became of it. */
  LARDER_BOX_SENDING: {
    status: 409,
    exit: 1,
    title: 'This box is still sending a change.',
    advice: 'Try again in a moment.',
  },
  /** A file that is not a whole export of a queue, cannot be read, or would be written over. */
  LARDER_EXPORT_INVALID: {
    status: 400,
    exit: 2,
    title: 'The file cannot be used for a queue.',
    advice: 'Name a file that `larder queue export` has written whole, or for an export one that does not exist yet.',
  },
  /** The disk of the data directory is nearly full; reads go on. */
  LARDER_DISK_LOW: {
    status: 507,
    exit: 3,
    title: 'This box has too little free disk space to keep more changes.',
    advice: 'Free space on the disk of the data directory. Nothing was changed; what was accepted before is safe.',
  },
  /** The disk is full or failing: the write was not taken. */
  LARDER_DISK_FULL: {
    status: 507,
    exit: 3,
    title: 'The change could not be saved on this box.',
    advice: 'Free space on the disk of the data directory. Nothing was changed; what was accepted before is safe.',
  },
  /** What was purged is gone from memory, but the disk did not take it. */
  LARDER_PURGE_UNWRITTEN: {
    status: 507,
    exit: 3,
    title: 'The purge could not be written to the disk.',
    advice:
      'What was purged is not served any more. Free space on the disk of the data directory, then restart the edge.',
  },
  /** A request body over the limit. */
  LARDER_BODY_TOO_LARGE: {
    status: 413,
    exit: 1,
    title: 'The request is too large.',
    advice: 'Send less at once.',
  },
  /** A body that says it is JSON and is not. */
  LARDER_BODY_INVALID: {
    status: 400,
    exit: 1,
    title: 'The request body is not valid JSON.',
    advice: 'Correct it and send it again.',
  },
  /** There is no such entry in the inbox, or it is not for the eyes of whoever asks. */
  LARDER_ENTRY_UNKNOWN: {
    status: 404,
    exit: 1,
    title: 'There is no such change in the inbox.',
    advice: '`larder inbox list` shows what is there.',
  },
  /** Somebody has dealt with this entry in another way. */
  LARDER_ENTRY_DONE: {
    status: 409,
    exit: 1,
    title: 'Somebody has dealt with this change already.',
    advice: '`larder inbox show` tells who and how.',
  },
  /** This cannot be done with this entry: a fact is never discarded, what is known is not decided. */
  LARDER_CHOICE_INVALID: {
    status: 409,
    exit: 1,
    title: 'That cannot be done with this change.',
    advice: '`larder inbox show` lists what can.',
  },
  /** Sent again as it is, it would be refused again; nothing was changed. */
  LARDER_RETRY_REFUSED: {
    status: 422,
    exit: 1,
    title: 'Tried again, this change would be refused again.',
    advice: 'Edit it, or discard it. It stays in the inbox until then.',
  },
  /** The replica could not be compared with the cloud to the end. */
  LARDER_AUDIT_FAILED: {
    status: 503,
    exit: 1,
    title: 'The audit could not be finished.',
    advice: 'Try again when the link is up and the replica is complete. What it had found was mended.',
  },
  /** An unknown path below /_edge/. */
  LARDER_NOT_FOUND: {
    status: 404,
    exit: 1,
    title: 'The edge has nothing at this address.',
    advice: 'See /_edge/status.',
  },
  /** A request that breaks the rules of HTTP or could be read in two ways. */
  LARDER_BAD_REQUEST: {
    status: 400,
    exit: 1,
    title: 'The request cannot be understood.',
    advice: 'Correct it and send it again.',
  },
  /** A fault of ours. */
  LARDER_INTERNAL: {
    status: 500,
    exit: 70,
    title: 'Larder met a fault of its own.',
    advice: 'Please report it with the log lines around it.',
  },
} as const satisfies Record<`LARDER_${string}`, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

/** The one class that is thrown. `detail` says what exactly, in one sentence; never a secret. */
export class LarderError extends Error {
  readonly code: ErrorCode;
  readonly detail: string;
  constructor(code: ErrorCode, detail = '', options?: ErrorOptions) {
    super(detail === '' ? ERRORS[code].title : `${ERRORS[code].title} ${detail}`, options);
    this.name = 'LarderError';
    this.code = code;
    this.detail = detail;
  }
}

/** An RFC 9457 problem document. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
}

/** The problem document of an error; a foreign error shows no more than that it happened. */
export function problemOf(error: unknown): Problem {
  const code = error instanceof LarderError ? error.code : 'LARDER_INTERNAL';
  const { status, title, advice } = ERRORS[code];
  const detail = error instanceof LarderError && error.detail !== '' ? `${error.detail} ${advice}` : advice;
  return { type: `urn:larder:error:${code}`, title, status, code, detail };
}
