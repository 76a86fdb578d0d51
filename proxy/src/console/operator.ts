/** What only the operator may do: the token proves it, and the log keeps who tried. */
import { hash, timingSafeEqual } from 'node:crypto';
import { LarderError } from '@larder/sync/errors';
import type * as z from 'zod';
import { readBody } from '../body.ts';
import type { ClientRequest, ClientResponse } from '../exchange.ts';
import { clientOf } from '../forward.ts';
import type { Logger } from '../log.ts';
import { sendJson } from '../respond.ts';

export interface OperatorDeps {
  /** The console token of this edge. */
  token: string;
  log: Logger;
}

export type Page = (request: ClientRequest, response: ClientResponse) => Promise<void> | void;

const MAX_BODY = 64 * 1024;

/** A page for the operator: JSON of this shape in, JSON out. `by`: who does it, for the log. */
export const commandPage =
  <I>(deps: OperatorDeps, shape: z.ZodType<I>, run: (input: I, by: string) => unknown): Page =>
  async (request, response) => {
    const by = operatorOf(request, deps);
    const input = await bodyAs(request, shape);
    sendJson(response, 200, await run(input, by));
  };

/** The body as JSON of this shape. Rejects with `LARDER_BODY_*`. */
export const bodyAs = async <I>(request: ClientRequest, shape: z.ZodType<I>): Promise<I> =>
  parse(parseJson(await readBody(request, MAX_BODY)), shape);

/** Who asks. @throws LarderError `LARDER_UNAUTHENTICATED` without a credential, `LARDER_FORBIDDEN` with a wrong one */
export function operatorOf(request: ClientRequest, deps: OperatorDeps): string {
  const operator = operatorIn(request, deps);
  if (operator !== null) return operator;
  const { headers, method, url = '' } = request;
  const from = clientOf(request).address;
  deps.log.warn({ from, method, path: url.split('?', 1)[0] }, 'refused: wrong or no console token');
  const where = "The token is in the data directory's file console-token.";
  throw new LarderError(headers.authorization === undefined ? 'LARDER_UNAUTHENTICATED' : 'LARDER_FORBIDDEN', where);
}

/** Who asks, where it is the operator; else null. */
export function operatorIn(request: ClientRequest, { token }: Pick<OperatorDeps, 'token'>): string | null {
  if (!isSame(request.headers.authorization ?? '', `Bearer ${token}`)) return null;
  return `operator at ${clientOf(request).address}`;
}

/** Compared by hash, so that neither length nor content shows in the time it takes. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => hash('sha256', text, 'buffer');
  return timingSafeEqual(digest(given), digest(expected));
}

/** What was given, as this shape. @throws LarderError `LARDER_BODY_INVALID`, naming what is wrong */
export function parse<I>(given: unknown, shape: z.ZodType<I>): I {
  const result = shape.safeParse(given);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0] ?? { path: [], message: 'another shape was expected' };
  throw new LarderError('LARDER_BODY_INVALID', `${path.length === 0 ? 'It' : path.join('.')}: ${message}.`);
}

/** @throws LarderError `LARDER_BODY_INVALID` */
export function parseJson(body: string | null): unknown {
  try {
    return JSON.parse(body ?? '');
  } catch (error) {
    throw new LarderError('LARDER_BODY_INVALID', '', { cause: error });
  }
}
