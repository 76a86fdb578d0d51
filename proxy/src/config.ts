/**
 * The configuration: one schema that checks it and is also its documentation.
 *
 * A key `maxQueue` is `"maxQueue"` in the JSON file, `LARDER_MAX_QUEUE` in the environment and `--max-queue` on the
 * command line. Secrets come only by the environment or by the path of a file: a command line can be read by every
 * process of the box.
 */
import * as z from 'zod';
import { isSchedule } from '@larder/sync/schedule';
import { Rules } from './config-rules.ts';

export interface KeyDoc {
  /** One sentence for the help. */
  about: string;
  /** What a value must be, for the help and for errors. */
  expects: string;
  /** `secret`: by the environment only, never shown. `path`: relative to the configuration file where it stands there. */
  kind?: 'secret' | 'path';
}

const docs = z.registry<KeyDoc>();
const key = <S extends z.ZodType>(schema: S, doc: KeyDoc): S => {
  docs.add(schema, doc);
  return schema;
};

const text = z.string().min(1);
const path = (about: string) => key(text.optional(), { about, expects: 'a path', kind: 'path' });

const digits = (value: unknown) => (typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value);
const whole = (min: number, max: number, standard: number, about: string) =>
  key(z.preprocess(digits, z.int().min(min).max(max)).default(standard), {
    about,
    expects: `a whole number from ${min} to ${max}`,
  });

const flag = (standard: boolean, about: string) =>
  key(z.union([z.boolean(), z.stringbool({ truthy: ['true'], falsy: ['false'] })]).default(standard), {
    about,
    expects: 'true or false',
  });

/** 32 bytes, written as 64 hexadecimal digits or as base64; null for anything else. */
export function decodeKey(value: string): Buffer | null {
  const encoding = /^[0-9a-f]{64}$/i.test(value) ? 'hex' : 'base64';
  const bytes = Buffer.from(value, encoding);
  return bytes.length === 32 ? bytes : null;
}

function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;
const HOUR = 3_600_000;
const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

