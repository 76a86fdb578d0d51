/**
 * Signing in. While the cloud is there it is the cloud's to say, and the edge learns by it; while it is away, those whom
 * it let in here before are let in by what was learnt, for as long as the grace period lasts.
 */
import type { Back } from '@larder/sync/client';
import { LarderError } from '@larder/sync/errors';
import { CloudFault } from '@larder/sync/fault';
import type { Json, Req, Res, SignIn } from '@larder/sync/profile';
import { readBody } from '../body.ts';
import { readBounded } from '../cloud/read-bounded.ts';
import type { Cloud, HeaderFields } from '../cloud.ts';
import type { ClientResponse, Exchange } from '../exchange.ts';
import { clientOf, fieldsOf } from '../forward.ts';
import type { Link } from '../link/link.ts';
import type { Logger } from '../log.ts';
import { GRACE } from './grace.ts';
import type { Identity } from './identity.ts';
import type { Known } from './known.ts';

export interface SignInDeps {
  signIn: SignIn;
  known: Known;
  identity: Pick<Identity, 'identify' | 'tokenOf'>;
  cloud: Pick<Cloud, 'request'>;
  back: Pick<Back, 'signedIn'>;
  link: Pick<Link, 'state' | 'held' | 'slow'>;
  /** ms since 1970. */
  clock(): number;
  log: Logger;
}

type Wanted = NonNullable<ReturnType<SignIn['read']>>;

const MAX_BODY = 16 * 1024;
const MAX_ANSWER = 64 * 1024;
/** People wait this long for the cloud to let them in, before the edge does, ms. */
const PATIENCE = 5_000;
const GUESSES_PER_NAME = 5;
const GUESSES_PER_ADDRESS = 20;
/** What a gateway says for an app that is away. */
const AWAY = new Set([502, 503, 504]);

/** Makes the handler of the app's sign-in route. Rejects with `LARDER_SIGN_IN_OFFLINE`, `LARDER_LOCKED_OUT`, `LARDER_BODY_*`. */
export function createSignIn(deps: SignInDeps): (exchange: Exchange) => Promise<void> {
  return async (exchange) => {
    const { request, response } = exchange;
    const body = await readBody(request, MAX_BODY);
    const wanted = deps.signIn.read(reqOf(exchange, body));
    const answer = await askCloud(deps, exchange, body);
    if (answer === null) return sendRes(response, await signInHere(deps, wanted, clientOf(request).address));
    if (wanted !== null) await learn(deps, wanted, answer);
    send(response, answer.status, { ...answer.headers, 'larder-source': 'cloud' }, answer.text);
  };
}

/** The cloud's answer; null while it is away. */
async function askCloud({ cloud, link }: SignInDeps, exchange: Exchange, body: string | null) {
  if (link.held || link.state === 'offline') return null;
  const { request, method, path, search } = exchange;
  const { 'content-length': _length, 'transfer-encoding': _coding, ...headers } = fieldsOf(request);
  const signal = AbortSignal.timeout(PATIENCE);
  try {
    const client = clientOf(request);
    const fields = { ...headers, 'accept-encoding': 'identity' };
    const answer = await cloud.request({ method, path: path + search, headers: fields, body, client, signal });
    const text = await readBounded(answer.body, MAX_ANSWER);
    const { status, headers: given } = answer;
    return AWAY.has(status) ? null : { status, headers: given, text };
  } catch (error) {
    if (signal.aborted) link.slow();
    else if (!(error instanceof CloudFault)) throw error;
    return null;
  }
}

/** What the cloud's answer teaches: this password lets this person in, or does so no longer. */
async function learn(
  deps: SignInDeps,
  wanted: Wanted,
  answer: { status: number; headers: HeaderFields; text: string },
) {
  try {
    if (answer.status < 300) await learnIn(deps, wanted, answer);
    else if (answer.status === 401 || answer.status === 403) await learnOut(deps, wanted);
  } catch (error) {
    // Whom the cloud has let in is in, even if this box cannot remember it.
    deps.log.warn({ err: error }, 'a sign-in could not be learnt from');
  }
}

