/**
 * The inbox over HTTP: `GET /_edge/inbox`, `GET /_edge/inbox/:seq`, and POST to `retry`, `discard` or `decide` below an
 * entry. For the operator, and for the app's users: their own entries, or all where the profile lets them manage (I8).
 */
import type { Back } from '@larder/sync/client';
import { LarderError } from '@larder/sync/errors';
import { INBOX_KINDS, type ActOrder, type Actor, type ListOrder } from '@larder/sync/inbox';
import type { App } from '@larder/sync/profile';
import * as z from 'zod';
import { readBody } from '../body.ts';
import type { ClientRequest, ClientResponse } from '../exchange.ts';
import type { Identity } from '../identity/identity.ts';
import { userOf } from '../identity/identity.ts';
import { sendJson } from '../respond.ts';
import type { Target } from '../target.ts';
import { operatorIn, parse, parseJson, type OperatorDeps } from './operator.ts';

export interface InboxDeps extends OperatorDeps {
  /** Null: without a profile nothing is queued. */
  back: Pick<Back, 'inbox'> | null;
  app: App | null;
  identity: Pick<Identity, 'identify'>;
  store: string;
  /** Largest body of an edited write, bytes. */
  maxBodyBytes: number;
}

const PATH = /^\/_edge\/inbox(?:\/([1-9]\d{0,14})(?:\/(retry|discard|decide))?)?$/;
const MOST = 200;

const Listing = z.strictObject({
  kind: z.enum(INBOX_KINDS).optional(),
  user: z.string().max(255).optional(),
  route: z.string().max(1024).optional(),
  settled: z.stringbool().default(false),
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(MOST).default(50),
});

const dependants = z.boolean().default(false);
const SHAPES = {
  retry: z.strictObject({ body: z.json().optional(), dependants }),
  discard: z.strictObject({ dependants }),
  decide: z.strictObject({
    applied: z.boolean(),
    attempts: z.number().int().min(0),
    ids: z.record(z.string().max(255), z.string().max(255)).default({}),
  }),
} as const;

/** Is this one of the inbox's addresses? */
export const isInbox = ({ path }: Target): boolean => PATH.test(path);

/** Makes the handler of these addresses. Rejects with a `LarderError`. */
export function createInbox(deps: InboxDeps) {
  return async (request: ClientRequest, response: ClientResponse, target: Target): Promise<void> => {
    const [, number, action] = PATH.exec(target.path) ?? [];
    const { back } = deps;
    if (back === null) throw new LarderError('LARDER_NOT_FOUND', 'Without a profile nothing is queued.');
    const actor = await actorOf(deps, request);
    const expected = action === undefined ? ['GET', 'HEAD'] : ['POST'];
    if (!expected.includes(request.method ?? '')) throw new LarderError('LARDER_NOT_FOUND', `It takes ${expected[0]}.`);
    if (number === undefined) return sendJson(response, 200, await back.inbox(listOrder(target), actor));
    const seq = Number(number);
    if (action === undefined) return sendJson(response, 200, await back.inbox({ type: 'show', seq }, actor));
    const order = actOrder(action as ActOrder['type'], seq, await readBody(request, deps.maxBodyBytes));
    return sendJson(response, 200, await back.inbox(order, actor));
  };
}

function listOrder({ search }: Target): ListOrder {
  const { kind, user, route, ...rest } = parse(Object.fromEntries(new URLSearchParams(search)), Listing);
  return {
    type: 'list',
    ...rest,
    ...(kind !== undefined && { kind }),
    ...(user !== undefined && { user }),
    ...(route !== undefined && { route }),
  };
}

function actOrder(type: ActOrder['type'], seq: number, text: string | null): ActOrder {
  const input = text === null || text === '' ? {} : parseJson(text);
  if (type === 'discard') return { type, seq, ...parse(input, SHAPES.discard) };
  if (type === 'decide') return { type, seq, ...parse(input, SHAPES.decide) };
  const { body, ...rest } = parse(input, SHAPES.retry);
  return { type, seq, ...rest, ...(body !== undefined && { body }) };
}

/**
 * The operator by their token, or a user of the app whom the edge has verified. Who may not do everything here and now
 * (vouched for, or past their grace) looks at their own at most (I8).
 */
async function actorOf({ app, identity, store, ...deps }: InboxDeps, request: ClientRequest): Promise<Actor> {
  const operator = operatorIn(request, deps);
  if (operator !== null) return { type: 'operator', name: operator };
  const caller = await identity.identify(request.headers);
  const user = app === null || caller === null ? null : userOf(app, caller.claims);
  if (app === null || caller === null || user === null)
    throw new LarderError('LARDER_UNAUTHENTICATED', 'Sign in to the app, or use the console token.');
  if (caller.allowed === 'facts') throw new LarderError('LARDER_GRACE_OVER');
  const all = caller.allowed === 'all';
  if (request.method === 'POST' && !all) throw new LarderError('LARDER_FACTS_ONLY');
  // The profile made this user; its type is the profile's own.
  const manages = all && (app.manages?.(user as never, store) ?? false);
  // What only this edge understands is nothing to send to the cloud.
  const authorization = caller.isLocal ? null : (request.headers.authorization ?? null);
  return { type: 'user', user, manages, authorization, claims: caller.claims };
}
