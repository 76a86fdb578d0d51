/** The feed as server-sent events: the same pages, as they come about. */
import { Readable } from 'node:stream';
import { ProblemError } from '../../rules/problems.ts';
import type { Services } from '../services.ts';
import { type FeedPage, pageAfter } from './page.ts';
import type { Follower } from './watch.ts';

/** An idle follower hears at least this often how far the feed has come. */
const IDLE_MS = 1500;
const PAGE = 500;
/** Each holds a connection and some memory. */
const MAX_FOLLOWERS = 2000;

export interface Following {
  store: string | null;
  /** Where to start. */
  after: string;
  /** Throws when the caller's credential is no longer good; asked before each page. */
  stillAllowed(): Promise<void>;
  /** Aborts when the caller has gone or the server ends. */
  end: AbortSignal;
}

/**
 * A stream of events: what lies behind first, then what comes, and positions while nothing does. Throws
 * `cursor-unknown` before it begins; a stream that fails later just ends, and its follower asks again.
 */
export async function liveFeed(services: Services, following: Following): Promise<Readable> {
  const { database, feed } = services;
  if (feed.followers >= MAX_FOLLOWERS) throw new ProblemError('unavailable');
  const follower = feed.follow(following.store);
  try {
    const first = await pageAfter(database, following.store, following.after, PAGE);
    const stream = Readable.from(events(services, following, follower, first), { objectMode: false });
    return stream.once('close', follower.leave);
  } catch (error) {
    follower.leave();
    throw error;
  }
}

async function* events(services: Services, following: Following, follower: Follower, first: FeedPage) {
  const { store, stillAllowed, end } = following;
  try {
    let page = first;
    while (!end.aborted) {
      yield eventOf(page);
      if (!page.page.more) await follower.changed(IDLE_MS, end);
      if (end.aborted) return;
      await stillAllowed();
      page = await pageAfter(services.database, store, page.page.next, PAGE);
    }
  } catch (error) {
    // The status line has gone out: all that can be said is the end. The next request gets the reason.
    services.log.info({ err: error }, 'live feed ended');
  }
}

const eventOf = (page: FeedPage) => `event: changes\nid: ${page.page.next}\ndata: ${JSON.stringify(page)}\n\n`;
