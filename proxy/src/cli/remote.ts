/** Talks to a running edge. */
import { LarderError, ERRORS } from '@larder/sync/errors';
import type { ErrorCode, Problem } from '@larder/sync/errors';
import { request } from 'undici';

export const DEFAULT_URL = 'http://127.0.0.1:8080';

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
    throw new LarderError(problem.code as ErrorCode, `${new URL(path, url)} says: ${problem.title}`);
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
  throw new LarderError('LARDER_CONFIG_INVALID', `--url must be an http or https address, not "${url}".`);
}
