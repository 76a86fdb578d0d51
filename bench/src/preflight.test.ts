import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';

const HERE = join(import.meta.dirname, 'preflight.mjs');

const ending: (() => unknown)[] = [];
afterEach(() => {
  for (const end of ending.splice(0)) end();
});

/** A project that asks for two packages, one of them in a workspace, and has those that are named. */
function project(installed: string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'larder-preflight-'));
  ending.push(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'bench/src'), { recursive: true });
  writeFileSync(
    join(root, 'package.json'),
    '{ "type": "module", "workspaces": ["bench"], "devDependencies": { "one": "1" } }',
  );
  writeFileSync(join(root, 'bench/package.json'), '{ "type": "module", "dependencies": { "@scope/two": "1" } }');
  for (const name of installed) {
    mkdirSync(join(root, 'node_modules', name), { recursive: true });
    writeFileSync(join(root, 'node_modules', name, 'package.json'), '{}');
  }
  cpSync(HERE, join(root, 'bench/src/preflight.mjs'));
  return join(root, 'bench/src/preflight.mjs');
}

const check = (file: string, event = 'start', options: string[] = []) =>
  new Promise<{ exit: number; out: string; err: string }>((resolve) => {
    const env = { ...process.env, npm_lifecycle_event: event };
    const child = execFile(process.execPath, [...options, file], { env }, (_error, out, err) =>
      resolve({ exit: child.exitCode ?? -1, out, err }),
    );
  });

test('says in one line what is about to run', async () => {
  const { exit, out, err } = await check(project(['one', '@scope/two']));
  expect([exit, err]).toEqual([0, '']);
  expect(out).toMatch(/^Larder on Node\.js [\d.]+, about to run the demo[^\n]*\n$/);
});

test('names what is not installed, and how to install it', async () => {
  const { exit, out, err } = await check(project(['one']));
  expect([exit, out]).toEqual([1, '']);
  expect(err).toBe('Packages are missing (@scope/two): run `npm ci` first.\n');
});

test('says what to do about a Node that is too old', async () => {
  const old = join(mkdtempSync(join(tmpdir(), 'larder-old-')), 'old.mjs');
  ending.push(() => rmSync(join(old, '..'), { recursive: true, force: true }));
  writeFileSync(old, "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } });");
  const { exit, err } = await check(project(['one', '@scope/two']), 'test', ['--import', old]);
  expect(exit).toBe(1);
  expect(err).toMatch(/^Node\.js 24 or newer is needed, [^\n]+: install Node\.js 24 or newer\.\n$/);
});
