/** Gathers the configuration from file, environment and flags; the later wins. Every value remembers where it came from. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { LarderError } from '@larder/sync/errors';
import { Config, CONFIG_KEYS, decodeKey, docOf, flagOf, variableOf } from './config.ts';
import type { ConfigKey } from './config.ts';

export interface Sources {
  /** Values of `--some-key`, by key. */
  flags: Partial<Record<ConfigKey, string>>;
  /** The file named by `--config`, if any; else `LARDER_CONFIG` is looked at. */
  file?: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
  /** What relative paths are relative to. */
  directory: string;
}

/** A value, and its source in words that a person can act on. */
interface Given {
  value: unknown;
  from: string;
}
type Gathered = Map<ConfigKey, Given>;

const FILE_VARIABLE = 'LARDER_CONFIG';

const invalid = (detail: string) => new LarderError('LARDER_CONFIG_INVALID', detail);
const isKey = (name: string): name is ConfigKey => Object.hasOwn(Config.shape, name);

/**
 * Reads and checks the whole configuration. Paths come out absolute, the edge's credential comes out as an
 * Authorization value whichever way it was given.
 *
 * @throws LarderError `LARDER_CONFIG_INVALID`, naming the key, its source and what is expected; never a secret.
 */
export function loadConfig(sources: Sources): Config {
  const gathered: Gathered = new Map();
  const file = sources.file ?? sources.env[FILE_VARIABLE];
  if (file !== undefined) readFile(resolve(sources.directory, file), gathered);
  readEnvironment(sources, gathered);
  readFlags(sources, gathered);
  const config = check(gathered);
  return withSecrets({ ...config, data: resolve(sources.directory, config.data) }, gathered);
}

function readFile(file: string, gathered: Gathered): void {
  const content = parseFile(file);
  for (const [name, value] of Object.entries(content)) {
    const from = `in ${file}`;
    if (!isKey(name)) throw invalid(`${name} (${from}) is not a key of the configuration.`);
    const { kind } = docOf(name);
    if (kind === 'secret')
      throw invalid(`${name} (${from}) is a secret: give it as ${variableOf(name)}, or name a file as ${name}File.`);
    const isPath = kind === 'path' && typeof value === 'string' && value !== '';
    gathered.set(name, { value: isPath ? resolve(dirname(file), value) : value, from });
  }
}

function parseFile(file: string): object {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const why = error instanceof SyntaxError ? 'is not JSON' : 'cannot be read';
    throw new LarderError('LARDER_CONFIG_INVALID', `The configuration file ${file} ${why}.`, { cause: error });
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw invalid(`The configuration file ${file} is not a JSON object.`);
  return content;
}

const BY_VARIABLE = new Map(CONFIG_KEYS.map((name) => [variableOf(name), name]));

/**
 * Kubernetes puts the address of every service into the environment of its neighbours; for a service named `larder`
 * that is `LARDER_PORT=tcp://10.0.0.1:8080`, `LARDER_SERVICE_HOST` and the like, which nobody meant for us.
 */
const isServiceLink = (variable: string, value: string) =>
  /^LARDER_(SERVICE_|PORT_\d+_)/.test(variable) || (variable === 'LARDER_PORT' && /^(tcp|udp|sctp):/.test(value));

/** Where tests have the process crash; in earnest it is no key, and an edge that is given it does not start. */
const isCrashPoint = (variable: string, env: Sources['env']) =>
  variable === 'LARDER_CRASH_AT' && env['NODE_ENV'] === 'test';

function readEnvironment({ env, directory }: Sources, gathered: Gathered): void {
  for (const [variable, value] of Object.entries(env)) {
    if (!variable.startsWith('LARDER_') || variable === FILE_VARIABLE || value === undefined || value === '') continue;
    if (isServiceLink(variable, value) || isCrashPoint(variable, env)) continue;
    const name = BY_VARIABLE.get(variable);
    if (name === undefined) throw invalid(`${variable} (in the environment) is not a key of the configuration.`);
    gathered.set(name, { value: absolute(name, value, directory), from: `by ${variable}` });
  }
}

