import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openBox } from './test-box.ts';
import type { Box, RunningLarder } from './test-box.ts';

let box: Box;
beforeEach(async () => {
  box = await openBox((request, response) =>
    response
      .setHeader('cache-control', 'max-age=600')
      .setHeader('cache-tag', request.url?.startsWith('/tagged') === true ? 'red, blue' : 'green')
      .end(`this is ${request.url}`),
  );
});
afterEach(() => box.close());

const get = async (edge: RunningLarder, path: string) => {
  const answer = await fetch(edge.url + path);
  const how = answer.headers.get('cache-status') ?? '';
  return { status: answer.status, how, source: answer.headers.get('larder-source') };
};
const purge = async (edge: RunningLarder, ...args: string[]) =>
  box.larder(['purge', '--edge', edge.url, '--data', 'data', ...args]);
const end = async ({ child, end: ending }: RunningLarder, signal: 'SIGTERM' | 'SIGKILL') => {
  child.kill(signal);
  return ending;
};

/** An edge that has these answers on disk, of which none waits to be written. */
async function startWith(...paths: string[]): Promise<RunningLarder> {
  const before = await box.startEdge();
  for (const path of paths) await get(before, path);
  await end(before, 'SIGTERM');
  const edge = await box.startEdge();
  for (const path of paths) expect((await get(edge, path)).source).toBe('cache');
  return edge;
}

test.each([
  [['--url', '/a?x=1'], ['/a?x=1'], '1 answer purged by URL /a?x=1.'],
  [['--prefix', '/tagged/'], ['/tagged/1', '/tagged/2'], '2 answers purged by prefix /tagged/.'],
  [['--tag', 'red'], ['/tagged/1', '/tagged/2'], '2 answers purged by tag red.'],
])('I10: what larder purge %j names does not come back after kill -9', async (args, gone, said) => {
  const paths = ['/a', '/a?x=1', '/tagged/1', '/tagged/2'];
  const edge = await startWith(...paths);
  expect(await purge(edge, ...args)).toMatchObject({ code: 0, out: `${said}\n` });
  const { err } = await end(edge, 'SIGKILL');
  expect(err).toMatch(/"who":"operator at 127\.0\.0\.1".*"responses":[12].*"msg":"purged"/);
  await box.endCloud();
  const again = await box.startEdge();
  for (const path of paths) expect((await get(again, path)).status).toBe(gone.includes(path) ? 503 : 200);
});

test('I10: what is purged softly is still stale after kill -9: asked anew, and given where the cloud is away', async () => {
  const edge = await startWith('/a', '/b');
  const { out } = await purge(edge, '--url', '/a', '--soft', '--json');
  expect(JSON.parse(out)).toEqual({ by: 'url', value: '/a', soft: true, responses: 1 });
  await end(edge, 'SIGKILL');
  const again = await box.startEdge();
  box.asked.length = 0;
  expect((await get(again, '/b')).how).toMatch(/hit/);
  expect((await get(again, '/a')).how).toMatch(/fwd=stale/);
  expect(box.asked.filter((one) => one.startsWith('GET /a'))).toEqual(['GET /a']);

  await purge(again, '--url', '/b', '--soft');
  await box.endCloud();
  expect(await get(again, '/b')).toMatchObject({ status: 200, source: 'cache' });
});

test('the method PURGE is the edge’s own: with the token it purges, without it goes nowhere either', async () => {
  const edge = await startWith('/a');
  const send = (authorization?: string) =>
    fetch(`${edge.url}/a`, { method: 'PURGE', headers: authorization === undefined ? {} : { authorization } });
  expect((await send()).status).toBe(401);
  expect((await send('Bearer of-a-user')).status).toBe(403);
  expect((await get(edge, '/a')).source).toBe('cache');
  const token = readFileSync(join(box.directory, 'data', 'console-token'), 'utf8').trim();
  expect(await (await send(`Bearer ${token}`)).json()).toEqual({ by: 'url', value: '/a', soft: false, responses: 1 });
  expect((await get(edge, '/a')).source).toBe('cloud');
  expect(box.asked.filter((one) => one.startsWith('PURGE'))).toEqual([]);
});

test.each([
  [[], 'one of --url, --prefix and --tag'],
  [['--url', '/a', '--tag', 'b'], 'one of --url, --prefix and --tag'],
  [['/a'], '"/a" is not understood'],
])('larder purge %j says what is wrong', async (args, message) => {
  const { code, err } = await box.larder(['purge', ...args]);
  expect(code).toBe(2);
  expect(err).toContain(message);
});
