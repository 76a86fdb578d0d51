/** `larder start`: runs an edge until it is told to stop, or has a fault that only a new start can mend (I12). */
import { once } from 'node:events';
import { join } from 'node:path';
import { keepCompiled, pruneCompiled, useCompiled } from '@larder/sync/compiled';
import { LarderError } from '@larder/sync/errors';
import type { Config, ConfigKey } from '../config.ts';
import { CONFIG_KEYS, defaultOf, docOf, flagOf, variableOf } from '../config.ts';
import { RULE_FIELDS } from '../config-rules.ts';
import { loadConfig } from '../config-sources.ts';
import type { RunningEdge } from '../edge.ts';
import { makeDataDirectory } from '../data-directory.ts';
import { createLog } from '../log.ts';
import type { Logger } from '../log.ts';
import { VERSION } from '../version.ts';
import { columns, noneLeft, parse } from './command.ts';
import type { Command } from './command.ts';

const isSecret = (name: ConfigKey) => docOf(name).kind === 'secret';
const FLAGS = CONFIG_KEYS.filter((name) => !isSecret(name));
const OPTIONS = Object.fromEntries(['config', ...FLAGS.map(flagOf)].map((name) => [name, { type: 'string' as const }]));

export const start: Command = {
  help,
  async run(args) {
    const config = readConfig(args);
    const log = createLog(config.name, config.logLevel);
    dieOfFaults(log);
    const edge = await begin(config, log);
    process.stdout.write(`listening on ${edge.url}\n`);
    keepCompiled();
    pruneCompiled(compiledIn(config)).catch((error: unknown) =>
      log.warn({ err: error }, 'old code is left on the disk'),
    );
    return untilStopped(edge, log);
  },
};

/** Most of a start is loading code: so the directory that has it compiled comes before the code. */
async function begin(config: Config, log: Logger): Promise<RunningEdge> {
  makeDataDirectory(config.data);
  useCompiled(join(compiledIn(config), VERSION));
  const { startEdge } = await import('../edge.ts');
  return startEdge(config, log);
}

const compiledIn = ({ data }: Config) => join(data, 'compiled');

/** sysexits' EX_SOFTWARE, as LARDER_INTERNAL has it. */
const CRASHED = 70;

function readConfig(args: string[]): Config {
  const secret = CONFIG_KEYS.filter(isSecret).find((name) =>
    args.some((arg) => arg === `--${flagOf(name)}` || arg.startsWith(`--${flagOf(name)}=`)),
  );
  if (secret !== undefined)
    throw new LarderError(
      'LARDER_CONFIG_INVALID',
      `--${flagOf(secret)} would show a secret to the whole box: use ${variableOf(secret)} or --${flagOf(secret)}-file.`,
    );
  const { values, positionals } = parse(args, OPTIONS);
  noneLeft(positionals);
  const given = values as Record<string, string | undefined>;
  const flags: Partial<Record<ConfigKey, string>> = {};
  for (const name of FLAGS) {
    const value = given[flagOf(name)];
    if (value !== undefined) flags[name] = value;
  }
  return loadConfig({ flags, file: given['config'], env: process.env, directory: process.cwd() });
}

/** Resolves with the exit code when the edge has ended. */
async function untilStopped(edge: RunningEdge, log: Logger): Promise<number> {
  const signal = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]).then(() => null);
  const error = await Promise.race([signal, edge.failed]);
  if (error !== null) {
    // What waits for the dead part would wait for ever; nothing is lost by not waiting (I12).
    log.fatal({ err: error }, 'a part of the edge died; it must be started anew');
    return CRASHED;
  }
  log.info('stopping');
  // Asked twice is meant.
  for (const again of ['SIGTERM', 'SIGINT'] as const) process.once(again, () => process.exit(1));
  await edge.close();
  log.info('stopped');
  return 0;
}

function dieOfFaults(log: Logger): void {
  const die = (error: unknown) => {
    log.fatal({ err: error }, 'a fault of our own');
    process.exit(CRASHED);
  };
  process.on('uncaughtException', die);
  process.on('unhandledRejection', die);
}

function help(): string {
  return [
    'Usage: larder start --cloud <address> [options]',
    '',
    'Every key can stand in a JSON file (--config, LARDER_CONFIG), in the environment, or on the command line;',
    'the later of these wins. Logs go to standard error.',
    '',
    ...CONFIG_KEYS.map(describeKey),
    '',
    'Each of the rules is an object with `match` and one or more of the other fields:',
    '',
    columns(RULE_FIELDS),
  ].join('\n');
}

function describeKey(name: ConfigKey): string {
  const { about, expects, kind } = docOf(name);
  const standard = defaultOf(name);
  const forms = kind === 'secret' ? variableOf(name) : `--${flagOf(name)}, ${variableOf(name)}, "${name}"`;
  const value = `Takes ${expects}.${standard === undefined ? '' : ` Default: ${standard}.`}`;
  return `${forms}\n${columns([['', `${about} ${value}`]])}`;
}
