/** Requests and answers as the handlers see them: HTTP without the framework. */
import type { Res } from '@larder/sync/profile';
import { ProblemError } from '../rules/problems.ts';

export interface Call {
  method: string;
  /** Path and query as they were received. */
  url: string;
  /** What the route's `:names` matched, percent-decoded. */
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** The body's bytes as they were received; empty where there is none. */
  body: Buffer;
}

/** An answer as it is sent, and as it is kept under an Idempotency-Key. */
export interface Answer {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: string | null;
}

/** The one place where answers become text, so that a repeat gets the very bytes of the first. */
export function answerOf({ status, headers, body }: Res): Answer {
  return { status, headers, body: body === undefined ? null : JSON.stringify(body) };
}

/** 200 with JSON that nobody may keep. */
export function jsonAnswer(body: object, headers: Record<string, string> = {}): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: JSON.stringify(body),
  };
}

/** The `:id` of the route. Throws `not-found` for what no document can be called. */
export function idIn({ params }: Pick<Call, 'params'>): string {
  const id = params.id ?? '';
  if (!/^[\x21-\x7e]{1,200}$/.test(id)) throw new ProblemError('not-found');
  return id;
}

const JSON_MEDIA = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;

/** The JSON of a body. Throws `unsupported-media-type` or `invalid-body`. */
export function jsonOf({ headers, body }: Pick<Call, 'headers' | 'body'>): unknown {
  if (!JSON_MEDIA.test(headers['content-type'] ?? '')) throw new ProblemError('unsupported-media-type');
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new ProblemError('invalid-body', 'It is not JSON in UTF-8.', { cause });
  }
}
