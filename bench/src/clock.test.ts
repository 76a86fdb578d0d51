/** A box whose clock is set while it works. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as passed } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { clockedBy } from './chaos/world.ts';
import { until } from './stage/client.ts';
import { startEdge } from './stage/edge.ts';

const HOUR = 3_600_000;
/** The shim looks at its file fifty times as often, ms. */
const SEEN = 1000;

const parts = new AsyncDisposableStack();
afterEach(() => parts.disposeAsync());

test('I5: a clock that is set back while a probe is under way puts off none of those that follow', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'larder-clock-'));
  parts.defer(() => rmSync(directory, { recursive: true, force: true }));
  const clock = join(directory, 'clock');
  writeFileSync(clock, String(HOUR));
  let isHeld = false;
  const held: Socket[] = [];
  const cloud = createServer((socket) => {
    socket.on('error', () => undefined);
    if (isHeld) held.push(socket);
    else socket.destroy();
  }).listen(0, '127.0.0.1');
  await once(cloud, 'listening');
  parts.defer(() => void cloud.close());
  const edge = await startEdge({
    cloud: `http://127.0.0.1:${(cloud.address() as AddressInfo).port}`,
    data: join(directory, 'edge'),
    env: clockedBy(clock),
  });
  parts.defer(() => edge.stop());
  const status = async () => (await fetch(`${edge.url}/_edge/status`)).json() as Promise<{ link: { state: string } }>;
  await until('it is cut off', async () => (await status()).link.state === 'offline');

  isHeld = true;
  await until('a probe is under way', () => held.length > 0);
  writeFileSync(clock, '0');
  await passed(SEEN);
  const before = held.length;
  for (const socket of held) socket.destroy();
  await until('the next one comes', () => held.length > before);
  expect((await status()).link.state).toBe('offline');
  for (const socket of held) socket.destroy();
}, 120_000);
