/** Keeps the app's pages and scripts at hand, so that it can start while the cloud is away. */
import { Agent, request } from 'undici';
import type { Dispatcher } from 'undici';
import { readBounded } from './cloud/read-bounded.ts';
import type { Link } from './link/link.ts';
import type { Logger } from './log.ts';

export interface ShellOptions {
  /** `App.shell`. */
  paths: readonly string[];
  /** `App.shellList`. */
  list: string | null;
  /** Address of this edge: the pages come in by the front door, and are cached as anybody's request would cache them. */
  url: string;
  link: Pick<Link, 'state' | 'held' | 'on'>;
  log: Pick<Logger, 'warn'>;
}

const INTERVAL = 3_600_000;
const TIMEOUT = 30_000;
/** As browsers ask, so that the answer is the one they get where it varies by this. */
const BROWSERS = 'gzip, deflate, br, zstd';
/** Of a list, and how many of its paths are fetched ahead. */
const MOST_BYTES = 256 * 1024;
const MOST_PATHS = 1000;

/** Fetches every page whenever the link comes, and each hour while it is there. Returns how to stop that. */
export function keepShell(options: ShellOptions): () => void {
  const { paths, list, link } = options;
  // To itself, on its own address, which no certificate names; nothing secret goes there.
  const agent = new Agent({ connect: { rejectUnauthorized: false } });
  let fetching = false;

  async function fetchAll(): Promise<void> {
    if (fetching || link.state !== 'online' || link.held) return;
    fetching = true;
    const more = list === null ? [] : pathsIn(await fetchOne(list, 'identity', listed, agent, options));
    for (const path of new Set([...paths, ...more])) await fetchOne(path, BROWSERS, dumped, agent, options);
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

type Take<T> = (body: Dispatcher.ResponseData['body']) => Promise<T>;

/** It is in the cache when it has come to its end. */
const dumped: Take<void> = (body) => body.dump();
const listed: Take<string> = (body) => readBounded(body, MOST_BYTES);

/** What a list names; nothing where it is none. */
function pathsIn(list: string | null): string[] {
  try {
    const named: unknown = JSON.parse(list ?? '[]');
    const paths = Array.isArray(named) ? named.filter((path) => typeof path === 'string' && path.startsWith('/')) : [];
    return paths.slice(0, MOST_PATHS);
  } catch {
    return [];
  }
}

/** Resolves with what was taken of the answer; null where there was none. */
async function fetchOne<T>(
  path: string,
  encoding: string,
  take: Take<T>,
  dispatcher: Agent,
  { url, log }: ShellOptions,
): Promise<T | null> {
  try {
    const answer = await request(new URL(path, url), {
      headers: { 'accept-encoding': encoding },
      dispatcher,
      headersTimeout: TIMEOUT,
      bodyTimeout: TIMEOUT,
    });
    const taken = await take(answer.body);
    if (answer.statusCode < 400) return taken;
    log.warn({ path, status: answer.statusCode }, 'a page of the shell is not there');
  } catch (error) {
    log.warn({ err: error, path }, 'a page of the shell cannot be fetched');
  }
  return null;
}
