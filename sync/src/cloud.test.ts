import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Cloud } from './cloud.ts';
import { CloudFault } from './fault.ts';
import type { Fate } from './link.ts';
import type { App } from './profile.ts';
import profile from './test-app/profile.ts';

const ending: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

async function cloudOf(listener: RequestListener, app: App = profile) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const fates: Fate[] = [];
  const cloud = new Cloud({
    origin: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    app,
    connectTimeout: 5000,
    answerTimeout: 5000,
    connections: 1,
    report: (fate) => fates.push(fate),
    dated: () => undefined,
  });
  ending.push(
    () => cloud.close(),
    () => {
      server.close();
      server.closeAllConnections();
    },
  );
  return { cloud, fates };
}

test('a connection that breaks is told to the link', async () => {
  const { cloud, fates } = await cloudOf((request) => request.socket.destroy());
  await expect(cloud.ask({ path: '/' }, null)).rejects.toBeInstanceOf(CloudFault);
  expect(fates).toMatchObject([{ type: 'failed', fault: 'reset' }]);
});

test('a fault of the profile is not: the link is as good as it was', async () => {
  const broken = {
    ...profile,
    genuine() {
      throw new TypeError('a bug');
    },
  };
  const { cloud, fates } = await cloudOf((_request, response) => void response.end('{}'), broken);
  await expect(cloud.ask({ path: '/' }, null)).rejects.toMatchObject({ name: 'CloudFault', sent: true });
  await expect(cloud.send({ ...REQ }, '{}')).rejects.toMatchObject({ name: 'CloudFault', sent: true });
  expect(fates).toEqual([]);
});

const REQ = {
  method: 'POST',
  path: '/orders',
  params: {},
  query: new URLSearchParams(),
  headers: {},
  body: {},
  claims: null,
};
