/** How a waiting write goes out, and what the cloud's answer to it means. */
import type { Entry, Identity, Req, Res, Verdict } from '@larder/sync/profile';
import { isProblemCode, type ProblemCode } from '../rules/problems.ts';

/** Every answer of the app carries its installation's id; no portal's and no gateway's does. */
export function isGenuine(res: Res): boolean {
  return (res.headers['inventory-app'] ?? '') !== '';
}

const BY_CODE: Partial<Record<ProblemCode, Verdict>> = {
  unauthenticated: 'identity',
  'in-flight': 'in-flight',
  'key-mismatch': 'key-mismatch',
  throttled: 'throttled',
};

/** The code of one of the app's own problem documents. */
function problemCodeOf({ body }: Res): ProblemCode | null {
  if (body === null || body === undefined || typeof body !== 'object' || Array.isArray(body)) return null;
  return isProblemCode(body.code) ? body.code : null;
}

/** The verdict on a write. What is not surely the app's own word on it is no verdict. */
export function classify(_req: Req, res: Res): Verdict {
  if (!isGenuine(res)) return 'unavailable';
  if (res.status >= 200 && res.status < 300)
    return res.headers['idempotent-replayed'] === 'true' ? 'already-done' : 'done';
  if (res.status === 401) return 'identity';
  if (res.status === 429) return 'throttled';
  const code = problemCodeOf(res);
  if (res.status < 400 || res.status >= 500 || code === null) return 'unavailable';
  return BY_CODE[code] ?? 'refused';
}

/** The headers that are not sent on: the credential is set anew, and what If-Match asks, `check` has seen to. */
const DROPPED = new Set(['authorization', 'cookie', 'if-match', 'if-none-match', 'on-behalf-of', 'idempotency-key']);

/** The write under its key, with the user's own credential or with the edge's on their behalf. */
export function send(req: Req, entry: Entry, { type, authorization }: Identity): Req {
  const kept = Object.entries(req.headers).filter(([name]) => !DROPPED.has(name));
  const headers = {
    ...Object.fromEntries(kept),
    // A deletion came without a body: what its author saw, `check` has written down.
    ...(req.body !== undefined && { 'content-type': req.headers['content-type'] ?? 'application/json' }),
    authorization,
    'idempotency-key': entry.key,
    ...(type === 'edge' && { 'on-behalf-of': entry.user.id }),
  };
  return { ...req, headers };
}
