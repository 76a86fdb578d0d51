/**
 * Builds the page into `web/dist`: its scripts and styles under names that change with their content, a service worker
 * that keeps them on the device, and `shell.json`, the list of all of them for an edge that keeps them in the store.
 * Does nothing when nothing it is made of has changed. Needs no network.
 */
import react from '@vitejs/plugin-react';
import { createHash } from 'node:crypto';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { generateSW } from 'workbox-build';

const here = fileURLToPath(new URL('./', import.meta.url));
const dist = join(here, 'dist');
const stamp = join(dist, '.stamp');

/** Of everything the page is made of, and of what makes it. */
function digest(): string {
  const hash = createHash('sha256');
  const sources = ['index.html', 'build.ts', 'src/**/*', 'public/**/*', '../rules/*.ts', '../package.json'];
  const files = globSync(sources, { cwd: here, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const file of files.map((entry) => join(entry.parentPath, entry.name)).toSorted())
    hash.update(file.slice(here.length)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

/** Compressed once, here: neither cloud nor edge does it again for each device. */
function compress(paths: readonly string[]): void {
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  for (const path of paths.filter((one) => /\.(html|js|css|svg|webmanifest)$/.test(one))) {
    const bytes = readFileSync(join(dist, path));
    writeFileSync(join(dist, `${path}.br`), brotliCompressSync(bytes, quality));
    writeFileSync(join(dist, `${path}.gz`), gzipSync(bytes, { level: 9 }));
  }
}

async function main(): Promise<void> {
  const wanted = digest();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  rmSync(dist, { recursive: true, force: true });
  await build({
    root: here,
    configFile: false,
    logLevel: 'warn',
    plugins: [react()],
    build: {
      outDir: dist,
      target: 'es2022',
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
      chunkSizeWarningLimit: 800,
    },
  });
  const files = globSync('**/*', { cwd: dist, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => `/${join(entry.parentPath, entry.name).slice(dist.length + 1)}`).toSorted();
  const { warnings } = await generateSW({
    globDirectory: dist,
    globPatterns: ['**/*.{html,js,css,svg,webmanifest}'],
    swDest: join(dist, 'service-worker.js'),
    // Names in there change with their content.
    dontCacheBustURLsMatching: /^assets\//,
    navigateFallback: '/index.html',
    navigateFallbackDenylist: [/^\/api\//, /^\/_edge\//],
    inlineWorkboxRuntime: true,
    sourcemap: false,
    cleanupOutdatedCaches: true,
    mode: 'production',
  });
  for (const warning of warnings) process.stderr.write(`${warning}\n`);
  const shell = ['/', '/service-worker.js', ...paths.filter((path) => path !== '/index.html')];
  writeFileSync(join(dist, 'shell.json'), `${JSON.stringify(shell)}\n`);
  compress([...paths, '/service-worker.js']);
  // Last: a run that broke off leaves no stamp, and the next one starts over.
  writeFileSync(stamp, wanted);
  process.stdout.write(`built the page: ${shell.length} files\n`);
}

await main();
