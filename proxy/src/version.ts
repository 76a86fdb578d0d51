/** The version of this build, from its package. */
import { readFileSync } from 'node:fs';

export const VERSION = readVersion();

function readVersion(): string {
  const file = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return file.version;
}