export const Config = z.strictObject({
  cloud: key(
    z
      .url({ protocol: /^https?$/ })
      .transform((value) => new URL(value))
      // With a path or a query, two readings of the joined address would be possible.
      .refine((url) => url.href === `${url.origin}/`),
    {
      about: 'Where the business app is.',
      expects: 'an http or https address of scheme, host and port only, such as https://app.example.com',
    },
  ),
  host: key(text.default('127.0.0.1'), {
    about: 'Address to listen on. The default serves this box alone; 0.0.0.0 serves the store, and wants TLS.',
    expects: 'an address or host name',
  }),
  port: whole(0, 65_535, 8080, 'Port to listen on; 0 takes a free one.'),
  tlsCertificate: path(
    'Certificate for TLS, PEM, with those that lead to a known authority; the port then speaks HTTPS only (HTTP/1.1 and ' +
      'HTTP/2). It is read again when it changes.',
  ),
  tlsKey: path('Private key of that certificate, PEM, without a password.'),
  data: key(text.default('.larder/edge'), {
    about: 'Directory for all that must survive; made if missing. One process each.',
    expects: 'a path',
    kind: 'path',
  }),
  profile: path('Profile of the business app: a module whose default export is defineApp({...}).'),
  store: key(text.optional(), {
    about: 'Store whose documents are kept here. Needed with a profile.',
    expects: 'text',
  }),
  timeZone: key(text.default(() => new Intl.DateTimeFormat().resolvedOptions().timeZone).refine(isTimeZone), {
    about: "The store's time zone: what a manager vouches for ends at its midnight. The default is this box's.",
    expects: 'a time zone such as Europe/London',
  }),
  name: key(text.max(64).default('larder'), {
    about: "This edge's name, in status, metrics and logs.",
    expects: 'text of at most 64 characters',
  }),
  credential: key(text.optional(), {
    about: "The edge's own credential at the cloud: a bearer token, or a whole Authorization value.",
    expects: 'text',
    kind: 'secret',
  }),
  credentialFile: path("File that holds the edge's own credential."),
  key: key(
    text
      .transform(decodeKey)
      .refine((bytes) => bytes !== null)
      .optional(),
    {
      about: 'Key that seals stored credentials.',
      expects: '32 bytes in base64 or hexadecimal digits',
      kind: 'secret',
    },
  ),
  keyFile: path('File that holds the sealing key. With neither, one is made in the data directory.'),
  memoryCacheBytes: whole(0, 64 * GiB, 64 * MiB, 'Cached answers in memory, bytes.'),
  diskCacheBytes: whole(0, 1024 * GiB, GiB, 'Cached answers on disk, bytes.'),
  maxObjectBytes: whole(
    0,
    16 * GiB,
    64 * MiB,
    'Largest answer that is cached, bytes. One of more than a mebibyte is kept in a file, never in memory.',
  ),
  maxBodyBytes: whole(0, 64 * MiB, 4 * MiB, 'Largest body of a write that can wait for the cloud, bytes.'),
  maxQueue: whole(1, 10_000_000, 100_000, 'Writes that may wait for the cloud; further ones are refused.'),
  maxQueueBytes: whole(1, 1024 * GiB, GiB, 'Bytes of the writes that may wait; further ones are refused.'),
  minFreeBytes: whole(
    0,
    1024 * GiB,
    256 * MiB,
    'Free disk space, bytes, below which no further write is taken: what was accepted must still be sent and settled.',
  ),
  stallAlarmSeconds: whole(
    1,
    86_400,
    120,
    'Seconds without progress, while the link is up, after which the oldest write that could be sent raises an alarm.',
  ),
  keepSettledDays: whole(
    1,
    3650,
    80,
    'Days that sent writes are remembered, to offer them again to a cloud that was restored from a backup. Must be less ' +
      'than the app keeps its keys.',
  ),
  rules: key(Rules, {
    about: 'Caching rules of your own, over what the app says; the first that gives a field counts. Fields below.',
    expects: 'a list of rules, in JSON',
  }),
  patienceMs: whole(0, 60_000, 800, 'Longest wait for the cloud where this box could answer itself, milliseconds.'),
  replicaLagMs: whole(
    0,
    HOUR,
    10_000,
    'Replica-first routes are answered by the cloud while the replica is further behind it than this, milliseconds.',
  ),
  auditSchedule: key(
    z
      .string()
      .refine((value) => value === 'off' || isSchedule(value))
      .default('23 3 * * *'),
    {
      about: 'When the replica is compared with the cloud. Where it was missed by half a day, it is made up for.',
      expects: 'a cron expression in local time, or off',
    },
  ),
  connectTimeoutMs: whole(1, 60_000, 3_000, 'Longest wait for a connection to the cloud, milliseconds.'),
  answerTimeoutMs: whole(1, HOUR, 30_000, 'Longest wait for an answer of the cloud, milliseconds.'),
  shutdownGraceMs: whole(0, HOUR, 10_000, 'Longest wait for requests under way when asked to stop, milliseconds.'),
  fastPath: flag(true, 'Answers repeated requests before they are parsed again.'),
  logLevel: key(z.enum(LEVELS).default('info'), {
    about: 'Least level that is logged.',
    expects: `one of ${LEVELS.join(', ')}`,
  }),
});

export type Config = z.output<typeof Config>;
export type ConfigKey = keyof typeof Config.shape;
export type LogLevel = Config['logLevel'];

export const CONFIG_KEYS = Object.keys(Config.shape) as ConfigKey[];

/** What is said of a key. */
export function docOf(name: ConfigKey): KeyDoc {
  const doc = docs.get(Config.shape[name]);
  if (doc === undefined) throw new TypeError(`${name} has no documentation`);
  return doc;
}

/** The default as the help shows it; undefined where there is none. */
export function defaultOf(name: ConfigKey): string | undefined {
  const standard = Config.shape[name].safeParse(undefined);
  if (!standard.success || standard.data === undefined) return undefined;
  return Array.isArray(standard.data) ? undefined : String(standard.data);
}

const dashed = (name: string, dash: string) => name.replace(/[A-Z]/g, (letter) => `${dash}${letter.toLowerCase()}`);

/** `maxQueue` → `max-queue` */
export const flagOf = (name: ConfigKey) => dashed(name, '-');
/** `maxQueue` → `LARDER_MAX_QUEUE` */
export const variableOf = (name: ConfigKey) => `LARDER_${dashed(name, '_').toUpperCase()}`;
