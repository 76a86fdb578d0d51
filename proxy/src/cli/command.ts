/** What a command of the CLI is, and how its arguments are read. */
import { parseArgs } from 'node:util';
import type { ParseArgsConfig } from 'node:util';
import { LarderError } from '@larder/sync/errors';

export interface Command {
  help(): string;
  /** Returns the exit code; throws a `LarderError` for what went wrong. */
  run(args: string[]): Promise<number>;
}

type Options = NonNullable<ParseArgsConfig['options']>;

/** Reads a command's arguments. @throws LarderError `LARDER_CONFIG_INVALID`, naming the one that is wrong */
export function parse<O extends Options>(args: string[], options: O) {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // Node adds advice about "--" that misleads here; its first sentence names the option.
    throw new LarderError('LARDER_CONFIG_INVALID', `${message.split(/\. |\n/)[0]}.`, { cause: error });
  }
}

/** Refuses words that a command has no use for. */
export function noneLeft(words: string[]): void {
  if (words.length > 0) throw new LarderError('LARDER_CONFIG_INVALID', `"${words[0]}" is not understood here.`);
}

/** Two columns, the second wrapped so that it stays within 100 characters. */
export function columns(rows: [string, string][]): string {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  const wrap = new RegExp(`(.{1,${98 - width}})(?:\\s+|$)`, 'g');
  const wrapped = (text: string) => text.replace(wrap, `$1\n${' '.repeat(width + 2)}`).trimEnd();
  return rows.map(([left, right]) => `  ${left.padEnd(width)}${wrapped(right)}`).join('\n');
}
