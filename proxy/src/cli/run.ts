/** Finds the command, runs it, and turns what it throws into one clear message and an exit code. */
import { ERRORS, LarderError } from '@larder/sync/errors';
import { VERSION } from '../version.ts';
import { columns } from './command.ts';
import type { Command } from './command.ts';

interface Entry {
  /** One line for the overview. */
  about: string;
  /** Loaded when it is needed: a whole edge takes its time. */
  load(): Promise<Command>;
}

const COMMANDS: Record<string, Entry> = {
  start: { about: 'Run an edge in front of a cloud.', load: async () => (await import('./start.ts')).start },
  status: {
    about: 'Show link, queue, replica and cache of a running edge.',
    load: async () => (await import('./status.ts')).status,
  },
  purge: {
    about: 'Drop cached answers by URL, prefix or tag, or make them stale.',
    load: async () => (await import('./purge.ts')).purge,
  },
  explain: {
    about: 'Say why a request would be answered as it would.',
    load: async () => (await import('./explain.ts')).explain,
  },
  audit: {
    about: 'Compare the replica with the cloud, and mend what has drifted.',
    load: async () => (await import('./audit.ts')).audit,
  },
  queue: {
    about: 'Export what waits for the cloud to a file, or import it on another box.',
    load: async () => (await import('./queue.ts')).queue,
  },
  box: {
    about: 'Say whether this box is the current one; let it send what it holds, or make it the current one.',
    load: async () => (await import('./box.ts')).box,
  },
  inbox: {
    about: 'List, show and deal with changes that need a person.',
    load: async () => (await import('./inbox.ts')).inbox,
  },
  link: { about: 'Hold the link to the cloud, or release it.', load: async () => (await import('./link.ts')).link },
};

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
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined)
    throw new LarderError('LARDER_CONFIG_INVALID', `"${name}" is not a command; see larder --help.`);
  const command = await entry.load();
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
