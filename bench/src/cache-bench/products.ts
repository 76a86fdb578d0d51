/** What is compared: how each product is started in front of the same origin. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../stage/process.ts';
import { freePort, has, spawnServer } from './server-process.ts';
import type { ServerProcess } from './server-process.ts';

export interface Product {
  name: string;
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

const edge = (name: string, flags: string[]): Product => ({
  name,
  version: () => process.version,
  start({ origin, directory, core }) {
    const own = ['--cloud', origin.origin, '--data', directory, '--port', '0', '--log-level', 'warn'];
    const memory = ['--memory-cache-bytes', String(MEMORY_MIB * 1024 * 1024)];
    const args = [join(ROOT, 'proxy/src/main.ts'), 'start', ...own, ...memory, ...flags];
    return spawnServer({ name, command: process.execPath, args, core, url: /listening on (http\S+)/ });
  },
});

const nginx: Product = {
  name: 'nginx',
  version: () => (has('nginx') ? versionOf('nginx', '-v') : null),
  async start({ origin, directory, core }) {
    const port = await freePort();
    const config = fillIn('nginx-cache.conf', { DIRECTORY: directory, ORIGIN: origin.host, PORT: String(port) });
    const file = join(directory, 'nginx.conf');
    writeFileSync(file, config);
    // Started by root its worker would be another user, whom the directory does not belong to.
    const user = process.getuid?.() === 0 ? ['-g', 'user root;'] : [];
    const args = ['-p', directory, '-c', file, ...user];
    return spawnServer({ name: 'nginx', command: 'nginx', args, core, url: `http://127.0.0.1:${port}` });
  },
};

const varnish: Product = {
  name: 'varnish',
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

/** The first one is what the others are compared with. */
export const PRODUCTS: readonly Product[] = [
  nginx,
  varnish,
  edge('larder', []),
  edge('larder-plain', ['--fast-path', 'false']),
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
