/**
 * Makes the two Prisma clients, one per provider, in prisma/generated/<provider>: `npm run generate`. Does nothing when
 * neither the schemas nor Prisma's version changed. Needs no network.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROVIDERS = ['sqlite', 'postgresql'] as const;
const here = dirname(fileURLToPath(import.meta.url));
const schemaOf = (provider: string): string => join(here, provider, 'schema.prisma');
const generated = join(here, 'generated');

const require = createRequire(import.meta.url);
const manifestPath = require.resolve('prisma/package.json');
const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as { version: string; bin: { prisma: string } };

const hash = createHash('sha256').update(manifest.version);
for (const provider of PROVIDERS) hash.update(readFileSync(schemaOf(provider)));
const wanted = hash.digest('hex');
const stamp = join(generated, 'stamp');

if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) process.exit(0);
rmSync(generated, { recursive: true, force: true });
mkdirSync(generated, { recursive: true });
for (const provider of PROVIDERS) generate(provider);
// Last: a run that broke off leaves no stamp, and the next one starts over.
writeFileSync(stamp, wanted);
console.log(`generated the Prisma clients (${PROVIDERS.join(', ')}) with Prisma ${manifest.version}`);

function generate(provider: string): void {
  const cli = join(dirname(manifestPath), manifest.bin.prisma);
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'generate', '--schema', schemaOf(provider)], {
    cwd: here,
    encoding: 'utf8',
    env: {
      ...process.env,
      // Any existing file: `generate` never runs the schema engine, but would download it.
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
      PRISMA_HIDE_UPDATE_MESSAGE: '1',
      CHECKPOINT_DISABLE: '1',
    },
  });
  if (status === 0) return;
  console.error(`Prisma could not generate the ${provider} client:\n${stdout}${stderr}`);
  process.exit(1);
}
