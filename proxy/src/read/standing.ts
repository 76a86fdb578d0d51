/**
 * Who may be answered from here although the cloud is there: those whose credential it has accepted a short while ago,
 * on this very route. So a user whom it revoked, or took a right from, is noticed within a minute (I8), however many of
 * their reads the replica answers.
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { Exchange } from '../exchange.ts';

export type Standing =
  /** Answer from here. */
  | 'good'
  /** Answer from here, and ask the cloud behind the answer. */
  | 'ageing'
  /** Let the cloud answer. */
  | 'unproved';

export interface Standings {
  of(exchange: Exchange): Standing;
  /** Is an ageing one to be asked about now? The caller does so. */
  mayAsk(exchange: Exchange): boolean;
  /** The cloud has answered this very request. */
  learn(exchange: Exchange, status: number): void;
}

/** How long the cloud's acceptance counts, and after how long it is asked for anew while answers go on, ms. */
const GOOD_FOR = 60_000;
const AGEING_AFTER = 30_000;
/** It is asked at most this often meanwhile, ms. */
const ASK_AGAIN = 5_000;
/** Credentials remembered for each route (I11). */
const MOST = 5_000;

interface Accepted {
  at: number;
  /** When it was last asked for anew. */
  asked: number;
}

/** `clock`: ms since 1970. */
export function createStandings(clock: () => number): Standings {
  const routes = new WeakMap<object, LRUCache<string, Accepted>>();
  const find = ({ read, request }: Exchange) =>
    read === null ? undefined : routes.get(read)?.get(credentialOf(request.headers));
  return {
    of(exchange) {
      const age = clock() - (find(exchange)?.at ?? -Infinity);
      if (age < AGEING_AFTER) return 'good';
      return age < GOOD_FOR ? 'ageing' : 'unproved';
    },
    mayAsk(exchange) {
      const accepted = find(exchange);
      if (accepted === undefined || clock() - accepted.asked < ASK_AGAIN) return false;
      accepted.asked = clock();
      return true;
    },
    learn(exchange, status) {
      if (exchange.read === null) return;
      const known = routes.get(exchange.read) ?? new LRUCache<string, Accepted>({ max: MOST });
      routes.set(exchange.read, known);
      if (status === 401 || status === 403) known.delete(credentialOf(exchange.request.headers));
      // What failed says nothing of who asked.
      else if (status < 500) known.set(credentialOf(exchange.request.headers), { at: clock(), asked: 0 });
    },
  };
}

/** Not the credential itself: it need not lie in memory. */
function credentialOf({ authorization, cookie }: IncomingHttpHeaders): string {
  const text = JSON.stringify([authorization ?? null, cookie ?? null]);
  return createHash('sha256').update(text).digest('base64');
}
