/** An edge as its own process, in front of a cloud that runs the inventory app. */
import { join } from 'node:path';
import { ROOT, startProcess, type Running } from './process.ts';

const FILE = 'proxy/src/main.ts';

export interface EdgeOptions {
  /** What it takes for the cloud: the link's near end. */
  cloud: string;
  data: string;
  port?: number;
  store?: string;
  /** Further flags. */
  flags?: string[];
  env?: Record<string, string>;
  line?(text: string): void;
}

const PROFILE = join(ROOT, 'inventory-app/edge/profile.ts');

const flagsOf = (values: Record<string, string>) =>
  Object.entries({ ...values, profile: PROFILE, 'log-level': 'warn' }).flatMap(([name, value]) => [`--${name}`, value]);

export const startEdge = ({
  cloud,
  data,
  port = 0,
  store = 'S001',
  flags = [],
  env = {},
  line,
}: EdgeOptions): Promise<Running> =>
  startProcess({
    name: 'the edge',
    file: FILE,
    args: ['start', ...flagsOf({ cloud, data, store, port: String(port) }), ...flags],
    env: { LARDER_CREDENTIAL: `Bearer edge_demo_${store}`, ...env },
    ...(line === undefined ? {} : { line }),
  });
