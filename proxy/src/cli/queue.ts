/** `larder queue`: takes what waits out of a box as a file, and into another. */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { LarderError } from '@larder/sync/errors';
import { exportQueue, importQueue } from '@larder/sync/queue';
import type { Imported } from '@larder/sync/queue';
import { defaultOf, variableOf } from '../config.ts';
import { makeDataDirectory } from '../data-directory.ts';
import { lockDirectory } from '../lock.ts';
import { columns, noneLeft, parse } from './command.ts';
import type { Command } from './command.ts';

const OPTIONS = {
  data: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

export const queue: Command = {
  help: () =>
    [
      'Usage: larder queue export|import <file> [options]',
      '',
      'export writes all changes that wait for the cloud, and those in the inbox, into a new file, of a running edge or',
      'of one that has ended.',
      'import takes them into the data directory of an edge that is not running; the next start sends them. Each keeps',
      'its key: importing twice, or sending from both boxes, doubles nothing where the app honours keys.',
      '',
      'There is no credential in the file, but what the changes say is: keep it as you keep the data directory.',
      'Not in it: what has settled.',
      '',
      columns([
        ['--data <directory>', "The edge's data directory."],
        ['--json', 'Print what was done as JSON.'],
      ]),
    ].join('\n'),

  async run(args) {
    const { values, positionals } = parse(args, OPTIONS);
    const [action, file, ...rest] = positionals;
    noneLeft(rest);
    if ((action !== 'export' && action !== 'import') || file === undefined)
      throw new LarderError('LARDER_CONFIG_INVALID', 'Say whether to export or to import, and the file.');
    const data = resolve(values.data ?? process.env[variableOf('data')] ?? defaultOf('data') ?? '');
    const [done, sentence] = action === 'export' ? exported(data, file) : imported(data, file);
    process.stdout.write(`${values.json ? JSON.stringify(done) : sentence}\n`);
    return 0;
  },
};

const changes = (count: number) => `${count} ${count === 1 ? 'change' : 'changes'}`;

function exported(data: string, file: string): [object, string] {
  const { text, entries, inbox } = exportQueue(data);
  // Never over another: it may be the only copy of a queue.
  withFile(file, () => writeFileSync(file, text, { flag: 'wx', mode: 0o600, flush: true }));
  const some = inbox === 0 ? '' : `, ${inbox} of them from the inbox`;
  return [{ file, entries, inbox }, `${changes(entries)} exported to ${file}${some}.`];
}

function imported(data: string, file: string): [Imported, string] {
  const text = withFile(file, () => readFileSync(file, 'utf8'));
  // A new box has none yet.
  makeDataDirectory(data);
  const lock = lockDirectory(data);
  try {
    const done = importQueue(data, text);
    const { entries, known, mismatched } = done;
    const left = mismatched.length === 0 ? '' : ` Left out, their keys being used here: ${mismatched.join(', ')}.`;
    return [done, `${changes(entries)} imported, ${known} known already.${left}`];
  } finally {
    lock.release();
  }
}

function withFile<T>(file: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new LarderError('LARDER_EXPORT_INVALID', `${file}: ${why}.`, { cause: error });
  }
}
