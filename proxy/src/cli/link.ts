/** `larder link`: takes the link out of use, and gives it back. */
import { resolve } from 'node:path';
import { LarderError } from '@larder/sync/errors';
import { defaultOf, variableOf } from '../config.ts';
import type { LinkStatus } from '../console/status.ts';
import { readConsoleToken } from '../data-directory.ts';
import { columns, noneLeft, parse } from './command.ts';
import type { Command } from './command.ts';
import { askEdge, DEFAULT_URL } from './remote.ts';

const OPTIONS = {
  url: { type: 'string', default: DEFAULT_URL },
  data: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export const link: Command = {
  help: () =>
    [
      'Usage: larder link hold|release [options]',
      '',
      'While the link is held nothing is sent to the cloud: the store works as if it were cut off.',
      '',
      columns([
        ['--url <address>', `Where the edge listens. Default: ${DEFAULT_URL}`],
        ['--data <directory>', "The edge's data directory, which holds the token that allows this."],
        ['--json', 'Print the state of the link as JSON.'],
      ]),
    ].join('\n'),

  async run(args) {
    const { values, positionals } = parse(args, OPTIONS);
    const [action, ...rest] = positionals;
    noneLeft(rest);
    if (action !== 'hold' && action !== 'release')
      throw new LarderError('LARDER_CONFIG_INVALID', 'Say whether to hold the link or to release it.');
    const data = values.data ?? process.env[variableOf('data')] ?? defaultOf('data') ?? '';
    const state = await askEdge<LinkStatus>(values.url, {
      method: 'POST',
      path: '/_edge/link',
      token: readConsoleToken(resolve(data)),
      body: { hold: action === 'hold' },
    });
    process.stdout.write(`${values.json ? JSON.stringify(state) : sentenceOf(state)}\n`);
    return 0;
  },
};

const sentenceOf = ({ held, state }: LinkStatus) =>
  held
    ? 'The link is held: nothing is sent to the cloud until it is released.'
    : `The link is released; its state is ${state}.`;