function readFlags({ flags, directory }: Sources, gathered: Gathered): void {
  for (const name of CONFIG_KEYS) {
    const value = flags[name];
    if (value !== undefined)
      gathered.set(name, { value: absolute(name, value, directory), from: `by --${flagOf(name)}` });
  }
}

const absolute = (name: ConfigKey, value: string, directory: string) =>
  docOf(name).kind === 'path' && value !== '' ? resolve(directory, value) : value;

function check(gathered: Gathered): Config {
  const given = Object.fromEntries([...gathered].map(([name, { value }]) => [name, value]));
  const result = Config.safeParse(given);
  if (!result.success) {
    const [issue] = result.error.issues;
    const name = String(issue?.path[0] ?? '');
    if (!isKey(name) || issue === undefined) throw invalid(result.error.message);
    throw issue.path.length > 1 ? wrongWithin(issue, gathered.get(name)) : wrong(name, gathered.get(name));
  }
  const config = result.data;
  if (config.profile !== undefined && config.store === undefined)
    throw invalid(`store is missing: a profile needs to know whose documents to keep. ${howToGive('store')}`);
  for (const [one, other] of [['tlsCertificate', 'tlsKey'] as const, ['tlsKey', 'tlsCertificate'] as const])
    if (config[one] !== undefined && config[other] === undefined)
      throw invalid(`${other} is missing: ${one} needs it. ${howToGive(other)}`);
  for (const [value, file] of [['credential', 'credentialFile'] as const, ['key', 'keyFile'] as const])
    if (config[value] !== undefined && config[file] !== undefined)
      throw invalid(`${value} and ${file} are both given (${sourceOf(gathered, file)}); one of them is enough.`);
  return config;
}

function wrong(name: ConfigKey, given: Given | undefined): LarderError {
  const { expects, kind } = docOf(name);
  if (given === undefined) return invalid(`${name} is missing: ${expects}. ${howToGive(name)}`);
  const shown = kind === 'secret' ? '' : `, not ${JSON.stringify(given.value)}`;
  return invalid(`${name} (given ${given.from}) must be ${expects}${shown}.`);
}

/** Of a list it is said which part is wrong: `rules[2].ttl (given in larder.json) must be a whole number…`. */
function wrongWithin(
  { path, message }: { path: PropertyKey[]; message: string },
  given: Given | undefined,
): LarderError {
  const place = path.map((step, at) =>
    typeof step === 'number' ? `[${step}]` : `${at === 0 ? '' : '.'}${String(step)}`,
  );
  return invalid(`${place.join('')} (given ${given?.from}): ${message}.`);
}

const howToGive = (name: ConfigKey) =>
  `Give it by --${flagOf(name)}, ${variableOf(name)} or in the configuration file.`;
const sourceOf = (gathered: Gathered, name: ConfigKey) => `${name} ${gathered.get(name)?.from ?? 'by default'}`;

function withSecrets(config: Config, gathered: Gathered): Config {
  const { credentialFile, keyFile } = config;
  const credential =
    credentialFile === undefined ? config.credential : readSecret('credentialFile', credentialFile, gathered);
  const key = keyFile === undefined ? config.key : decodeKey(readSecret('keyFile', keyFile, gathered));
  if (key === null) throw invalid(`${sourceOf(gathered, 'keyFile')} must hold ${docOf('key').expects}.`);
  return { ...config, key, credential: credential === undefined ? undefined : asAuthorization(credential) };
}

function readSecret(name: ConfigKey, file: string, gathered: Gathered): string {
  let content: string;
  try {
    content = readFileSync(file, 'utf8').trim();
  } catch (error) {
    const detail = `${sourceOf(gathered, name)}: ${file} cannot be read.`;
    throw new LarderError('LARDER_CONFIG_INVALID', detail, { cause: error });
  }
  if (content === '') throw invalid(`${sourceOf(gathered, name)}: ${file} is empty.`);
  return content;
}

const asAuthorization = (secret: string) => (secret.includes(' ') ? secret : `Bearer ${secret}`);
