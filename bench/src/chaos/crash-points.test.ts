import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startLink, type Link } from '../link-simulator/link.ts';
import { type Client, until } from '../stage/client.ts';
import { startCloud } from '../stage/cloud.ts';
import { startEdge } from '../stage/edge.ts';
import { runProcess, type Running } from '../stage/process.ts';
import { differences } from '../store-day/store-day.ts';
import { clockFor, DAYS, isFresh, REACHED, type ReachedPoint } from './crash-days.ts';
import { copyEdge, type CloudDatabase } from './databases.ts';
import { feedOf, waitingIn } from './evidence.ts';
import type { Offer } from './outbox.ts';
import { makeTemplates, type Template, type Templates } from './template.ts';
import { clockedBy } from './world.ts';

let directory: string;
let templates: Templates;
let template: Template;
let database: CloudDatabase;
let cloud: Running;
let link: Link;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'larder-crash-'));
  templates = await makeTemplates(join(directory, 'templates'), ['sqlite']);
  if (templates.sqlite === undefined) throw new Error('there is no template');
  template = templates.sqlite;
  database = await template.copy(directory);
  cloud = await startCloud({ database: database.url });
  link = await startLink({ target: cloud.url, rttMs: 10, lingerMs: 200 });
});
afterAll(async () => {
  await link?.close();
  await cloud?.stop();
  await templates?.close();
  rmSync(directory, { recursive: true, force: true });
});

const clock = () => join(directory, 'clock');

interface Offered extends Offer {
  client: Client;
}

/** An edge whose process ends at the point, or never (null). */
async function edgeThatDies(data: string, port: number, point: ReachedPoint | null): Promise<Running> {
  if (point !== null) writeFileSync(clock(), String(clockFor(point, new Date())));
  const env: Record<string, string> =
    point === null ? {} : { ...clockedBy(clock()), NODE_ENV: 'test', LARDER_CRASH_AT: point };
  return startEdge({ cloud: link.url, data, port, env, flags: ['--answer-timeout-ms', '3000'] });
}

const answers = (edge: Running) =>
  fetch(`${edge.url}/_edge/status`, { signal: AbortSignal.timeout(5000) })
    .then(async (response) => (await response.json()) as { link: { state: string }; replica: Replica })
    .catch(() => null);
interface Replica {
  complete: boolean;
  feed: { live: boolean };
}

async function isSettled(edge: Running, data: string): Promise<boolean> {
  const status = await answers(edge);
  return status !== null && status.replica.complete && status.replica.feed.live && waitingIn(data).length === 0;
}

/** Each key's number of transactions in the cloud. */
async function timesDone(from: string): Promise<Map<string, number>> {
  const markers = (await feedOf(cloud.url, 'S001', from)).filter(({ type }) => type === 'marker');
  return new Map([...Map.groupBy(markers, ({ cause }) => cause?.key ?? '')].map(([key, all]) => [key, all.length]));
}

/** Each point has a box of its own: to the cloud it is the edge's first. */
function beTheFirstBox(): void {
  const db = new DatabaseSync(database.url.slice('file:'.length));
  db.exec('PRAGMA busy_timeout = 5000; UPDATE "Edge" SET "currentStart" = NULL');
  db.close();
}

async function newEpoch(): Promise<void> {
  const port = Number(new URL(cloud.url).port);
  await cloud.stop('SIGKILL');
  await runProcess({
    name: 'new-epoch',
    file: 'inventory-app/server/main.ts',
    args: ['new-epoch'],
    env: { DATABASE_URL: database.url },
  });
  cloud = await startCloud({ database: database.url, port });
}

/** As the operator does. Whether an answer comes is not the point. */
async function discardAll(edge: Running, data: string): Promise<void> {
  const authorization = `Bearer ${readFileSync(join(data, 'console-token'), 'utf8').trim()}`;
  const ask = (path: string, init: RequestInit = {}) =>
    fetch(`${edge.url}/_edge/inbox${path}`, {
      ...init,
      headers: { authorization, 'content-type': 'application/json' },
      signal: AbortSignal.timeout(10_000),
    });
  const { data: items } = (await (await ask('')).json()) as { data: { seq: number }[] };
  for (const { seq } of items) await ask(`/${seq}/discard`, { method: 'POST', body: '{}' }).catch(() => null);
}

/** The day, up to the crash or past it. */
async function live(point: ReachedPoint, edge: Running, data: string, offered: Offered[]): Promise<void> {
  let dead = false;
  void edge.ended.then(() => (dead = true));
  await until('the edge is ready, or dead', async () => dead || (await isSettled(edge, data)));
  if (dead) return;
  const { clerk, manager, manager2 } = template.people;
  await DAYS[point]({
    clerk: clerk.at(edge.url),
    manager: manager.at(edge.url),
    elsewhere: manager2.at(cloud.url),
    link,
    product: template.products[0]?.id ?? '',
    newEpoch,
    discardAll: () => discardAll(edge, data),
    async offer(client, write, key = randomUUID()) {
      offered.push({ ...write, key, client });
      const answer = await client.write(write.method, write.path, write.body, key).catch(() => null);
      return answer?.status ?? null;
    },
    untilSettled: async () => void (await until('settled, or dead', async () => dead || (await isSettled(edge, data)))),
    untilOffline: async () =>
      void (await until('offline, or dead', async () => dead || (await answers(edge))?.link.state === 'offline')),
  });
}

describe('I2, I12: an edge that is killed', () => {
  test.each(REACHED)(
    'at %s mends itself, and nothing is lost or done twice',
    async (point) => {
      const data = join(directory, `edge-${point.replace(':', '-')}`);
      beTheFirstBox();
      if (!isFresh(point)) copyEdge(template.edge, data);
      const { page } = (await template.people.manager.at(cloud.url).get<{ page: { next: string } }>('/changes')).body;
      const offered: Offered[] = [];

      const edge = await edgeThatDies(data, 0, point).catch((error: unknown) => String(error));
      if (typeof edge !== 'string') await live(point, edge, data, offered);
      await link.set('up');
      // Some die before they can say where they listen.
      expect(typeof edge === 'string' ? edge : await edge.ended).toMatch('SIGKILL');

      const port = typeof edge === 'string' ? 0 : Number(new URL(edge.url).port);
      const again = await edgeThatDies(data, port, null);
      try {
        await until('what it held settles by itself', () => isSettled(again, data), 60_000);
        for (const { client, method, path, body, key } of offered) await client.write(method, path, body, key);
        await until('all is settled', () => isSettled(again, data), 60_000);
        const done = await timesDone(page.next);
        expect(offered.map(({ key }) => done.get(key))).toEqual(offered.map(() => 1));
        await link.set('down');
        await until('it is cut off', async () => (await answers(again))?.link.state === 'offline');
        const manager = template.people.manager;
        expect(await differences(manager.at(again.url), manager.at(cloud.url))).toEqual([]);
      } finally {
        await again.stop('SIGKILL');
        await link.set('up');
        rmSync(data, { recursive: true, force: true });
      }
    },
    240_000,
  );
});
