/** `larder explain`: why a running edge would answer a request as it would. */
import { readFileSync } from 'node:fs';
import { LarderError } from '@larder/sync/errors';
import type { Explanation, Kept } from '../console/explain.ts';
import { LINKS } from '../console/ladder.ts';
import type { Rung } from '../console/ladder.ts';
import { columns, noneLeft, parse } from './command.ts';
import type { Command } from './command.ts';
import { askEdge, OPERATOR_HELP, OPERATOR_OPTIONS, operatorToken } from './remote.ts';

const OPTIONS = {
  ...OPERATOR_OPTIONS,
  header: { type: 'string', multiple: true, default: [] as string[] },
  'user-token-file': { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export const explain: Command = {
  help: () =>
    [
      'Usage: larder explain [GET|HEAD] <path> [options]',
      '',
      'Says what the edge would do with such a request, and why; the cloud is not asked, and nothing changes.',
      '',
      columns([
        ['--header <field>', 'A header of the request, as "Name: value"; may be given several times.'],
        ['--user-token-file <file>', 'File that holds the bearer token of the user whose request it is.'],
        ...OPERATOR_HELP,
        ['--json', 'Print everything as JSON.'],
      ]),
    ].join('\n'),

  async run(args) {
    const { values, positionals } = parse(args, OPTIONS);
    const [method, path, ...rest] = positionals[0]?.startsWith('/') === true ? ['GET', ...positionals] : positionals;
    noneLeft(rest);
    if (method === undefined || path === undefined)
      throw new LarderError('LARDER_CONFIG_INVALID', 'Say which request: larder explain GET /path.');
    const found = await askEdge<Explanation>(values, {
      method: 'POST',
      path: '/_edge/explain',
      token: operatorToken(values.data),
      body: { method, path, headers: headersOf(values.header, values['user-token-file']) },
    });
    process.stdout.write(`${values.json ? JSON.stringify(found) : explanationOf(found)}\n`);
    return 0;
  },
};

function headersOf(fields: readonly string[], tokenFile: string | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const field of fields) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):\s*(.*)$/.exec(field) ?? [];
    if (name === undefined || value === undefined)
      throw new LarderError('LARDER_CONFIG_INVALID', '--header must be "Name: value".');
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
  }
  if (tokenFile !== undefined) headers['authorization'] = `Bearer ${readToken(tokenFile)}`;
  return headers;
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new LarderError('LARDER_CONFIG_INVALID', `--user-token-file: ${file} cannot be read.`, { cause: error });
  }
}

/** The explanation for a person. */
export function explanationOf(found: Explanation): string {
  const { key, decision } = found;
  const rows: [string, string][] = [
    ['answer', rungLine(decision)],
    ['key', key.uri],
    ['scope', key.scope === '' ? 'everybody (no credential)' : key.scope],
    ...userRows(found),
    ['rules', found.rules.length === 0 ? 'none' : found.rules.map((rule) => JSON.stringify(rule)).join(' ')],
    ...termsRows(found),
    ...tagRows(found),
    ...keptRows(found),
    ...(found.stored.others ? [['elsewhere', 'stored for another scope or variant'] satisfies [string, string]] : []),
    ['link', `${found.link.state}${found.link.held ? ', held' : ''}`],
  ];
  const ladder = columns(ladderRows(found));
  return [`${found.method} ${key.uri}`, columns(rows), 'What would be tried, if the link were', ladder].join('\n');
}

/** States of the link that lead to the same are named together. */
function ladderRows({ ladder }: Explanation): [string, string][] {
  const byPath = Map.groupBy(LINKS, (link) => ladder[link].map(rungLine).join('; then '));
  return [...byPath].map(([path, links]) => [links.join(', '), path]);
}

function userRows({ user, route, replica }: Explanation): [string, string][] {
  if (route === null) return [['route', 'none of a profile']];
  const covered = route.covered
    ? `covered by the replica${route.replicaFirst ? ', which goes first' : ''}`
    : 'not covered';
  return [
    ['user', user === null ? 'nobody the profile knows' : `${user.id}, ${user.store ?? 'all stores'}`],
    ['route', `${route.name}, ${covered}`],
    ['replica', replica === null ? 'cannot answer' : `answers ${replica.status}, as of ${replica.asOf}`],
  ];
}

function tagRows({ tags, generation, pending }: Explanation): [string, string][] {
  if (tags.length === 0) return [];
  return [['tags', `${tags.join(' ')}, last changed at ${generation}${pending ? '; a write is waiting' : ''}`]];
}

function termsRows({ terms }: Explanation): [string, string][] {
  const said = Object.entries(terms ?? {}).map(([name, value]) => `${name}=${String(value)}`);
  return said.length === 0 ? [] : [['terms', said.join(' ')]];
}

const rungLine = ({ from, why }: Rung) => `${from}: ${why}`;

function keptRows({ stored: { memory, disk } }: Explanation): [string, string][] {
  const [inMemory, onDisk] = [keptLine(memory), keptLine(disk)];
  return [
    ['in memory', inMemory],
    ['on disk', memory !== null && inMemory === onDisk ? 'the same' : onDisk],
  ];
}

function keptLine(kept: Kept | null): string {
  if (kept === null) return 'nothing';
  // A window that ends with its freshness is none.
  const until = (name: string, left: number | null) =>
    left === null || left <= Math.max(0, kept.fresh) ? [] : [`${name} for ${left} s`];
  return [
    `${kept.status}, ${kept.bytes} bytes, ${kept.age} s old`,
    kept.fresh > 0 ? `fresh for ${kept.fresh} s` : `stale since ${-kept.fresh} s`,
    ...until('stale-while-revalidate', kept.staleWhileRevalidate),
    ...until('stale-if-error', kept.staleIfError),
    ...until('stale while offline', kept.staleIfOffline),
    ...(kept.shared ? ['shared by all scopes'] : []),
    ...(kept.vary.length === 0 ? [] : [`varies by ${kept.vary.join(' ')}`]),
    ...(kept.cacheTags.length === 0 ? [] : [`tagged ${kept.cacheTags.join(' ')}`]),
    ...(kept.tags.length === 0 ? [] : [`of ${kept.tags.join(' ')}, sequence ${kept.sequence}`]),
  ].join(', ');
}
