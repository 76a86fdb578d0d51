import { afterAll, beforeAll, expect, test } from 'vitest';
import profile from '../../../inventory-app/edge/profile.ts';
import { Client, until } from '../stage/client.ts';
import { Stage } from '../stage/stage.ts';
import { compareAll, report, type Sides } from './compare.ts';
import { makeOddities } from './oddities.ts';
import { generate, USERS, type Known } from './requests.ts';

const COUNT = 500;
const ROUTES = Object.keys(profile.reads).toSorted();
/** Another one each time; FIDELITY_SEED repeats one. */
const seed = Number(process.env['FIDELITY_SEED'] ?? Date.now() % 2 ** 31);

let stage: Stage;
let sides: Sides;
let known: Known;

beforeAll(async () => {
  stage = await Stage.start();
  await stage.ready();
  const admin = await stage.atCloud.signIn('admin');
  await makeOddities(admin, await stage.atCloud.signIn('clerk2'));
  await replicaHasAll(admin);
  known = Object.fromEntries(
    await Promise.all(
      resources().map(async (name) => [name, await admin.all<Record<string, unknown>>(`/${name}`)] as const),
    ),
  );
  sides = { cloud: stage.cloud.url, edge: stage.edge.url, credentials: await credentials() };
  // Nothing was read through the edge before: from here on only its replica can answer.
  await stage.link.set('down');
  await until('the cut is noticed', async () => (await stage.status()).link.state === 'offline');
});
afterAll(() => stage.close());

const resources = () => [...new Set(ROUTES.map((route) => route.split('/')[3] ?? ''))];

/** The feed keeps the order of commits: with the last category all the rest is here. */
async function replicaHasAll(admin: Client): Promise<void> {
  const { total } = (await admin.get<{ page: { total: number } }>('/categories')).body.page;
  await until('the replica has the last category', async () => {
    const response = await fetch(`${stage.edge.url}/_edge/status`);
    const { replica } = (await response.json()) as { replica: { resources: Record<string, { documents: number }> } };
    return replica.resources['categories']?.documents === total;
  });
}

async function credentials(): Promise<Record<string, string>> {
  const entries = USERS.map(async (username) => {
    const { body } = await stage.atEdge.send<{ token: string }>('POST', '/session', {
      username,
      password: 'larder-demo',
    });
    return [username, `Bearer ${body.token}`] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

test(`I7: cut off, the replica answers ${COUNT} generated reads of every covered route as the cloud does`, async () => {
  const { tallies, differences } = await compareAll(sides, generate(ROUTES, known, { seed, count: COUNT }));
  process.stdout.write(`${[`Fidelity, seed ${seed}:`, ...report(tallies)].join('\n')}\n`);
  if (differences.length > 0) process.stdout.write(`FIDELITY_SEED=${seed} repeats these:\n${differences.join('\n')}\n`);
  expect({ seed, differences: differences.slice(0, 3) }).toEqual({ seed, differences: [] });
  expect([...tallies.keys()].toSorted()).toEqual(ROUTES);
  expect([...tallies].filter(([, { covered }]) => covered === 0)).toEqual([]);
});
