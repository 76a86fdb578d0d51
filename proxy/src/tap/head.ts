/** Which request heads may be remembered, byte for byte: those whose answer depends on nothing but them and the cache. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** Longer ones cost more to look up than to parse. */
const LONGEST = 4096;
const LETTER_G = 0x47;
const END = Buffer.from('\r\n\r\n');

/** Could these bytes be a head that is remembered? */
export const isCandidate = (chunk: Buffer): boolean => chunk.length <= LONGEST && chunk[0] === LETTER_G;

/** Is the end of these bytes the end of a head, and no other head's end in them? */
export const endsWithHead = (chunk: Buffer): boolean =>
  chunk.length >= END.length && chunk.indexOf(END) === chunk.length - END.length;

/** Announces nothing that follows its head (RFC 9112 §6.3). */
export const isBodiless = ({ headers }: IncomingMessage): boolean =>
  headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;

/** Fields that ask for more than the stored answer: another connection, a part, a condition on the cache itself. */
const REFUSED = [
  'expect',
  'upgrade',
  'range',
  'if-range',
  'if-match',
  'if-unmodified-since',
  'te',
  'trailer',
  'pragma',
  'cache-control',
];

/** Every browser says `Connection: keep-alive`, which HTTP/1.1 means anyway (RFC 9112 §9.3); other words change something. */
const saysNothingOfTheConnection = ({ headers: { connection } }: IncomingMessage) =>
  connection === undefined || connection.toLowerCase() === 'keep-alive';

/** May an answer to this request be given again to the same bytes? */
export function isRepeatable(request: IncomingMessage): boolean {
  const { method, httpVersionMajor, httpVersionMinor, headers } = request;
  // HTTP/1.0 parses the same, and means another end of the connection.
  if (method !== 'GET' || httpVersionMajor !== 1 || httpVersionMinor !== 1) return false;
  if (!isBodiless(request) || !saysNothingOfTheConnection(request)) return false;
  return wantsWhatIsStored(headers);
}

/** Does a GET that is over with its head ask for no more than the stored answer? */
export const wantsWhatIsStored = (headers: IncomingHttpHeaders): boolean =>
  REFUSED.every((name) => headers[name] === undefined);

export const hasCredential = ({ headers }: { headers: IncomingHttpHeaders }): boolean =>
  headers.authorization !== undefined || headers.cookie !== undefined;
