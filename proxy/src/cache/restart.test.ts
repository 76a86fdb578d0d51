import type { RequestListener } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { openBox } from '../cli/test-box.ts';
import type { Box } from '../cli/test-box.ts';

let box: Box | undefined;
afterEach(() => box?.close());

const LARGE = 'large '.repeat(400_000);

const app: RequestListener = (request, response) => {
  const { method, url } = request;
  if (method === 'POST') {
    response.writeHead(204).end();
    return;
  }
  response.setHeader('cache-control', url === '/unstored' ? 'no-store' : 'max-age=600');
  if (url === '/half') response.writeHead(200, { 'content-length': '100' }).write('half');
  else response.end(url === '/large' ? LARGE : `this is ${url}`);
};

test('I10, I12: after kill -9 and a restart without the cloud, what was cached and not invalidated since is answered, and nothing else', async () => {
  box = await openBox(app);
  const edge = await box.startEdge();
  const get = async (url: string, path: string) => {
    const answer = await fetch(url + path);
    return { status: answer.status, text: await answer.text(), source: answer.headers.get('larder-source') };
  };
  for (const path of ['/a', '/b', '/b?x=1', '/large', '/unstored']) await get(edge.url, path);
  const half = await fetch(`${edge.url}/half`);
  await half.body?.getReader().read();
  // Its answer waits until it could not be undone by a crash, and with it all that came before.
  expect((await fetch(`${edge.url}/b`, { method: 'POST' })).status).toBe(204);
  edge.child.kill('SIGKILL');
  await edge.end;
  await box.endCloud();

  const { url } = await box.startEdge();
  expect(await get(url, '/a')).toEqual({ status: 200, text: 'this is /a', source: 'cache' });
  expect(await get(url, '/large')).toEqual({ status: 200, text: LARGE, source: 'cache' });
  for (const path of ['/b', '/b?x=1', '/half', '/unstored', '/never']) expect((await get(url, path)).status).toBe(503);
});
