/** The log: pino's JSON lines on stderr, so that stdout is the command's own. */
import { type Logger, destination, pino } from 'pino';

/** What must never be read in a log, wherever an object that holds it is logged. */
const SECRETS = ['authorization', 'cookie', 'password', 'passwordHash', 'token', 'tokenHash', 'privateJwk'];

/** `LOG_LEVEL`: trace, debug, info, warn, error, fatal, silent. */
export function openLog(level = process.env['LOG_LEVEL'] ?? 'info'): Logger {
  const paths = SECRETS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
  return pino({ level, redact: { paths, censor: '[redacted]' } }, destination(2));
}
