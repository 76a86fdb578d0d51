import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openBox } from './cli/test-box.ts';
import type { Box } from './cli/test-box.ts';

let box: Box;
beforeEach(async () => {
  box = await openBox((request, response) => {
    response.statusCode = request.method === 'POST' ? 201 : 200;
    if (request.method === 'POST') response.setHeader('location', '/elsewhere/7');
    response.setHeader('cache-control', 'max-age=600').end(`this is ${request.url}`);
  });
});
afterEach(() => box.close());

const sourceOf = async (url: string, path: string) => (await fetch(url + path)).headers.get('larder-source');
/** Which of these are still stored, after all have been and `change` was made. */
async function leftAfter(url: string, paths: string[], change: () => Promise<Response>): Promise<string[]> {
  for (const path of paths) await sourceOf(url, path);
  await (await change()).text();
  const left: string[] = [];
  for (const path of paths) if ((await sourceOf(url, path)) === 'cache') left.push(path);
  return left;
}

const PATHS = ['/a/b', '/a/b?page=2', '/a/b/', '/a/b/42', '/a/b/42?full', '/a/b/43', '/a', '/elsewhere/7'];

test.each([
  ['PATCH', '/a/b/42', ['/a/b/43', '/a', '/elsewhere/7']],
  ['DELETE', '/a/b/42?force', ['/a/b/43', '/a', '/elsewhere/7']],
  ['POST', '/a/b', ['/a/b/', '/a/b/42', '/a/b/42?full', '/a/b/43', '/a']],
  ['OPTIONS', '/a/b', PATHS],
])('a successful %s of %s leaves only what it cannot have changed', async (method, target, left) => {
  const { url } = await box.startEdge();
  expect(await leftAfter(url, PATHS, () => fetch(url + target, { method }))).toEqual(left);
});

test('I10: what a change dropped does not come back after kill -9', async () => {
  const before = await box.startEdge();
  for (const path of ['/a/b', '/a/b?page=2', '/c']) await sourceOf(before.url, path);
  before.child.kill('SIGTERM');
  await before.end;
  const edge = await box.startEdge();
  await (await fetch(`${edge.url}/a/b/42`, { method: 'PUT', body: 'x' })).text();
  edge.child.kill('SIGKILL');
  await edge.end;
  const { url } = await box.startEdge();
  expect(await sourceOf(url, '/c')).toBe('cache');
  expect([await sourceOf(url, '/a/b'), await sourceOf(url, '/a/b?page=2')]).toEqual(['cloud', 'cloud']);
});

test("a change that the profile does not list drops what the profile's tags tie to its path", async () => {
  const profile = `
    export default {
      name: 'tags', release: 1, probe: '/', honoursKeys: false, resources: {}, writes: {},
      reads: {
        'GET /products/:id': { tags: ({ params }) => ['products/' + params.id] },
        'GET /offers': { tags: () => ['products/42'] },
        'GET /news': { tags: () => ['news'] },
      },
      genuine: () => true, user: () => null, scope: () => '', classify: () => 'unavailable', send: (req) => req,
    };
  `;
  writeFileSync(join(box.directory, 'profile.mjs'), profile);
  const { url } = await box.startEdge(['--profile', 'profile.mjs', '--store', 'S001']);
  const paths = ['/products/42', '/products/43', '/offers', '/news'];
  const change = () => fetch(`${url}/products/42`, { method: 'PATCH', body: '{}' });
  expect(await leftAfter(url, paths, change)).toEqual(['/products/43', '/news']);
});
