/**
 * The one table of errors that the app's API gives. Codes are stable. `title` is the sentence for the person concerned,
 * `advice` what to do about it. The edge's profile gives the same answers from the same table.
 */
import type { Json } from '@larder/sync/profile';

interface ProblemKind {
  readonly status: number;
  readonly title: string;
  readonly advice: string;
}

export const PROBLEMS = {
  /** A list's parameter is unknown, repeated, or does not have the form it must have. */
  'invalid-query': {
    status: 400,
    title: 'The query is not valid.',
    advice: 'Correct the parameter that is named.',
  },
  /** The body is not JSON, or not of the form that the route takes; `errors` names the fields. */
  'invalid-body': {
    status: 400,
    title: 'The request body is not valid.',
    advice: 'Correct the fields that are named.',
  },
  'invalid-key': {
    status: 400,
    title: 'The Idempotency-Key is not valid.',
    advice: 'Use 1 to 255 visible ASCII characters, a UUID for instance.',
  },
  'wrong-credentials': {
    status: 401,
    title: 'Username or password is wrong.',
    advice: 'Check both and try again.',
  },
  /** No token, an expired one, or a user who may no longer sign in. */
  unauthenticated: {
    status: 401,
    title: 'You are not signed in.',
    advice: 'Sign in and try again.',
  },
  /** The role does not allow it. */
  forbidden: {
    status: 403,
    title: 'You are not allowed to do this.',
    advice: 'Ask a manager.',
  },
  /** It belongs to a store that is not the user's own. */
  'other-store': {
    status: 403,
    title: 'This belongs to another store.',
    advice: 'Use the store you work in.',
  },
  'not-found': {
    status: 404,
    title: 'There is nothing at this address.',
    advice: 'Check the id.',
  },
  /** It was there, and somebody has deleted it; `conflicts` says who and when. */
  deleted: {
    status: 404,
    title: 'This has been deleted.',
    advice: 'Make it anew if it is still needed.',
  },
  'method-not-allowed': {
    status: 405,
    title: 'This address does not take that method.',
    advice: 'See /api/v1/openapi.json.',
  },
  /** A document with this id is there already. */
  exists: {
    status: 409,
    title: 'A document with this id exists already.',
    advice: 'Use another id, or leave it out.',
  },
  /** A value that must be unique is taken: a product's sku, a customer's code. */
  duplicate: {
    status: 409,
    title: 'This value is used by another document.',
    advice: 'Use another one.',
  },
  /** Someone else changed the same fields since the editor saw them; `conflicts` names them. */
  conflict: {
    status: 409,
    title: 'Someone else has changed this too.',
    advice: 'Look at the present values and decide.',
  },
  'in-use': {
    status: 409,
    title: 'This cannot be deleted, because other documents refer to it.',
    advice: 'Mark it as not active.',
  },
  /** An earlier sending under this Idempotency-Key is still being worked on. */
  'in-flight': {
    status: 409,
    title: 'This request is being worked on.',
    advice: 'Send it again, with the same key, after the time in Retry-After.',
  },
  /** The feed does not know the cursor (any more): what was read up to it must be fetched anew. */
  'cursor-unknown': {
    status: 410,
    title: 'This cursor is not known.',
    advice: 'Fetch everything anew, beginning with a cursor from /api/v1/changes.',
  },
  'precondition-failed': {
    status: 412,
    title: 'This has changed since you read it.',
    advice: 'Read it again and repeat your change.',
  },
  'body-too-large': {
    status: 413,
    title: 'The request is too large.',
    advice: 'Send less at once.',
  },
  'unsupported-media-type': {
    status: 415,
    title: 'The request body is not JSON.',
    advice: 'Send application/json.',
  },
  /** The Idempotency-Key was used for another request. */
  'key-mismatch': {
    status: 422,
    title: 'This Idempotency-Key was used for another request.',
    advice: 'Use a new key for a new request.',
  },
  throttled: {
    status: 429,
    title: 'Too many requests.',
    advice: 'Try again after the time in Retry-After.',
  },
  internal: {
    status: 500,
    title: 'The inventory app met a fault of its own.',
    advice: 'Try again; if it stays, report it with the time.',
  },
  unavailable: {
    status: 503,
    title: 'The inventory app cannot answer at the moment.',
    advice: 'Try again.',
  },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

export type FieldError = {
  /** `lines.0.qty`; empty for the body as a whole. For a query: the parameter's name. */
  path: string;
  message: string;
};

/** A field that was changed by someone else between an editor's reading and writing. */
export type Conflict = {
  field: string;
  saw: Json;
  current: Json;
  wanted: Json;
  /** Who made it what it is now, and when (ISO 8601), as far as the cloud knows. */
  by?: string | null;
  at?: string | null;
};

/** The one class that is thrown. `detail` says what exactly, in one sentence; never a secret. */
export class ProblemError extends Error {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly errors: readonly FieldError[] | undefined;
  readonly conflicts: readonly Conflict[] | undefined;
  constructor(
    code: ProblemCode,
    detail = '',
    more: { errors?: readonly FieldError[]; conflicts?: readonly Conflict[]; cause?: unknown } = {},
  ) {
    super(detail === '' ? PROBLEMS[code].title : `${PROBLEMS[code].title} ${detail}`, { cause: more.cause });
    this.name = 'ProblemError';
    this.code = code;
    this.detail = detail;
    this.errors = more.errors;
    this.conflicts = more.conflicts;
  }
}

/** `Problem` of documents.ts. */
export type ProblemDocument = {
  type: string;
  title: string;
  status: number;
  code: ProblemCode;
  detail: string;
  errors?: FieldError[];
  conflicts?: Conflict[];
};

/** Is this one of the table's codes? */
export function isProblemCode(code: unknown): code is ProblemCode {
  return typeof code === 'string' && Object.hasOwn(PROBLEMS, code);
}

/** The RFC 9457 document of an error; a foreign error shows no more than that it happened. */
export function problemDocument(error: unknown): ProblemDocument {
  const known = error instanceof ProblemError ? error : new ProblemError('internal');
  const { status, title, advice } = PROBLEMS[known.code];
  return {
    type: `urn:inventory-app:problem:${known.code}`,
    title,
    status,
    code: known.code,
    detail: known.detail === '' ? advice : `${known.detail} ${advice}`,
    ...(known.errors && { errors: [...known.errors] }),
    ...(known.conflicts && { conflicts: [...known.conflicts] }),
  };
}
