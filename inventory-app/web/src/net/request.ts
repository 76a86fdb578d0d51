/** Requests to whatever answers at the store's address: its edge, or the cloud itself. */
import { endSession, session } from './session.ts';
import { Trouble } from './trouble.ts';

/** Where an answer came from: `none` is the cloud with no edge in between. */
export type Place = 'cloud' | 'cache' | 'replica' | 'none' | 'device';

export interface Source {
  from: Place;
  /** ms since 1970: what it shows is at least as new as this. */
  asOf: number;
}

export interface Answer<T> {
  body: T;
  /** A write that is safe in this store and not in the cloud yet. */
  waiting: boolean;
  source: Source;
}

export interface Sending {
  body?: unknown;
  /** Makes a write safe to send again. */
  key?: string;
  signal?: AbortSignal;
  /** Another than that of who is signed in. */
  token?: string;
}

/** Longer than the edge takes to notice that the cloud is gone. */
const PATIENCE = 8_000;

let graceLeft: number | null = null;

/** Seconds until the cloud's last word on this user counts no longer; null while there is no need to say so. */
export const grace = (): number | null => graceLeft;

/** One request below /api/v1. Throws `Trouble`. */
export async function request<T>(method: string, path: string, sending: Sending = {}): Promise<Answer<T>> {
  const response = await send(`/api/v1${path}`, method, sending);
  const left = response.headers.get('larder-grace');
  graceLeft = left === null ? null : Number(left);
  // A fact that is sent in somebody else's name says nothing of who is here.
  if (response.status === 401 && sending.token === undefined) endSession();
  const body = await answered<T>(response);
  return { body, waiting: response.status === 202, source: sourceOf(response.headers) };
}

/** What this store's edge knows of the people at this device; where there is no edge, a `Trouble`. */
export async function askEdge<T>(path: string, body?: unknown): Promise<T> {
  const method = body === undefined ? 'GET' : 'POST';
  return answered<T>(await send(`/_edge/${path}`, method, body === undefined ? {} : { body }));
}

async function send(url: string, method: string, { body, key, signal, token }: Sending): Promise<Response> {
  const headers = new Headers({ accept: 'application/json' });
  const bearer = token ?? session()?.token;
  if (bearer !== undefined) headers.set('authorization', `Bearer ${bearer}`);
  if (body !== undefined) headers.set('content-type', 'application/json');
  if (key !== undefined) headers.set('idempotency-key', key);
  const limit = AbortSignal.timeout(PATIENCE);
  try {
    return await fetch(url, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
    });
  } catch (error) {
    throw gaveUp(error, signal);
  }
}

async function answered<T>(response: Response): Promise<T> {
  const body = await jsonOf(response);
  if (!response.ok) throw troubleOf(response.status, body);
  // A captive portal, for instance: a page that says 200.
  if (body === null) throw new Trouble({ status: response.status, code: 'not-the-app', lost: true });
  return body as T;
}

/** Null where the answer is no JSON. */
async function jsonOf(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw gaveUp(error);
  }
}

/** Whoever called it off meant to; anything else is silence. */
function gaveUp(error: unknown, signal?: AbortSignal): unknown {
  return signal?.aborted === true ? error : new Trouble({ code: 'no-answer', lost: true });
}

function troubleOf(status: number, body: unknown): Trouble {
  const problem = (body ?? {}) as Record<string, unknown>;
  const { title, detail, code, conflicts } = problem;
  const said = typeof title === 'string' ? `${title} ${typeof detail === 'string' ? detail : ''}`.trim() : '';
  return new Trouble({
    status,
    said,
    code: typeof code === 'string' ? code : '',
    conflicts: Array.isArray(conflicts) ? conflicts : [],
    // Whoever gave up waiting does not know what became of the request.
    lost: status >= 500 && code !== 'LARDER_OFFLINE_WRITE' && status !== 507,
  });
}

function sourceOf(headers: Headers): Source {
  const asOf = Date.parse(headers.get('larder-as-of') ?? '');
  const age = Number(headers.get('age') ?? 0);
  const from = headers.get('larder-source');
  return {
    from: from === 'cloud' || from === 'cache' || from === 'replica' ? from : 'none',
    asOf: Number.isNaN(asOf) ? Date.now() - (Number.isFinite(age) ? age : 0) * 1000 : asOf,
  };
}
