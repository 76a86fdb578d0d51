/** What is compared: how each product is started in front of the same origin. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TEST_CERTIFICATES } from '../../../proxy/src/tls/test-certificates.ts';
import { ROOT } from '../stage/process.ts';
import { freePort, has, spawnServer } from './server-process.ts';
import type { ServerProcess } from './server-process.ts';

export interface Product {
  name: string;
  /** Speaks HTTP/1.1 and HTTP/2 within TLS, instead of clear HTTP/1.1. */
  secure: boolean;
  /** Whether it is there, and which one; null: not installed. */
  version(): string | null;
  start(where: Place): Promise<ServerProcess>;
}

export interface Place {
  origin: URL;
  /** Empty, for what it keeps. */
  directory: string;
  core: number | null;
}

/** The same for all who keep answers in their own memory. */
const MEMORY_MIB = 256;

const { certificate, key } = TEST_CERTIFICATES.valid;
const TLS_FLAGS = ['--tls-certificate', certificate, '--tls-key', key];

const edge = (name: string, flags: string[], secure = false): Product => ({
  name,
  secure,
  version: () => process.version,
  start({ origin, directory, core }) {
    const own = ['--cloud', origin.origin, '--data', directory, '--port', '0', '--log-level', 'warn'];
    const memory = ['--memory-cache-bytes', String(MEMORY_MIB * 1024 * 1024)];
    const args = [join(ROOT, 'proxy/src/main.ts'), 'start', ...own, ...memory, ...flags, ...(secure ? TLS_FLAGS : [])];
    return spawnServer({ name, command: process.execPath, args, core, url: /listening on (http\S+)/ });
  },
});

const nginx = (secure: boolean): Product => ({
  name: 'nginx',
  secure,
  version: () => (has('nginx') ? versionOf('nginx', '-v') : null),
  async start({ origin, directory, core }) {
    const port = await freePort();
    const words = {
      DIRECTORY: directory,
      ORIGIN: origin.host,
      PORT: String(port),
      ...(secure ? NGINX_TLS : NGINX_CLEAR),
    };
    const config = fillIn('nginx-cache.conf', words);
    const file = join(directory, 'nginx.conf');
    writeFileSync(file, config);
    // Started by root its worker would be another user, whom the directory does not belong to.
    const user = process.getuid?.() === 0 ? ['-g', 'user root;'] : [];
    const args = ['-p', directory, '-c', file, ...user];
    return spawnServer({
      name: 'nginx',
      command: 'nginx',
      args,
      core,
      url: `${secure ? 'https' : 'http'}://127.0.0.1:${port}`,
    });
  },
});

const NGINX_CLEAR = { SSL: '', CERTIFICATE: '' };
const NGINX_TLS = {
  SSL: ' ssl http2',
  CERTIFICATE: `ssl_certificate ${certificate}; ssl_certificate_key ${key}; ssl_protocols TLSv1.2 TLSv1.3;`,
};

const varnish: Product = {
  name: 'varnish',
  secure: false,
  version: () => (has('varnishd') ? versionOf('varnishd', '-V') : null),
  async start({ origin, directory, core }) {
    const port = await freePort();
    const file = join(directory, 'varnish.vcl');
    writeFileSync(file, fillIn('varnish.vcl', { ORIGIN_HOST: origin.hostname, ORIGIN_PORT: origin.port }));
    // Without the jail it needs no user of its own; it serves this machine alone.
    const args = ['-j', 'none', '-F', '-n', join(directory, 'work'), '-a', `127.0.0.1:${port}`, '-f', file];
    const memory = ['-s', `malloc,${MEMORY_MIB}m`];
    const url = `http://127.0.0.1:${port}`;
    return spawnServer({ name: 'varnish', command: 'varnishd', args: [...args, ...memory], core, url });
  },
};

/** The first one is what the others are compared with. Varnish leaves TLS to others. */
export const PRODUCTS: readonly Product[] = [
  nginx(false),
  varnish,
  edge('larder', []),
  edge('larder-plain', ['--fast-path', 'false']),
  nginx(true),
  edge('larder', [], true),
  edge('larder-plain', ['--fast-path', 'false'], true),
];

function fillIn(template: string, words: Record<string, string>): string {
  const text = readFileSync(join(ROOT, 'bench/peers', template), 'utf8');
  return text.replaceAll(/\$\{([A-Z_]+)\}/g, (_match, word: string) => words[word] ?? '');
}

function versionOf(program: string, flag: string): string {
  // Both say it on standard error.
  const text = execFileSync('sh', ['-c', `${program} ${flag} 2>&1`], { encoding: 'utf8' });
  return /(\d+\.\d+\.\d+)/.exec(text)?.[1] ?? 'unknown';
}

/** A directory of a product's own. */
export function placeIn(parent: string, name: string): string {
  const directory = join(parent, name);
  mkdirSync(directory, { recursive: true });
  return directory;
}
