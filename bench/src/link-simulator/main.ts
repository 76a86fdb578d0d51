/** The link simulator as a process of its own. */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { isRtt, LINK_FILE, startLinkWithControl } from './control.ts';

const HELP = `node bench/src/link-simulator/main.ts --target host:port [options]

  --target host:port   where the cloud is
  --port n             where to listen, on loopback   (any)
  --control n          where to take commands, on loopback   (any)
  --rtt ms             round-trip time   (80)
  --file path          where to write the control address   (.larder/link.json)
  --help               this text
`;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      target: { type: 'string' },
      port: { type: 'string', default: '0' },
      control: { type: 'string', default: '0' },
      rtt: { type: 'string', default: '80' },
      file: { type: 'string', default: LINK_FILE },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const rttMs = Number(values.rtt);
  if (values.target === undefined || !isRtt(rttMs)) throw new TypeError('--target is needed, and --rtt is 0 to 60000');
  const { target, file } = values;
  const link = await startLinkWithControl({
    target,
    file,
    rttMs,
    port: Number(values.port),
    control: Number(values.control),
  });
  process.stdout.write(`listening on ${link.url}\ncontrol at ${link.control}\n`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  await link.close();
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
  process.exitCode = 2;
}
