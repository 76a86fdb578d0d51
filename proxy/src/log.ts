/** Structured logs. Nothing that opens a door gets in: no credential, cookie, key, or query, since keys can stand in URLs. */
import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import type { LogLevel } from './config.ts';

export type { Logger } from 'pino';

const SECRET_FIELDS = ['authorization', 'proxy-authorization', 'cookie', 'set-cookie', 'idempotency-key'];
const OTHER_SECRETS = ['credential', 'token', 'password', 'sealKey'];

/** At the top, and one and two levels down: pino looks no deeper without a cost to every line. */
const REDACTED = [...SECRET_FIELDS.map((name) => `["${name}"]`), ...OTHER_SECRETS.map((name) => `["${name}"]`)].flatMap(
  (name) => [name, `*${name}`, `*.*${name}`],
);

const STANDARD_ERROR = 2;

/** Makes the log of one edge: JSON lines. Standard output is for what a command prints. */
export function createLog(
  name: string,
  level: LogLevel,
  destination: DestinationStream = pino.destination(STANDARD_ERROR),
): Logger {
  const options = {
    name,
    level,
    redact: { paths: REDACTED, censor: '[redacted]' },
    serializers: { err: describeError, error: describeError },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  return pino(options, destination);
}

interface ErrorLine {
  type: string;
  message: string;
  code?: unknown;
  stack?: string | undefined;
  cause?: ErrorLine;
}

/** Only what errors have in common: their other fields may hold requests, headers and bodies. */
function describeError(error: unknown): ErrorLine {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const line: ErrorLine = { type: error.name, message: withoutQueries(error.message) };
  if ('code' in error) line.code = error.code;
  if (error.stack !== undefined) line.stack = withoutQueries(error.stack);
  if (error.cause !== undefined) line.cause = describeError(error.cause);
  return line;
}

const withoutQueries = (message: string) => message.replace(/\?[^\s"')]+/g, '?[dropped]');
