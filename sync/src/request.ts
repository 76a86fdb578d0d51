/** Requests as they cross borders, and as a profile sees them. */
import type { Answer, Call } from './client.ts';
import type { Doc, Json, Req, Res } from './profile.ts';

/** Parses a body that should be JSON; undefined where it is not. */
export function parseJson(text: string | null): Json | undefined {
  if (text === null || text === '') return undefined;
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** A request as the profile sees it. */
export function reqOf(call: Omit<Call, 'user'>, params: Readonly<Record<string, string>>): Req {
  return {
    method: call.method,
    path: call.path,
    params,
    query: new URLSearchParams(call.search),
    headers: call.headers,
    body: parseJson(call.body),
    claims: call.claims,
  };
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** An answer that a profile made, as bytes. */
export function answerOf(res: Res): Answer {
  if (res.body === undefined) return { status: res.status, headers: res.headers, body: '' };
  const headers = { 'content-type': JSON_TYPE, ...res.headers };
  return { status: res.status, headers, body: JSON.stringify(res.body) };
}

/** What an answer says of itself: a problem document's own words (RFC 9457 §3.1), else its status. */
export function wordsOf({ status, body }: Pick<Res, 'status' | 'body'>): string {
  const { title, detail } = (typeof body === 'object' && body !== null && !Array.isArray(body) ? body : {}) as Doc;
  const words = [title, detail].filter((part) => typeof part === 'string' && part !== '');
  return words.length > 0 ? words.join(' ') : `The answer is ${status}.`;
}

/** An answer as the profile sees it. */
export const resOf = (answer: Answer): Res => ({
  status: answer.status,
  headers: answer.headers,
  body: parseJson(answer.body),
});
