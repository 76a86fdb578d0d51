/** `larder purge`: drops cached answers of a running edge, or makes them stale. */
import { LarderError } from '@larder/sync/errors';
import type { Purged } from '../console/purge.ts';
import { columns, noneLeft, parse } from './command.ts';
import type { Command } from './command.ts';
import { askEdge, OPERATOR_HELP, OPERATOR_OPTIONS, operatorToken } from './remote.ts';

const OPTIONS = {
  ...OPERATOR_OPTIONS,
  url: { type: 'string' },
  prefix: { type: 'string' },
  tag: { type: 'string' },
  soft: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

export const purge: Command = {
  help: () =>
    [
      'Usage: larder purge --url|--prefix|--tag <what> [options]',
      '',
      'What is purged is gone for everybody, in every variant, and does not come back after a restart.',
      '',
      columns([
        ['--url <url>', 'One URL: path and query, with or without http and host before it.'],
        ['--prefix <path>', 'All URLs that begin so.'],
        ['--tag <tag>', 'All answers that carry this tag: from Cache-Tag, Surrogate-Key, or the profile.'],
        ['--soft', 'Make stale instead: may still be given while it is fetched anew, or when the cloud fails.'],
        ...OPERATOR_HELP,
        ['--json', 'Print what was done as JSON.'],
      ]),
    ].join('\n'),

  async run(args) {
    const { values, positionals } = parse(args, OPTIONS);
    noneLeft(positionals);
    const { url, prefix, tag, soft } = values;
    if ([url, prefix, tag].filter((one) => one !== undefined).length !== 1)
      throw new LarderError('LARDER_CONFIG_INVALID', 'Say what to purge: one of --url, --prefix and --tag.');
    const done = await askEdge<Purged>(values, {
      method: 'POST',
      path: '/_edge/purge',
      token: operatorToken(values.data),
      body: { url, prefix, tag, soft },
    });
    process.stdout.write(`${values.json ? JSON.stringify(done) : sentenceOf(done)}\n`);
    return 0;
  },
};

const NAMES: Record<Purged['by'], string> = { url: 'URL', prefix: 'prefix', tag: 'tag' };

const sentenceOf = ({ by, value, soft, responses }: Purged) =>
  `${responses} ${responses === 1 ? 'answer' : 'answers'} ${soft ? 'made stale' : 'purged'} by ${NAMES[by]} ${value}.`;
