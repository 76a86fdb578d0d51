/** The app's public signing keys (RFC 7517): kept across restarts, so that tokens can be verified while it is away. */
import { createLocalJWKSet, errors } from 'jose';
import type { CompactVerifyGetKey, JSONWebKeySet, JWK } from 'jose';
import type Keyv from 'keyv';
import { readBounded } from '../cloud/read-bounded.ts';
import type { Cloud } from '../cloud.ts';
import type { Logger } from '../log.ts';

export interface KeysOptions {
  /** Path of the JWK Set at the cloud. */
  path: string;
  cloud: Pick<Cloud, 'request'>;
  kept: Keyv<JSONWebKeySet>;
  /** Is there any use in asking the cloud? */
  reachable(): boolean;
  /** Called when the set is another than before: what the old one vouched for is to be looked at again. */
  changed(): void;
  clock(): number;
  log: Logger;
}

export interface Keys {
  /** The key for a token's header, fetched anew where it is not known. For jose. */
  readonly find: CompactVerifyGetKey;
  /** There are keys, whichever. */
  readonly isKnown: boolean;
  /** Resolves when the kept keys are in memory. */
  readonly loaded: Promise<void>;
  /** Asks the cloud for the present keys; keeps the known ones where it does not answer. Never rejects. */
  refresh(): Promise<void>;
}

/** Between two fetches that tokens of unknown keys ask for: whoever sends such tokens must not load the cloud. */
const MIN_INTERVAL = 10_000;
/** And as long as there is not one key: without, nobody is anybody here once the cloud is away. */
const FIRST_INTERVAL = 500;
const FETCH_TIMEOUT = 3_000;
const MAX_BYTES = 256 * 1024;
const KEPT = 'jwks';

/** Loads the kept keys at once; the caller decides when to refresh. */
export function createKeys(options: KeysOptions): Keys {
  const { kept, log } = options;
  let known: { set: JSONWebKeySet; find: CompactVerifyGetKey } | null = null;
  let fetchedAt = -Infinity;
  let fetching: Promise<void> | null = null;

  function use(set: JSONWebKeySet): boolean {
    if (JSON.stringify(set) === JSON.stringify(known?.set)) return false;
    known = { set, find: createLocalJWKSet(set) };
    options.changed();
    return true;
  }

  async function load(): Promise<void> {
    try {
      const set = await kept.get(KEPT);
      if (set !== undefined && known === null) use(set);
    } catch (error) {
      log.warn({ err: error }, 'the kept signing keys cannot be read');
    }
  }

  async function fetchNow(): Promise<void> {
    fetchedAt = options.clock();
    try {
      const set = await fetchKeySet(options);
      if (use(set)) await kept.set(KEPT, set);
    } catch (error) {
      log.warn({ err: error }, 'the signing keys cannot be fetched; the known ones stay in use');
    }
  }

  const refresh = () => (fetching ??= fetchNow().finally(() => (fetching = null)));
  const loaded = load();

  const find: CompactVerifyGetKey = async (header, token) => {
    await loaded;
    try {
      if (known !== null) return await known.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    const soon = options.clock() - fetchedAt < (known === null ? FIRST_INTERVAL : MIN_INTERVAL);
    if (options.reachable() && (fetching !== null || !soon)) await refresh();
    if (known === null) throw new errors.JWKSNoMatchingKey();
    return known.find(header, token);
  };

  return {
    find,
    get isKnown() {
      return known !== null;
    },
    loaded,
    refresh,
  };
}

async function fetchKeySet({ cloud, path }: KeysOptions): Promise<JSONWebKeySet> {
  const answer = await cloud.request({
    method: 'GET',
    path,
    headers: { accept: 'application/jwk-set+json, application/json' },
    body: null,
    signal: AbortSignal.timeout(FETCH_TIMEOUT),
  });
  const text = await readBounded(answer.body, MAX_BYTES);
  if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`);
  return publicKeys(JSON.parse(text));
}

/** Symmetric keys have no place in a public set: whoever reads the set could sign with them. */
function publicKeys(value: unknown): JSONWebKeySet {
  const keys = typeof value === 'object' && value !== null && 'keys' in value ? value.keys : null;
  if (!Array.isArray(keys)) throw new Error('not a JWK Set');
  return { keys: keys.filter((key: JWK | null) => key !== null && typeof key === 'object' && key.kty !== 'oct') };
}
