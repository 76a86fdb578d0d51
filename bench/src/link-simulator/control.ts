/** A link that can be changed while it runs: an HTTP endpoint of its own, and a file that says where that is. */
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { json } from 'node:stream/consumers';
import { type Link, type LinkOptions, startLink } from './link.ts';
import { isLinkMode, LINK_MODES } from './modes.ts';

/** Where `npm run link` looks: JSON `{"control": "http://…"}`. One link per project is the one that it changes. */
export const LINK_FILE = join(import.meta.dirname, '../../../.larder/link.json');

export interface ControlOptions extends LinkOptions {
  /** Loopback port of the control endpoint; 0: any. */
  control?: number;
  /** Written at the start, removed at the end. */
  file?: string;
}

export interface ControlledLink extends Link {
  /** Where to ask and to change it: GET / and POST /mode. */
  readonly control: string;
}

export async function startLinkWithControl(options: ControlOptions): Promise<ControlledLink> {
  const link = await startLink(options);
  const server = createServer((request, response) => {
    answer(link, request, response).catch((error: unknown) => send(response, 500, { error: String(error) }));
  });
  server.listen(options.control ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const control = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const file = options.file ?? LINK_FILE;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify({ control })}\n`);

  return {
    control,
    port: link.port,
    url: link.url,
    stats: link.stats,
    get mode() {
      return link.mode;
    },
    report: () => link.report(),
    set: (mode, change) => link.set(mode, change),
    async close() {
      await rm(file, { force: true });
      server.close();
      server.closeAllConnections();
      await link.close();
    },
  };
}

async function answer(link: Link, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'GET' && request.url === '/') return send(response, 200, link.report());
  if (request.method !== 'POST' || request.url !== '/mode') return send(response, 404, { error: 'no such thing' });
  // A page in a browser cannot send this type to another origin without asking first.
  if (request.headers['content-type'] !== 'application/json') return send(response, 415, { error: 'not JSON' });
  const { mode, rttMs } = ((await json(request).catch(() => null)) ?? {}) as Record<string, unknown>;
  if (!isLinkMode(mode)) return send(response, 400, { error: `mode is one of ${Object.keys(LINK_MODES).join(', ')}` });
  if (rttMs !== undefined && !isRtt(rttMs)) return send(response, 400, { error: 'rttMs is 0 to 60000' });
  await link.set(mode, rttMs === undefined ? {} : { rttMs });
  send(response, 200, link.report());
}

export const isRtt = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 60_000;

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(body));
}