async function learnIn(
  { signIn, known, identity, back, clock }: SignInDeps,
  { name, password }: Wanted,
  answer: { status: number; text: string },
) {
  const res: Res = { status: answer.status, headers: {}, body: parse(answer.text) };
  const token = signIn.token(res);
  if (token === null) return;
  const authorization = `Bearer ${token}`;
  const caller = await identity.identify({ authorization });
  const found = identity.tokenOf(authorization);
  if (caller === null || found === null || found.id === null) return;
  const { id, claims, issued, until } = found;
  back.signedIn(id, authorization, claims);
  await known.lockout.clear(nameKey(name));
  const verifier = await known.verifier.make(password);
  // Its own token is nothing to keep.
  const kept = signIn.answer(res, '', new Date(until).toISOString(), claims);
  await known.people.signedIn({ id, claims, saidAt: issued ?? clock() }, { name, verifier, answer: kept });
}

/** The cloud refuses what would be taken here: the password was changed, or its holder may not sign in any more. */
async function learnOut({ known: { people, verifier } }: SignInDeps, { name, password }: Wanted): Promise<void> {
  const person = people.byName(name);
  if (person?.signIn == null || !(await verifier.matches(password, person.signIn.verifier))) return;
  await people.forgetSignIn(person.id);
}

/** I8: the same answer, after the same time, to a wrong name as to a wrong password. */
export async function signInHere(
  deps: Pick<SignInDeps, 'signIn' | 'known' | 'clock'>,
  wanted: Wanted | null,
  address: string,
): Promise<Res> {
  if (wanted === null) throw new LarderError('LARDER_SIGN_IN_OFFLINE');
  const { known } = deps;
  const right = await known.lockout.attempt(
    { key: nameKey(wanted.name), free: GUESSES_PER_NAME },
    { key: `address:${address}`, free: GUESSES_PER_ADDRESS },
  );
  const found = candidateFor(deps, wanted.name);
  const isRight = await known.verifier.matches(wanted.password, found?.verifier ?? null);
  if (found === null || !isRight) throw new LarderError('LARDER_SIGN_IN_OFFLINE');
  await right();
  const { user, answer, claims, until, vouching } = found;
  const token = known.sessions.issue({ user, issued: deps.clock(), vouching });
  return deps.signIn.answer(answer, token, new Date(until).toISOString(), claims);
}

const nameKey = (name: string) => `name:${name.slice(0, 200)}`;

/** Who could sign in under this name: whom the cloud let in within the grace period, or whom somebody vouches for. */
function candidateFor({ known: { people, vouchings }, clock }: Pick<SignInDeps, 'known' | 'clock'>, name: string) {
  const person = people.byName(name);
  const now = clock();
  if (person?.signIn != null && now < person.accepted + GRACE) {
    const { id: user, claims, signIn, accepted } = person;
    return { user, claims, verifier: signIn.verifier, answer: signIn.answer, until: accepted + GRACE, vouching: null };
  }
  const vouching = vouchings.byName(name);
  const voucher = vouching === null ? undefined : people.get(vouching.by);
  if (vouching === null || voucher?.signIn == null || now >= voucher.accepted + GRACE) return null;
  const { id, by: user, claims, verifier } = vouching;
  const until = Math.min(vouching.until, voucher.accepted + GRACE);
  return { user, claims, verifier, answer: voucher.signIn.answer, until, vouching: id };
}

function reqOf({ request, method, path, search, params }: Exchange, body: string | null): Req {
  const headers = request.headers as Record<string, string>;
  const query = new URLSearchParams(search);
  return { method, path, params, query, headers, body: parse(body ?? ''), claims: null };
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

const sendRes = (response: ClientResponse, { status, headers, body }: Res) =>
  send(
    response,
    status,
    {
      'content-type': 'application/json; charset=utf-8',
      ...headers,
      'cache-control': 'no-store',
      'larder-source': 'replica',
    },
    JSON.stringify(body),
  );

function send(
  response: ClientResponse,
  status: number,
  { 'content-length': _length, ...headers }: HeaderFields,
  text: string,
) {
  if (response.destroyed) return;
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}
