/**
 * The same reads of the cloud and of a replica that is cut off from it: on what the cloud had from the beginning, and
 * once more after the store's own writes, of which some had to wait for the link and have settled since.
 */
import profile from '../../../inventory-app/edge/profile.ts';
import { type Client, until } from '../stage/client.ts';
import { Stage } from '../stage/stage.ts';
import { compareAll, merge, type Outcome, type Sides } from './compare.ts';
import { makeOddities } from './oddities.ts';
import { generate, USERS, type Known } from './requests.ts';
import { type Staff, trade } from './traffic.ts';

/** As the profile names them. */
export const ROUTES = Object.keys(profile.reads).toSorted();
/** Writes of each kind of moment: with the link up, and while it is cut. */
const WRITES = 40;

export interface FidelityOptions {
  requests: number;
  seed: number;
}

export interface Fidelity extends Outcome {
  /** Writes that were taken: with the link up, and while it was cut. */
  written: { online: number; waiting: number };
}

export async function runFidelity({ requests, seed }: FidelityOptions): Promise<Fidelity> {
  await using parts = new AsyncDisposableStack();
  const stage = parts.adopt(await Stage.start(), (part) => part.close());
  await stage.ready();
  const admin = await stage.atCloud.signIn('admin');
  await makeOddities(admin, await stage.atCloud.signIn('clerk2'));
  await replicaHasAll(stage, admin);
  const sides = { cloud: stage.cloud.url, edge: stage.edge.url, credentials: await credentials(stage) };
  const staff = { clerk: await stage.atEdge.signIn('clerk'), manager: await stage.atEdge.signIn('manager') };

  // Nothing was read through the edge before: from here on only its replica can answer.
  await cut(stage);
  const half = Math.ceil(requests / 2);
  const before = await ask(sides, admin, { seed, requests: half });
  const written = await writeAndSettle(stage, staff, admin, seed);
  await cut(stage);
  const after = await ask(sides, admin, { seed: seed + 1, requests: requests - half });
  return { ...merge(before, after), written };
}

async function ask(sides: Sides, admin: Client, { seed, requests }: FidelityOptions): Promise<Outcome> {
  const resources = [...new Set(ROUTES.map((route) => route.split('/')[3] ?? ''))];
  const entries = resources.map(async (name) => [name, await admin.all<Known[string][number]>(`/${name}`)] as const);
  return compareAll(sides, generate(ROUTES, Object.fromEntries(await Promise.all(entries)), { seed, count: requests }));
}

async function writeAndSettle(stage: Stage, staff: Staff, admin: Client, seed: number): Promise<Fidelity['written']> {
  // What waits is written while it is cut; the rest goes on from there.
  const waiting = await trade(staff, { seed, count: WRITES });
  await stage.link.set('up');
  await until('what waited is settled', async () => (await stage.status()).queue.length === 0);
  const online = await trade(staff, { seed: seed + 1, count: WRITES });
  await until('all is settled', async () => (await stage.status()).queue.length === 0);
  await admin.write('POST', '/categories', { name: 'The very last' });
  await replicaHasAll(stage, admin);
  return { online, waiting };
}

async function cut(stage: Stage): Promise<void> {
  await stage.link.set('down');
  await until('the cut is noticed', async () => (await stage.status()).link.state === 'offline');
}

/** The feed keeps the order of commits: with the last category all the rest is here. */
async function replicaHasAll(stage: Stage, admin: Client): Promise<void> {
  const { total } = (await admin.get<{ page: { total: number } }>('/categories')).body.page;
  await until('the replica has the last category', async () => {
    const response = await fetch(`${stage.edge.url}/_edge/status`);
    const { replica } = (await response.json()) as { replica: { resources: Record<string, { documents: number }> } };
    return replica.resources['categories']?.documents === total;
  });
}

async function credentials(stage: Stage): Promise<Record<string, string>> {
  const entries = USERS.map(async (username) => {
    const { body } = await stage.atEdge.send<{ token: string }>('POST', '/session', {
      username,
      password: 'larder-demo',
    });
    return [username, `Bearer ${body.token}`] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
