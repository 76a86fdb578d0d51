/** The engine and an app meet in the app's profile, and nowhere else. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import profile from '@larder/inventory-app/edge';
import { expect, test } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const SOURCES = globSync('{proxy,sync}/src/**/*.ts', { cwd: ROOT })
  .filter((file) => !/\.(test|bench)\.ts$/.test(file) && !/(^|\/)test-[^/]*(\/|$)/.test(file))
  .map((file) => ({ file, text: codeOf(readFileSync(resolve(ROOT, file), 'utf8')) }));
const IMPORT = /(?:from|import|import\()\s*'([^']+)'/g;
const ENGINE = /^(proxy|sync)\/src\//;

/** Without its comments, whose examples may be of an app. */
function codeOf(text: string): string {
  return text.replaceAll(/\/\*\*[^]*?\*\/|^\s*\/\/.*$/gm, '');
}

/** Where an import leads: a path from the root, or the name of a package. */
function target(file: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier;
  return resolve(ROOT, dirname(file), specifier).slice(ROOT.length + 1);
}

test('I14: the engine is looked at whole', () => {
  for (const file of ['proxy/src/main.ts', 'proxy/src/read.ts', 'sync/src/writer.ts', 'sync/src/replica/replica.ts'])
    expect(SOURCES.map((each) => each.file)).toContain(file);
});

test('I14: nothing in the engine imports an app or a profile', () => {
  const doors = SOURCES.flatMap(({ file, text }) =>
    [...text.matchAll(IMPORT)]
      .map(([, specifier = '']) => target(file, specifier))
      .filter((to) => (/\.\w+$/.test(to) ? !ENGINE.test(to) : to.startsWith('@larder/') && !/sync|proxy/.test(to)))
      .map((to) => `${file} imports ${to}`),
  );
  expect(doors).toEqual([]);
});

test('I14: nothing in the engine names a resource, a route or a kind of document of the inventory app', () => {
  const words = new Set([...Object.keys(profile.resources), ...Object.keys(profile.writes)]);
  const paths = [...Object.keys(profile.reads), ...Object.keys(profile.writes), profile.probe]
    .map((route) => route.replace(/^[A-Z]+ /, ''))
    .flatMap((path) => path.match(/^(\/[\w.-]+)+/)?.[0] ?? []);
  expect(words.size).toBeGreaterThan(5);
  expect(paths.length).toBeGreaterThan(10);
  const named = SOURCES.flatMap(({ file, text }) => [
    ...[...words].filter((word) => text.includes(`'${word}'`)).map((word) => `${file} names ${word}`),
    ...paths.filter((path) => text.includes(`${path}'`) || text.includes(`${path}/`)).map((p) => `${file} has ${p}`),
  ]);
  expect(named).toEqual([]);
});
