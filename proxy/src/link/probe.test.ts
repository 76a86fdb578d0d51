import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { Fate } from '@larder/sync/link';
import { createProbe } from './probe.ts';

const ending: (() => unknown)[] = [];
afterEach(() => {
  for (const end of ending.splice(0)) end();
});

/** On a busy machine even the longest patience may be too short now and then. */
const isOdd = (fate: Fate) => fate.type === 'failed' && fate.fault !== 'silent';

/** A cloud that takes so many ms for each answer. */
async function slowCloud(ms: number): Promise<URL> {
  const server = createServer((_request, response) => void setTimeout(() => response.end(), ms));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ending.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

test('I5: a cloud that has become slow may be met with silence, never with a fault of our own making', async () => {
  // Patience follows the time of the answers, so from the second on it is no whole number of ms.
  const probe = createProbe({ origin: await slowCloud(30), app: null, timeout: 50 });
  const fates: Fate[] = [];
  while (fates.filter(({ type }) => type === 'answered').length < 3 && !fates.some(isOdd)) fates.push(await probe());
  expect(fates.filter(isOdd)).toEqual([]);
});

test('a cloud that is not there is told from one that is silent', async () => {
  const gone = await slowCloud(0);
  for (const end of ending.splice(0)) end();
  expect(await createProbe({ origin: gone, app: null, timeout: 1000 })()).toMatchObject({
    type: 'failed',
    fault: 'refused',
  });
});
