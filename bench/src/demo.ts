/**
 * The demo: the cloud app with a made-up store, a link that can be cut, and an edge behind it. Runs until it is stopped;
 * what was sold stays, so a second start goes on where the first ended.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startLinkWithControl } from './link-simulator/control.ts';
import { seedCloud, sqliteIn, startCloud } from './stage/cloud.ts';
import { startEdge } from './stage/edge.ts';
import { ROOT } from './stage/process.ts';

const CLOUD_PORT = 4000;
const EDGE_PORT = 8080;
const RTT_MS = 80;
const HELP = `npm start [-- --fresh]

Starts the demo: the cloud app on 127.0.0.1:${CLOUD_PORT}, a link of ${RTT_MS} ms round trip before it, and an edge on 127.0.0.1:${EDGE_PORT}.
Ends with Ctrl-C.

  --fresh   forget what earlier runs have sold
  --help    this text
`;

const say = (text: string) => process.stdout.write(`${text}\n`);

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== '--fresh' && arg !== '--help');
  if (unknown !== undefined) {
    process.stderr.write(`The demo knows no "${unknown}".\n\n${HELP}`);
    return 2;
  }
  if (args.includes('--help')) {
    say(HELP);
    return 0;
  }
  const directory = join(ROOT, '.larder/demo');
  if (args.includes('--fresh')) rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });

  const database = sqliteIn(directory);
  say('Filling the cloud with a small store …');
  await seedCloud(database);
  say('Starting the cloud app …');
  await using parts = new AsyncDisposableStack();
  const cloud = parts.adopt(await startCloud({ database, port: CLOUD_PORT, line: say }), (part) => part.stop());
  const link = parts.adopt(await startLinkWithControl({ target: cloud.url, rttMs: RTT_MS }), (part) => part.close());
  say('Starting the edge …');
  const edge = parts.adopt(
    await startEdge({ cloud: link.url, data: join(directory, 'edge'), port: EDGE_PORT, line: say }),
    (part) => part.stop(),
  );
  say(welcome(edge.url, cloud.url));
  const ended = await Promise.race([signal(), edge.ended, cloud.ended]);
  say(ended === null ? '\nStopping …' : `\nA part of the demo ended by itself (${ended}); its output is above.`);
  return ended === null ? 0 : 1;
}

const signal = () =>
  new Promise<null>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => resolve(null));
  });

const welcome = (edge: string, cloud: string) => `
  Larder is running.

    the store, through the edge   ${edge}
    the cloud, directly           ${cloud}
    the link between them         ${RTT_MS} ms round trip

    sign in as   clerk, manager or admin   password larder-demo

  Try this:
    1. Open ${edge}, sign in as clerk, sell something.
    2. In another terminal:   npm run link -- down
    3. Go on: search for articles you never opened, sell them. The page says what it works from and what is waiting.
    4. npm run link -- up     and watch the waiting sales go to the cloud by themselves.

    npm run link -- up|down|refuse|blackhole|stall|slow|portal|gateway   changes the link
    npx larder status                                                    how the edge is
    npx larder inbox list --data .larder/demo/edge                       what needs a person
    Ctrl-C                                                               ends all of it
`;

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`The demo could not start: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
