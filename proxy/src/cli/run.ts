/** Finds the command, runs it, and turns what it throws into one clear message and an exit code. */
import { ERRORS, LarderError } from '@larder/sync/errors';
import { VERSION } from '../version.ts';
import { columns } from './command.ts';
import type { Command } from './command.ts';
import { link } from './link.ts';
import { start } from './start.ts';
import { status } from './status.ts';

const COMMANDS: Record<string, Command> = { start, status, link };

/** Runs `larder <args>`; resolves with the exit code. */
export async function run(args: string[]): Promise<number> {
  try {
    return await dispatch(args);
  } catch (error) {
    return explain(error);
  }
}

async function dispatch([name, ...rest]: string[]): Promise<number> {
  if (name === '--version' || name === '-v') return print(VERSION);
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') return print(overview());
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined)
    throw new LarderError('LARDER_CONFIG_INVALID', `"${name}" is not a command; see larder --help.`);
  if (rest.includes('--help') || rest.includes('-h')) return print(command.help());
  return command.run(rest);
}

function overview(): string {
  const commands = Object.entries(COMMANDS).map(([name, { about }]): [string, string] => [name, about]);
  return [
    'Larder: an offline-first caching reverse proxy for business apps.',
    '',
    'Usage: larder <command> [options]',
    '',
    columns(commands),
    columns([
      ['--version', 'Print the version.'],
      ['--help', 'Print this; larder <command> --help prints what a command takes.'],
    ]),
  ].join('\n');
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

function explain(error: unknown): number {
  if (!(error instanceof LarderError)) {
    process.stderr.write(`larder: ${error instanceof Error ? error.stack : String(error)}\n`);
    return ERRORS.LARDER_INTERNAL.exit;
  }
  const { advice, exit } = ERRORS[error.code];
  process.stderr.write(`larder: ${error.message}\n  ${advice}\n  (${error.code})\n`);
  return exit;
}
