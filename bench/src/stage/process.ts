/** Real processes for the demo, for tests and for benchmarks: started, waited for until they serve, killed for real. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

/** The project's root. */
export const ROOT = join(import.meta.dirname, '../../..');

export interface StartOptions {
  /** For messages. */
  name: string;
  /** Relative to the root: a TypeScript file that Node runs as it is. */
  file: string;
  args: string[];
  env?: Record<string, string>;
  /** Called with each line it prints. */
  line?(text: string): void;
}

export interface Running {
  readonly pid: number;
  /** Where it says that it listens. */
  readonly url: string;
  /** The end of what it has printed, for messages. */
  output(): string;
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Resolves with what ended it: its exit code, or the signal's name. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/** However this process ends, what it started ends with it. */
const living = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});

const KEEP = 20_000;
const START_LIMIT = 60_000;

/** Starts a process and collects what it prints. */
function launch({ file, args, env, line }: StartOptions) {
  const child = spawn(process.execPath, [join(ROOT, file), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  living.add(child);
  child.once('exit', () => living.delete(child));
  let output = '';
  const take = (chunk: Buffer) => {
    output = (output + String(chunk)).slice(-KEEP);
    for (const text of String(chunk).split(/[\r\n]+/)) if (text !== '') line?.(text);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  return { child, output: () => output, ended: endOf(child) };
}

/** Starts a server, and resolves when it prints `listening on <url>`. */
export async function startProcess(options: StartOptions): Promise<Running> {
  const { child, output, ended } = launch(options);
  const listening = Promise.withResolvers<string>();
  child.stdout.on('data', () => {
    const url = /listening on (http\S+)/.exec(output())?.[1];
    if (url !== undefined) listening.resolve(url);
  });
  const fail = (how: string) => listening.reject(new Error(`${options.name} ${how}:\n${output()}`));
  const timer = setTimeout(fail, START_LIMIT, 'did not start');
  void ended.then((how) => fail(`ended with ${how}`));
  try {
    const url = await listening.promise;
    return { pid: child.pid ?? 0, url, output, ended, stop: (signal) => stop(child, ended, signal) };
  } catch (error) {
    await stop(child, ended, 'SIGKILL');
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function endOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  return new Promise((resolve) => {
    child.on('exit', (code, signal) => resolve(signal ?? code ?? 0));
    child.on('error', () => resolve(1));
  });
}

/** An end that was asked for and does not come is made, ms. */
const STOP_LIMIT = 15_000;

async function stop(child: ChildProcess, ended: Promise<unknown>, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT);
  await ended;
  clearTimeout(timer);
}

/** Runs a command to its end. Rejects, with what it printed, where it fails. */
export async function runProcess(options: StartOptions): Promise<string> {
  const { output, ended } = launch(options);
  const how = await ended;
  if (how !== 0) throw new Error(`${options.name} ended with ${how}:\n${output()}`);
  return output();
}
