import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LarderError } from '@larder/sync/errors';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CONFIG_KEYS, defaultOf, docOf, flagOf, variableOf } from './config.ts';
import { loadConfig } from './config-sources.ts';
import type { Sources } from './config-sources.ts';

let directory: string;
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'larder-config-'))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const cloud = 'http://127.0.0.1:4000';
const load = (sources: Partial<Sources> = {}) => loadConfig({ flags: { cloud }, env: {}, directory, ...sources });

function write(name: string, content: unknown): string {
  const file = join(directory, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

function refusal(sources: Partial<Sources>): string {
  try {
    load(sources);
  } catch (error) {
    if (error instanceof LarderError && error.code === 'LARDER_CONFIG_INVALID') return error.detail;
    throw error;
  }
  throw new Error('the configuration was taken');
}

describe('precedence', () => {
  test('a flag wins over the environment, the environment over the file, the file over the default', () => {
    const file = write('larder.json', { port: 1, name: 'from file', maxQueue: 7 });
    const config = load({ file, env: { LARDER_PORT: '2', LARDER_NAME: 'from env' }, flags: { cloud, port: '3' } });
    expect(config).toMatchObject({ port: 3, name: 'from env', maxQueue: 7, host: '127.0.0.1' });
  });

  test('the file may be named by LARDER_CONFIG, and a flag names another', () => {
    write('a.json', { name: 'a' });
    write('b.json', { name: 'b' });
    expect(load({ env: { LARDER_CONFIG: 'a.json' } }).name).toBe('a');
    expect(load({ env: { LARDER_CONFIG: 'a.json' }, file: 'b.json' }).name).toBe('b');
  });

  test('an empty variable counts as not given', () => {
    expect(load({ env: { LARDER_PORT: '' } }).port).toBe(8080);
  });

  test("a path is relative to where it was written: the file's directory, or the current one", () => {
    const file = write('larder.json', { profile: 'app/profile.ts', store: 'S1' });
    const config = load({ file, directory: '/elsewhere', env: { LARDER_DATA: 'data' } });
    expect(config.profile).toBe(join(directory, 'app/profile.ts'));
    expect(config.data).toBe('/elsewhere/data');
    expect(load().data).toBe(join(directory, '.larder/edge'));
  });

  test('what Kubernetes says of a service named larder is not taken for configuration', () => {
    const env = {
      LARDER_PORT: 'tcp://10.43.0.7:8080',
      LARDER_PORT_8080_TCP_ADDR: '10.43.0.7',
      LARDER_SERVICE_HOST: '10.43.0.7',
    };
    expect(load({ env }).port).toBe(8080);
  });
});

describe('refusals name the key, its source and what is expected', () => {
  const cases: [string, Partial<Sources>, RegExp][] = [
    ['a missing cloud', { flags: {} }, /^cloud is missing: an http.*--cloud, LARDER_CLOUD/],
    [
      'a cloud with a path',
      { flags: { cloud: 'http://a/b' } },
      /^cloud \(given by --cloud\) must be .*, not "http:\/\/a\/b"/,
    ],
    ['a cloud that is no web address', { flags: { cloud: 'ftp://a' } }, /^cloud \(given by --cloud\)/],
    ['a cloud with a password', { flags: { cloud: 'http://a:b@c' } }, /^cloud/],
    [
      'a port that is no number',
      { env: { LARDER_PORT: 'http' } },
      /^port \(given by LARDER_PORT\) must be a whole number from 0 to 65535, not "http"/,
    ],
    ['a number out of range', { flags: { cloud, maxQueue: '0' } }, /^maxQueue \(given by --max-queue\).*from 1 to/],
    ['an unknown variable', { env: { LARDER_MAX_QEUE: '1' } }, /^LARDER_MAX_QEUE \(in the environment\) is not a key/],
    ['an unknown level', { flags: { cloud, logLevel: 'loud' } }, /one of fatal, error, warn/],
    ['a profile without a store', { flags: { cloud, profile: 'p.ts' } }, /^store is missing/],
    ['a file that is not there', { file: 'none.json' }, /none\.json cannot be read/],
    [
      'a credential file that is not there',
      { flags: { cloud, credentialFile: 'none' } },
      /^credentialFile by --credential-file: .*none cannot be read/,
    ],
    [
      'a credential given twice',
      { flags: { cloud, credentialFile: 'f' }, env: { LARDER_CREDENTIAL: 'c' } },
      /both given/,
    ],
  ];
  test.each(cases)('%s', (_name, sources, expected) => {
    expect(refusal(sources)).toMatch(expected);
  });

  test('an unknown key of the file', () => {
    const file = write('larder.json', { cluod: cloud });
    expect(refusal({ file })).toBe(`cluod (in ${file}) is not a key of the configuration.`);
  });

  test('a crash point, save in tests', () => {
    const env = { LARDER_CLOUD: cloud, LARDER_CRASH_AT: 'answered' };
    expect(refusal({ env })).toMatch(/^LARDER_CRASH_AT .* is not a key of the configuration/);
    expect(load({ env: { ...env, NODE_ENV: 'test' } }).cloud.href).toBe(`${cloud}/`);
  });

  test('a file that is not JSON, or not an object', () => {
    expect(refusal({ file: write('a.json', '{') })).toMatch(/is not JSON/);
    expect(refusal({ file: write('b.json', '[]') })).toMatch(/is not a JSON object/);
  });
});

describe('secrets', () => {
  test('are not taken from the file', () => {
    const file = write('larder.json', { credential: 'hush' });
    const said = refusal({ file });
    expect(said).toMatch(/^credential .* is a secret: give it as LARDER_CREDENTIAL, or name a file as credentialFile/);
    expect(said).not.toContain('hush');
  });

  test('are never shown, not even a wrong one', () => {
    expect(refusal({ env: { LARDER_KEY: 'too-short-a-key' } })).not.toContain('too-short');
    expect(refusal({ flags: { cloud, keyFile: write('key', 'too-short-a-key') } })).not.toContain('too-short');
  });

  test('a credential may be a bearer token or a whole Authorization value, from the environment or a file', () => {
    expect(load({ env: { LARDER_CREDENTIAL: 'edge_1' } }).credential).toBe('Bearer edge_1');
    expect(load({ env: { LARDER_CREDENTIAL: 'Basic abc' } }).credential).toBe('Basic abc');
    expect(load({ flags: { cloud, credentialFile: write('c', 'edge_1\n') } }).credential).toBe('Bearer edge_1');
    expect(load().credential).toBeUndefined();
  });

  test('a sealing key may be hexadecimal or base64', () => {
    const bytes = Buffer.alloc(32, 7);
    expect(load({ env: { LARDER_KEY: bytes.toString('hex') } }).key).toEqual(bytes);
    expect(load({ flags: { cloud, keyFile: write('k', bytes.toString('base64')) } }).key).toEqual(bytes);
  });
});

describe('every key', () => {
  test.each(CONFIG_KEYS)('%s is documented', (name) => {
    const doc = docOf(name);
    expect(doc.about).toMatch(/\.$/);
    expect(doc.expects).not.toBe('');
    expect(flagOf(name)).toMatch(/^[a-z-]+$/);
    expect(variableOf(name)).toMatch(/^LARDER_[A-Z_]+$/);
  });

  test('shows its default', () => {
    expect(defaultOf('port')).toBe('8080');
    expect(defaultOf('cloud')).toBeUndefined();
    expect(defaultOf('profile')).toBeUndefined();
  });
});
