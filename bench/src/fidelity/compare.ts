/** One read, asked of the cloud and of an edge that is cut off from it: where the answers differ (I7). */
import { canonical } from '../../../inventory-app/rules/etag.ts';
import type { Json } from '../../../sync/src/profile.ts';
import type { Ask } from './requests.ts';

/** The headers that matter. */
const COMPARED = ['content-type', 'etag', 'cache-control'] as const;

export interface Sides {
  cloud: string;
  edge: string;
  /** Authorization by user. */
  credentials: Readonly<Record<string, string>>;
}

export interface Tally {
  asked: number;
  /** Answered by the replica. */
  covered: number;
  equal: number;
}

export interface Outcome {
  tallies: Map<string, Tally>;
  differences: string[];
}

interface Seen {
  status: number;
  source: string | null;
  headers: Record<string, string | null>;
  body: string;
  next: string | null;
}

/** What came out of two of them, taken together. */
export function merge(one: Outcome, other: Outcome): Outcome {
  const tallies = new Map(one.tallies);
  for (const [route, { asked, covered, equal }] of other.tallies) {
    const known = tallies.get(route) ?? { asked: 0, covered: 0, equal: 0 };
    tallies.set(route, { asked: known.asked + asked, covered: known.covered + covered, equal: known.equal + equal });
  }
  return { tallies, differences: [...one.differences, ...other.differences] };
}

/** Asks both sides everything, some at a time. */
export async function compareAll(sides: Sides, asks: readonly Ask[]): Promise<Outcome> {
  const outcome: Outcome = { tallies: new Map(), differences: [] };
  const queue = asks.values();
  const worker = async () => {
    for (const ask of queue) await compareOne(sides, ask, outcome);
  };
  await Promise.all(Array.from({ length: 6 }, worker));
  return outcome;
}

async function compareOne(sides: Sides, ask: Ask, outcome: Outcome): Promise<void> {
  let seen = await comparePath(sides, ask, ask.path, {}, outcome);
  const tag = seen.headers['etag'];
  if (ask.again !== 'no' && tag !== null && tag !== undefined)
    await comparePath(sides, ask, ask.path, { 'if-none-match': tagOf(ask.again, tag) }, outcome);
  for (let page = 0; page < ask.pages && seen.next !== null; page += 1) {
    const after = `${ask.path}${ask.path.includes('?') ? '&' : '?'}after=${seen.next}`;
    seen = await comparePath(sides, ask, after, {}, outcome);
  }
}

const tagOf = (again: Ask['again'], tag: string): string =>
  ({ no: '', 'same tag': tag, 'weak tag': `"x", W/${tag}`, 'other tag': '"x"', 'any tag': '*' })[again];

/** Returns what the cloud said. */
async function comparePath(
  sides: Sides,
  { user, method, route }: Ask,
  path: string,
  headers: Record<string, string>,
  { tallies, differences }: Outcome,
): Promise<Seen> {
  const init = { method, headers: { ...headers, authorization: sides.credentials[user] ?? '' } };
  const [there, here] = await Promise.all([look(sides.cloud + path, init), look(sides.edge + path, init)]);
  const tally = tallies.get(route) ?? { asked: 0, covered: 0, equal: 0 };
  tallies.set(route, tally);
  tally.asked += 1;
  if (here.source !== 'replica') {
    if (!mayBeUncovered(user, path)) differences.push(`${user} ${method} ${path} is not covered`);
    return there;
  }
  tally.covered += 1;
  const [cloud, edge] = [said(there), said(here)];
  if (cloud === edge) tally.equal += 1;
  else differences.push([`${user} ${method} ${path} ${JSON.stringify(headers)}`, ...apart(cloud, edge)].join('\n'));
  return there;
}

/** A store's box has not what an admin sees of other stores, and sends on what is no path of the app's. */
const mayBeUncovered = (user: Ask['user'], path: string): boolean => user === 'admin' || !WELL_FORMED.test(path);
const WELL_FORMED = /^\/api\/v1\/[a-z-]+(\/[\w:-]+)?(\?.*)?$/;

const said = ({ status, headers, body }: Seen) => `${status} ${JSON.stringify(headers)} ${body}`;

/** Both, from a little before they part. */
function apart(cloud: string, edge: string): string[] {
  const at = [...cloud].findIndex((letter, place) => letter !== edge[place]);
  const from = Math.max(0, at - 60);
  return [`  cloud …${cloud.slice(from, from + 300)}`, `  edge  …${edge.slice(from, from + 300)}`];
}

async function look(url: string, init: RequestInit): Promise<Seen> {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(30_000) });
  const text = await response.text();
  const json = text === '' ? null : (JSON.parse(text) as Json);
  const headers = Object.fromEntries(COMPARED.map((name) => [name, response.headers.get(name)]));
  const { status } = response;
  const body = text === '' ? '' : canonical(json);
  return { status, source: response.headers.get('larder-source'), headers, body, next: nextOf(json) };
}

function nextOf(body: Json): string | null {
  const next = (body as { page?: { next?: unknown } } | null)?.page?.next;
  return typeof next === 'string' ? next : null;
}

/** How much of each route is covered, and how much of that is equal, as lines of a table. */
export function report(tallies: Outcome['tallies']): string[] {
  const share = (part: number, of: number) => (of === 0 ? '–' : `${Math.round((100 * part) / of)} %`).padStart(6);
  return [...tallies]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([route, { asked, covered, equal }]) =>
        `${route.padEnd(34)} ${String(asked).padStart(4)} asked ${share(covered, asked)} covered ${share(equal, covered)} equal`,
    );
}
