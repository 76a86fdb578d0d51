/** `larder status`: how a running edge is, for a person or as JSON. */
import type { Status } from '../console/status.ts';
import { boxLine } from './box.ts';
import { columns, noneLeft, parse } from './command.ts';
import type { Command } from './command.ts';
import { askEdge, EDGE_HELP, EDGE_OPTIONS } from './remote.ts';

const OPTIONS = {
  ...EDGE_OPTIONS,
  json: { type: 'boolean', default: false },
} as const;

export const status: Command = {
  help: () =>
    ['Usage: larder status [options]', '', columns([...EDGE_HELP, ['--json', 'Print everything as JSON.']])].join('\n'),

  async run(args) {
    const { values, positionals } = parse(args, OPTIONS);
    noneLeft(positionals);
    const found = await askEdge<Status>(values, { method: 'GET', path: '/_edge/status' });
    process.stdout.write(`${values.json ? JSON.stringify(found) : summaryOf(found)}\n`);
    return 0;
  },
};

/** A few lines that a person can read over the telephone. */
export function summaryOf(found: Status): string {
  const title = `${found.name}, larder ${found.version}, ${found.store === null ? 'no store' : `store ${found.store}`}`;
  const rows: [string, string][] = [
    ['cloud', found.cloud],
    ['up', duration(found.uptime)],
    ...certificateRows(found),
    ['link', linkLine(found)],
    ...clockRows(found),
    ...boxRows(found),
    ...queueRows(found),
    ...replicaRows(found),
    ['cache', cacheLine(found)],
    ['memory', bytes(found.memory.rss)],
  ];
  return `${title}\n${columns(rows)}`;
}

function linkLine({ link: { state, since, fault, held } }: Status): string {
  const why = fault === null ? '' : ` (${fault})`;
  return `${held ? 'held; ' : ''}${state}${why} since ${since}`;
}

function certificateRows({ certificate }: Status): [string, string][] {
  if (certificate === null) return [];
  const { validTo, daysLeft, expiring } = certificate;
  const state =
    daysLeft < 0 ? 'EXPIRED: renew it' : expiring ? `renew it, ${daysLeft} days left` : `${daysLeft} days left`;
  return [['certificate', `until ${validTo.slice(0, 10)}; ${state}`]];
}

/** Of a clock that is about right there is nothing to say, ms. */
const ABOUT_RIGHT = 5000;

function clockRows({ clock }: Status): [string, string][] {
  const skew = clock?.skew ?? 0;
  if (Math.abs(skew) < ABOUT_RIGHT) return [];
  return [['clock', `${duration(Math.round(Math.abs(skew) / 1000))} ${skew > 0 ? 'ahead of' : 'behind'} the cloud's`]];
}

/** Of the current box there is nothing to say. */
function boxRows({ box, queue }: Status): [string, string][] {
  return box === null || box.since === null ? [] : [['box', boxLine(box, queue?.length ?? 0)]];
}

function queueRows({ queue }: Status): [string, string][] {
  if (queue === null) return [];
  const oldest = queue.oldest === null ? '' : `, the oldest since ${queue.oldest}`;
  return [
    ['waiting', `${queue.length}${oldest}`],
    ...(queue.stalled === null ? [] : [['stalled', queue.stalled] satisfies [string, string]]),
    ['inbox', queue.inbox === 0 ? 'empty' : `${queue.inbox} need a person`],
  ];
}

function replicaRows({ replica }: Status): [string, string][] {
  if (replica === null) return [];
  const documents = Object.values(replica.resources).reduce((sum, each) => sum + each.documents, 0);
  const feed = replica.feed.live ? 'feed live' : `feed not live, as of ${replica.feed.asOf ?? 'never'}`;
  const rebuilding = Object.values(replica.resources).some((each) => each.rebuilding);
  const state = `${replica.complete ? 'complete' : 'not complete yet'}${rebuilding ? ', being built anew for a new release' : ''}`;
  const { last } = replica.audit;
  const audited = last === null ? 'never' : `${last.at}, ${last.checked} documents, ${last.drifted} drifted`;
  return [
    ['replica', `${state}, ${documents} documents, ${feed}`],
    ['audited', audited],
  ];
}

function cacheLine({ cache: { memory, disk } }: Status): string {
  const tier = (figures: { responses: number; bytes: number }) =>
    `${figures.responses} answers, ${bytes(figures.bytes)}`;
  return `memory ${tier(memory)}; ${disk === null ? 'no disk' : `disk ${tier(disk)}`}`;
}

function duration(seconds: number): string {
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days > 0) return `${days} d ${hours} h`;
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min` : `${seconds} s`;
}

function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, count < 1 ? 0 : Math.floor(Math.log2(count) / 10));
  return `${Math.round((count / 1024 ** power) * 10) / 10} ${units[power]}`;
}
