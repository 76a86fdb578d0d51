/** Talking to the app: the session, the requests, and where each answer came from. */

const SESSION = 'inventory.session';

/** `{token, expiresAt, user}`, for as long as this tab is open; null where nobody is signed in. */
export function session() {
  const kept = sessionStorage.getItem(SESSION);
  return kept === null ? null : JSON.parse(kept);
}

export function signOut() {
  sessionStorage.removeItem(SESSION);
}

export async function signIn(username, password) {
  const { body } = await request('POST', '/session', { body: { username, password } });
  return keepSession(body);
}

function keepSession(body) {
  sessionStorage.setItem(SESSION, JSON.stringify(body));
  return body;
}

let graceLeft = null;

/** Seconds until the cloud's last word on this user counts no longer; null while there is no need to say so. */
export const grace = () => graceLeft;

/** What this store's edge knows of the people at this device; where there is no edge, a `Trouble`. */
export async function people(path, body) {
  const headers = { authorization: `Bearer ${session()?.token}`, 'content-type': 'application/json' };
  const method = body === undefined ? 'GET' : 'POST';
  const response = await send(`/_edge/people/${path}`, { method, headers, body: JSON.stringify(body) ?? null });
  const answer = await jsonOf(response);
  if (!response.ok || answer === null) throw troubleOf(response.status, answer);
  return answer;
}

/** Hands over to somebody who has set a PIN on this device. */
export const switchTo = async (name, pin) => keepSession(await people('switch', { name, pin }));

/** What went wrong, as a sentence for the person. `code` is the app's or the edge's; `lost`: nobody knows the outcome. */
export class Trouble extends Error {
  constructor(message, { status = 0, code = '', conflicts = [], lost = false } = {}) {
    super(message);
    this.name = 'Trouble';
    Object.assign(this, { status, code, conflicts, lost });
  }
}

/**
 * One request below /api/v1. `key` makes a write safe to send again. Resolves with `{status, body, waiting, source}`;
 * `waiting`: a write that is safe in this store and not in the cloud yet. Throws `Trouble`.
 */
export async function request(method, path, { body, key, signal } = {}) {
  const headers = new Headers({ accept: 'application/json' });
  const token = session()?.token;
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  if (body !== undefined) headers.set('content-type', 'application/json');
  if (key !== undefined) headers.set('idempotency-key', key);
  const response = await send(`/api/v1${path}`, { method, headers, body: JSON.stringify(body) ?? null, signal });
  const left = response.headers.get('larder-grace');
  graceLeft = left === null ? null : Number(left);
  const answer = await jsonOf(response);
  if (!response.ok) throw troubleOf(response.status, answer);
  // A captive portal, for instance: a page that says 200.
  if (answer === null) throw new Trouble('Something else than the inventory app answers here.', { lost: true });
  return {
    status: response.status,
    body: answer,
    waiting: response.status === 202,
    source: sourceOf(response.headers),
  };
}

async function send(url, init) {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Trouble('Nothing answers. Is this device on the store’s network?', { lost: true });
  }
}

/** Null where the answer is no JSON. A request that was given up in the middle of its answer throws all the same. */
async function jsonOf(response) {
  try {
    return await response.json();
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    if (error.name === 'AbortError') throw error;
    throw new Trouble('The answer broke off.', { lost: true });
  }
}

function troubleOf(status, problem) {
  const said = typeof problem?.title === 'string' ? `${problem.title} ${problem.detail ?? ''}` : '';
  const message = said === '' ? 'That did not work. Please try again.' : said.trim();
  // Whoever gave up waiting does not know what became of the request.
  const lost = status >= 500 && problem?.code !== 'LARDER_OFFLINE_WRITE' && status !== 507;
  return new Trouble(message, { status, code: problem?.code, conflicts: problem?.conflicts, lost });
}

/** Where an answer came from: `from` null means straight from the cloud, with no edge in between. */
export function sourceOf(headers) {
  const asOf = Date.parse(headers.get('larder-as-of') ?? '');
  const age = Number(headers.get('age') ?? 0);
  const seen = Number.isNaN(asOf) ? Date.now() - (Number.isFinite(age) ? age : 0) * 1000 : asOf;
  return { from: headers.get('larder-source'), asOf: new Date(seen) };
}

/** The edge's own account of itself; `null`: there is no edge here; `undefined`: nothing answers at all. */
export async function edgeStatus() {
  try {
    const response = await fetch('/_edge/status', { cache: 'no-store' });
    return response.ok ? await response.json() : null;
  } catch {
    return undefined;
  }
}

/** A UUIDv7 (RFC 9562 §5.7). Not `crypto.randomUUID`, which a page on a plain http address does not have. */
export function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const now = Date.now();
  for (let at = 0; at < 6; at += 1) bytes[at] = Math.floor(now / 2 ** (8 * (5 - at))) % 256;
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
