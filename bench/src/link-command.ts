/** `npm run link -- <mode>`: changes the link of the running demo. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { isRtt, LINK_FILE } from './link-simulator/control.ts';
import type { LinkReport } from './link-simulator/link.ts';
import { isLinkMode, LINK_MODES } from './link-simulator/modes.ts';

const MODES = Object.entries(LINK_MODES).map(([mode, what]) => `  ${mode.padEnd(12)}${what}`);
const HELP = `npm run link -- [mode] [options]

Changes the link between the store and the cloud of the running demo; without a mode, shows it.

${MODES.join('\n')}

  --rtt ms      round-trip time from now on
  --json        print what is known of the link as JSON
  --file path   the control file of another link   (.larder/link.json)
  --help        this text

Ends with 0, with 2 if it was called wrongly, with 4 if there is no link to change.
`;

/** The message is for the person at the keyboard. */
class Failure extends Error {
  readonly exit: number;
  constructor(message: string, exit: 2 | 4) {
    super(message);
    this.exit = exit;
  }
}

async function main(): Promise<void> {
  const { mode, rttMs, json, help, file } = read(process.argv.slice(2));
  if (help) return void process.stdout.write(HELP);
  const control = await find(file);
  const report = await ask(control, mode === undefined ? null : { mode, rttMs });
  const { connections, open, swallowed } = report.stats;
  const line = `link ${report.mode}: ${LINK_MODES[report.mode]} (${report.rttMs} ms round trip, ${connections} connections so far, ${open} open, ${swallowed} bytes swallowed)`;
  process.stdout.write(`${json ? JSON.stringify(report) : line}\n`);
}

function read(args: string[]) {
  const options = {
    rtt: { type: 'string' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    file: { type: 'string', default: LINK_FILE },
  } as const;
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    const [mode, ...more] = positionals;
    if (more.length > 0) throw new TypeError('one mode at a time');
    if (mode !== undefined && !isLinkMode(mode)) throw new TypeError(`there is no mode "${mode}"`);
    const rttMs = values.rtt === undefined ? undefined : Number(values.rtt);
    if (rttMs !== undefined && !isRtt(rttMs)) throw new TypeError('--rtt is 0 to 60000');
    if (rttMs !== undefined && mode === undefined) throw new TypeError('--rtt needs a mode');
    return { mode, rttMs, json: values.json, help: values.help, file: values.file };
  } catch (error) {
    throw new Failure(`${(error as Error).message}; see npm run link -- --help`, 2);
  }
}

const NOT_RUNNING = 'No link is running: start the demo with `npm start` first.';

async function find(file: string): Promise<string> {
  try {
    const { control } = JSON.parse(await readFile(file, 'utf8')) as { control: string };
    return control;
  } catch {
    throw new Failure(NOT_RUNNING, 4);
  }
}

async function ask(control: string, change: object | null): Promise<LinkReport> {
  const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(change) };
  const path = change === null ? '/' : '/mode';
  try {
    const response = await fetch(new URL(path, control), change === null ? {} : post);
    return (await response.json()) as LinkReport;
  } catch {
    // The file is left behind by a demo that was killed.
    throw new Failure(NOT_RUNNING, 4);
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof Failure ? error.exit : 1;
}
