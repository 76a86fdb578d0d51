/** Keeps the app's pages and scripts at hand, so that it can start while the cloud is away. */
import { Agent, request } from 'undici';
import type { Link } from './link/link.ts';
import type { Logger } from './log.ts';

export interface ShellOptions {
  /** `App.shell`. */
  paths: readonly string[];
  /** Address of this edge: the pages come in by the front door, and are cached as anybody's request would cache them. */
  url: string;
  link: Pick<Link, 'state' | 'held' | 'on'>;
  log: Pick<Logger, 'warn'>;
}

const INTERVAL = 3_600_000;
const TIMEOUT = 30_000;

/** Fetches every page whenever the link comes, and each hour while it is there. Returns how to stop that. */
export function keepShell(options: ShellOptions): () => void {
  const { paths, link } = options;
  // To itself, on its own address, which no certificate names; nothing secret goes there.
  const agent = new Agent({ connect: { rejectUnauthorized: false } });
  let fetching = false;

  async function fetchAll(): Promise<void> {
    if (fetching || link.state !== 'online' || link.held) return;
    fetching = true;
    for (const path of paths) await fetchOne(path, agent, options);
    fetching = false;
  }

  const timer = setInterval(() => void fetchAll(), INTERVAL);
  const off = link.on('change', () => void fetchAll());
  void fetchAll();
  return () => {
    clearInterval(timer);
    off();
    void agent.destroy();
  };
}

async function fetchOne(path: string, dispatcher: Agent, { url, log }: ShellOptions): Promise<void> {
  try {
    const answer = await request(new URL(path, url), {
      // As browsers ask, so that the answer is the one they get where it varies by this.
      headers: { 'accept-encoding': 'gzip, deflate, br, zstd' },
      dispatcher,
      headersTimeout: TIMEOUT,
      bodyTimeout: TIMEOUT,
    });
    await answer.body.dump();
    if (answer.statusCode >= 400) log.warn({ path, status: answer.statusCode }, 'a page of the shell is not there');
  } catch (error) {
    log.warn({ err: error, path }, 'a page of the shell cannot be fetched');
  }
}
