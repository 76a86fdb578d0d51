/** Talks to a running edge. */
import { LarderError, ERRORS } from '@larder/sync/errors';
import type { ErrorCode, Problem } from '@larder/sync/errors';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Agent, getGlobalDispatcher, request } from 'undici';
import { defaultOf, variableOf } from '../config.ts';
import { readConsoleToken } from '../data-directory.ts';

const DEFAULT_URL = 'http://127.0.0.1:8080';

/** How a command is told where the edge is. */
export const EDGE_OPTIONS = {
  edge: { type: 'string', default: DEFAULT_URL },
  certificate: { type: 'string' },
} as const;
export const EDGE_HELP: [string, string][] = [
  ['--edge <address>', `Where the edge listens. Default: ${DEFAULT_URL}`],
  ['--certificate <file>', "The edge's certificate, where nothing else vouches for it or for that address."],
];

/** The same for commands that need the operator's token. */
export const OPERATOR_OPTIONS = { ...EDGE_OPTIONS, data: { type: 'string' } } as const;
export const OPERATOR_HELP: [string, string][] = [
  ...EDGE_HELP,
  ['--data <directory>', "The edge's data directory, which holds the token that allows this."],
];

/** The token of the edge whose data directory that is. @throws LarderError `LARDER_DATA_UNUSABLE` */
export const operatorToken = (data: string | undefined) =>
  readConsoleToken(resolve(data ?? process.env[variableOf('data')] ?? defaultOf('data') ?? ''));

/** Where the edge is, and the PEM file that says which one it is. */
export interface Address {
  edge: string;
  certificate?: string | undefined;
}

interface Ask {
  method: 'GET' | 'POST';
  path: string;
  token?: string;
  body?: unknown;
}

const TIMEOUT = 5_000;

/**
 * Asks an edge for JSON.
 *
 * @throws LarderError `LARDER_NOT_RUNNING` where no edge answers; else what its problem document says
 */
export async function askEdge<T>({ edge: url, certificate }: Address, { method, path, token, body }: Ask): Promise<T> {
  const { statusCode, value } = await exchange(url, path, {
    method,
    headers: { accept: 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    body: body === undefined ? null : JSON.stringify(body),
    dispatcher: certificate === undefined ? getGlobalDispatcher() : trusting(certificate),
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
    throw new LarderError('LARDER_NOT_RUNNING', `Asked at ${target.origin}.${doubtOf(error)}`, { cause: error });
  }
}

/** What TLS found wrong with whoever answered. */
function doubtOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /CERT|ALTNAME|ISSUER/.test(code)
    ? ` Its certificate is not trusted (${code}): name it with --certificate.`
    : '';
}

/** Trusts whoever shows exactly this certificate and has its key, under whatever name it is asked. */
function trusting(file: string): Agent {
  const [own, fingerprint] = readPin(file);
  return new Agent({
    connect: {
      ca: own,
      // It need not be its own issuer.
      allowPartialTrustChain: true,
      checkServerIdentity: (_host, { fingerprint256 }) =>
        fingerprint256 === fingerprint ? undefined : new Error('it showed another certificate'),
    },
  });
}

function readPin(file: string): [pem: string, fingerprint: string] {
  try {
    const first = new X509Certificate(readFileSync(file));
    return [first.toString(), first.fingerprint256];
  } catch (error) {
    const detail = `--certificate must name a certificate in PEM form, not ${file}.`;
    throw new LarderError('LARDER_CONFIG_INVALID', detail, { cause: error });
  }
}

function addressOf(url: string, path: string): URL {
  if (URL.canParse(path, url) && /^https?:/.test(url)) return new URL(path, url);
  throw new LarderError('LARDER_CONFIG_INVALID', `--edge must be an http or https address, not "${url}".`);
}
