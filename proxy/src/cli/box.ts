/** `larder box`: is this box the one that takes the store's changes, and what becomes of what it holds if it is not. */
import type { BoxStatus } from '@larder/sync/client';
import { LarderError } from '@larder/sync/errors';
import type { Status } from '../console/status.ts';
import { columns, noneLeft, parse } from './command.ts';
import type { Command } from './command.ts';
import { askEdge, OPERATOR_HELP, OPERATOR_OPTIONS, operatorToken } from './remote.ts';

const OPTIONS = { ...OPERATOR_OPTIONS, json: { type: 'boolean', default: false } } as const;

export const box: Command = {
  help: () =>
    [
      'Usage: larder box status|authorise|take-over [options]',
      '',
      'One box at a time takes the changes of a store. A restored backup, a copied disk, a new box, and one that was',
      'replaced are not the current one: they answer reads, take no changes, and hold those that they have.',
      '',
      'status says how this box stands. authorise has it send what it holds, and nothing more: for a box that is to be',
      'switched off. take-over makes it the current one and has it send what it holds: for the box that is to stay.',
      'Changes that another box has sent already are not done twice. Both are logged with who it was.',
      '',
      columns([...OPERATOR_HELP, ['--json', 'Print how the box stands as JSON.']]),
    ].join('\n'),

  async run(args) {
    const { values, positionals } = parse(args, OPTIONS);
    const [action, ...rest] = positionals;
    noneLeft(rest);
    if (action !== 'status' && action !== 'authorise' && action !== 'take-over')
      throw new LarderError('LARDER_CONFIG_INVALID', 'Say status, authorise or take-over.');
    if (action !== 'status') {
      const token = operatorToken(values.data);
      await askEdge<BoxStatus>(values, { method: 'POST', path: `/_edge/box/${action}`, token, body: {} });
    }
    const found = await askEdge<Status>(values, { method: 'GET', path: '/_edge/status' });
    const waiting = found.queue?.length ?? 0;
    const line = found.box === null ? 'Without a profile there is nothing to hold.' : boxLine(found.box, waiting);
    process.stdout.write(`${values.json ? JSON.stringify(found.box) : line}\n`);
    return 0;
  },
};

/** How a box stands, in a line. `waiting`: changes that are not settled. */
export function boxLine({ standing, current, authorised }: BoxStatus, waiting: number): string {
  if (standing === 'off') return 'the app keeps no record of boxes';
  if (standing === 'unasked') return 'the cloud has not said yet whether this is the current box';
  if (standing === 'current') return `the current one, "${current?.box ?? ''}", since ${current?.at ?? 'never'}`;
  const why = standing === 'fork' ? 'NOT THE CURRENT ONE (a copy, or new here)' : 'NOT THE CURRENT ONE (replaced)';
  const other = `that is "${current?.box ?? ''}" since ${current?.at ?? 'never'}`;
  if (authorised === null) return `${why}: ${other}; ${waiting} held: larder box authorise, or take-over`;
  return `${why}: ${other}; sending what it holds, ${waiting} left (${authorised.by}, ${authorised.at})`;
}
