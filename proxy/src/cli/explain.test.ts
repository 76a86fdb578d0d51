import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Explanation } from '../console/explain.ts';
import { openBox } from './test-box.ts';
import type { Box } from './test-box.ts';

let box: Box;
beforeEach(async () => void (box = await openBox()));
afterEach(() => box.close());

const explain = (url: string, ...args: string[]) => box.larder(['explain', ...args, '--edge', url, '--data', 'data']);

test('larder explain says who would answer and why, and the cloud hears nothing of it', async () => {
  const { url } = await box.startEdge(['--rules', '[{"match":"/ruled/*","ttl":5}]']);
  await fetch(`${url}/a`);
  box.asked.length = 0;
  const stored = await explain(url, 'GET', '/a');
  expect(stored.code).toBe(0);
  expect(stored.out).toMatch(/^ +answer +memory: fresh for another \d+ s$/m);
  expect(stored.out).toMatch(/^ +in memory +200, \d+ bytes, \d+ s old, fresh for \d+ s/m);
  expect(stored.out).toMatch(/^ +online, doubtful, offline, held +memory: fresh/m);
  const ruled = await explain(url, '/ruled/b');
  expect(ruled.out).toMatch(/^ +answer +cloud: nothing is stored$/m);
  expect(ruled.out).toMatch(/^ +rules +\{"match":"\/ruled\/\*","ttl":5\}$/m);
  expect(box.asked.filter((one) => !one.endsWith(' /'))).toEqual([]);
});

test('a user and headers can be named; neither the token nor a cookie is shown', async () => {
  const { url } = await box.startEdge();
  writeFileSync(join(box.directory, 'token'), 'hush\n');
  const args = ['/a', '--user-token-file', 'token', '--header', 'Cookie: hush=1', '--json'];
  const { out } = await explain(url, ...args);
  const found = JSON.parse(out) as Explanation;
  expect(found.key.scope).toMatch(/^credential:/);
  expect(out).not.toContain('hush');
  expect((JSON.parse((await explain(url, '/a', '--json')).out) as Explanation).key.scope).toBe('');
});

test.each([
  [[], 'Say which request'],
  [['GET', '/a', '/b'], '"/b" is not understood'],
  [['/a', '--header', 'nonsense'], '--header must be'],
  [['/a', '--user-token-file', 'none'], 'none cannot be read'],
])('larder explain %j says what is wrong', async (args, message) => {
  const { url } = await box.startEdge();
  const { code, err } = await explain(url, ...args);
  expect(code).toBe(2);
  expect(err).toContain(message);
});

test('another method, or a path that is none, is told what may be asked', async () => {
  const { url } = await box.startEdge();
  expect((await explain(url, 'POST', '/a')).err).toContain('must be GET or HEAD');
  expect((await explain(url, 'GET', 'a')).err).toContain('could be read in two ways');
});
