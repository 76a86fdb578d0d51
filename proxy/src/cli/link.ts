/** `larder link`: takes the link out of use, and gives it back. */
import { LarderError } from '@larder/sync/errors';
import type { LinkStatus } from '../console/status.ts';
import { columns, noneLeft, parse } from './command.ts';
import type { Command } from './command.ts';
import { askEdge, OPERATOR_HELP, OPERATOR_OPTIONS, operatorToken } from './remote.ts';

const OPTIONS = {
  ...OPERATOR_OPTIONS,
  json: { type: 'boolean', default: false },
} as const;

export const link: Command = {
  help: () =>
    [
      'Usage: larder link hold|release [options]',
      '',
      'While the link is held nothing is sent to the cloud: the store works as if it were cut off.',
      '',
      columns([...OPERATOR_HELP, ['--json', 'Print the state of the link as JSON.']]),
    ].join('\n'),

  async run(args) {
    const { values, positionals } = parse(args, OPTIONS);
    const [action, ...rest] = positionals;
    noneLeft(rest);
    if (action !== 'hold' && action !== 'release')
      throw new LarderError('LARDER_CONFIG_INVALID', 'Say whether to hold the link or to release it.');
    const state = await askEdge<LinkStatus>(values, {
      method: 'POST',
      path: '/_edge/link',
      token: operatorToken(values.data),
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
