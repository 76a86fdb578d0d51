/** Talks to a running edge. */
import { LarderError, ERRORS } from '@larder/sync/errors';
import type { ErrorCode, Problem } from '@larder/sync/errors';
import { resolve } from 'node:path';
import { request } from 'undici';
import { defaultOf, variableOf } from '../config.ts';
import { readConsoleToken } from '../data-directory.ts';

const DEFAULT_URL = 'http://127.0.0.1:8080';

/** How a command is told where the edge is. */
export const EDGE_OPTION = { edge: { type: 'string', default: DEFAULT_URL } } as const;
export const EDGE_HELP: [string, string] = ['--edge <address>', `Where the edge listens. Default: ${DEFAULT_URL}`];

/** The same for commands that need the operator's token. */
export const OPERATOR_OPTIONS = { ...EDGE_OPTION, data: { type: 'string' } } as const;
export const OPERATOR_HELP: [string, string][] = [
  EDGE_HELP,
  ['--data <directory>', "The edge's data directory, which holds the token that allows this."],
];

/** The token of the edge whose data directory that is. @throws LarderError `LARDER_DATA_UNUSABLE` */
export const operatorToken = (data: string | undefined) =>
  readConsoleToken(resolve(data ?? process.env[variableOf('data')] ?? defaultOf('data') ?? ''));

interface Ask {
  method: 'GET' | 'POST';
  path: string;
  token?: string;
  body?: unknown;
}

const TIMEOUT = 5_000;

/**
 * Asks the edge at `url` for JSON.
 *
 * @throws LarderError `LARDER_NOT_RUNNING` where no edge answers; else what its problem document says
 */
export async function askEdge<T>(url: string, { method, path, token, body }: Ask): Promise<T> {
  const { statusCode, value } = await exchange(url, path, {
    method,
    headers: { accept: 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    body: body === undefined ? null : JSON.stringify(body),
    headersTimeout: TIMEOUT,
    bodyTimeout: TIMEOUT,
  });
  if (statusCode === 200) return value as T;
  const problem = value as Partial<Problem>;
  if (typeof problem.code === 'string' && Object.hasOwn(ERRORS, problem.code))
    throw new LarderError(problem.code as ErrorCode, `${new URL(path, url)} says: ${problem.detail ?? problem.title}`);
  throw new LarderError('LARDER_NOT_RUNNING', `${url} answered, but not as an edge does (${statusCode}).`);
}

async function exchange(url: string, path: string, options: NonNullable<Parameters<typeof request>[1]>) {
  const target = addressOf(url, path);
  try {
    const { statusCode, body } = await request(target, options);
    return { statusCode, value: await body.json() };
  } catch (error) {
    throw new LarderError('LARDER_NOT_RUNNING', `Asked at ${target.origin}.`, { cause: error });
  }
}

function addressOf(url: string, path: string): URL {
  if (URL.canParse(path, url) && /^https?:/.test(url)) return new URL(path, url);
  throw new LarderError('LARDER_CONFIG_INVALID', `--edge must be an http or https address, not "${url}".`);
}
